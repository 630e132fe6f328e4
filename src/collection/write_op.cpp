#include "sextant/collection/detail/write_op.hpp"

#include <utility>

namespace sextant::inline v1::detail {

std::vector<PayloadPath> parse_paths(std::span<const std::string> texts, std::string& error) {
    std::vector<PayloadPath> paths;
    paths.reserve(texts.size());
    for (const std::string& text : texts) {
        auto path = PayloadPath::parse(text);
        if (!path) {
            error = std::move(path).error().message;
            return {};
        }
        paths.push_back(std::move(path).value());
    }
    return paths;
}

}  // namespace sextant::inline v1::detail
