#include "sextant/collection/detail/write_op.hpp"

#include <utility>

#include "core/format_text.hpp"
#include "sextant/payload/payload_limits.hpp"

namespace sextant::inline v1::detail {

std::vector<PayloadPath> parse_paths(std::span<const std::string> texts, std::string& error) {
    std::vector<PayloadPath> paths;
    if (texts.size() > limits::max_payload_paths) {
        error = format_text("keys: got {} paths, expected at most {}", texts.size(), limits::max_payload_paths);
        return paths;
    }
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
