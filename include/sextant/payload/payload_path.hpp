/// PayloadPath: which values of a payload a condition or an edit means.
///   path = key ( "." key | "[" digits "]" | "[]" )*      key = bare | quoted
///   bare    one or more letters, digits, '_' and '-'. Beyond ASCII every character counts as a letter but spaces,
///           controls and general punctuation (U+2000..U+206F).
///   quoted  '"', any characters but '"' and '\', '"'; may be empty.
/// `a` yields the value at key a, `a.b` the value at b inside the object a (nothing when a is an array), `a[0]` an
/// element, `a[]` every element, `a[].b` the value at b of every element that is an object. The keys of a payload are
/// literal: a key that contains a dot is reached as "a.b" in quotes.
/// Threads: immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

class PayloadPath {
public:
    enum class StepKind : std::uint8_t {
        key,    ///< member `key` of an object
        index,  ///< element `index` of an array
        each,   ///< every element of an array
    };
    struct Step {
        StepKind kind = StepKind::key;
        std::uint32_t index = 0;
        std::string key = {};

        friend bool operator==(const Step&, const Step&) = default;
    };

    /// invalid_argument names the position of the first character that does not fit, or the limit that is exceeded.
    [[nodiscard]] static Result<PayloadPath> parse(std::string_view text);
    /// The top-level key `key` as it is, dots, quotes and all.
    [[nodiscard]] static PayloadPath literal(std::string_view key);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// At least one; the first is a key.
    [[nodiscard]] std::span<const Step> steps() const noexcept { return steps_; }

    friend bool operator==(const PayloadPath& a, const PayloadPath& b) { return a.steps_ == b.steps_; }

private:
    PayloadPath() = default;

    std::string text_;
    std::vector<Step> steps_;
};

}  // namespace sextant::inline v1
