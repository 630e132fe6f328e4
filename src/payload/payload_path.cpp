#include "sextant/payload/payload_path.hpp"

#include "core/format_text.hpp"
#include "payload/detail/text.hpp"
#include "sextant/payload/payload_limits.hpp"

namespace sextant::inline v1 {
namespace {

/// Reads one path from left to right; the first fault stays in `fault`.
class PathParser {
public:
    explicit PathParser(std::string_view text) : text_(text) {}

    [[nodiscard]] Result<std::vector<PayloadPath::Step>> parse() {
        std::vector<PayloadPath::Step> steps;
        bool good = parse_key(steps);
        while (good && at_ < text_.size()) {
            if (text_[at_] == '.') {
                ++at_;
                good = parse_key(steps);
            } else if (text_[at_] == '[') {
                ++at_;
                good = parse_brackets(steps);
            } else {
                good = expected("'.' or '['");
            }
            if (good && steps.size() > limits::max_payload_path_steps) {
                return invalid_argument(
                    format_text("path {}: more than {} steps", detail::shown(text_), limits::max_payload_path_steps));
            }
        }
        if (!good) return invalid_argument(fault_);
        return steps;
    }

private:
    bool expected(std::string_view what) {
        fault_ = format_text("path {}: expected {} at position {}", detail::shown(text_), what, at_);
        return false;
    }

    bool parse_key(std::vector<PayloadPath::Step>& steps) {
        std::string_view key;
        if (at_ < text_.size() && text_[at_] == '"') {
            const std::size_t first = ++at_;
            while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\') ++at_;
            if (at_ == text_.size() || text_[at_] != '"') return expected("'\"' ending the key");
            key = text_.substr(first, at_ - first);
            ++at_;
        } else {
            const std::size_t first = at_;
            while (at_ < text_.size()) {
                std::size_t behind = at_;
                if (!detail::is_bare_key_character(detail::next_code_point(text_, behind))) break;
                at_ = behind;
            }
            if (at_ == first) return expected("a key");
            key = text_.substr(first, at_ - first);
        }
        steps.push_back({PayloadPath::StepKind::key, 0, std::string(key)});
        return true;
    }

    bool parse_brackets(std::vector<PayloadPath::Step>& steps) {
        if (at_ < text_.size() && text_[at_] == ']') {
            ++at_;
            steps.push_back({PayloadPath::StepKind::each, 0, {}});
            return true;
        }
        const std::size_t first = at_;
        std::uint64_t index = 0;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
            index = index * 10 + static_cast<std::uint64_t>(text_[at_] - '0');
            if (index > UINT32_MAX) return expected("an index of at most 4294967295");
            ++at_;
        }
        if (at_ == first) return expected("digits or ']'");
        if (at_ == text_.size() || text_[at_] != ']') return expected("']'");
        ++at_;
        steps.push_back({PayloadPath::StepKind::index, static_cast<std::uint32_t>(index), {}});
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string fault_;
};

}  // namespace

Result<PayloadPath> PayloadPath::parse(std::string_view text) {
    if (text.size() > limits::max_payload_path_size) {
        return invalid_argument(format_text("path {}: expected at most {} bytes, got {}", detail::shown(text),
                                            limits::max_payload_path_size, text.size()));
    }
    if (const std::size_t valid = detail::valid_utf8_size(text); valid != text.size()) {
        return invalid_argument(format_text("path {}: not UTF-8 at position {}", detail::shown(text), valid));
    }
    SEXTANT_TRY_ASSIGN(auto steps, PathParser(text).parse());
    PayloadPath path;
    path.text_ = text;
    path.steps_ = std::move(steps);
    return path;
}

PayloadPath PayloadPath::literal(std::string_view key) {
    PayloadPath path;
    path.text_ = detail::shown_key(key);
    path.steps_.push_back({StepKind::key, 0, std::string(key)});
    return path;
}

}  // namespace sextant::inline v1
