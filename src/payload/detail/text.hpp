/// text: UTF-8 as payloads demand it, and user text as messages can show it.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sextant::inline v1::detail {

/// Offset of the first byte that is not part of a well-formed sequence (Unicode 15, table 3-7: no overlong forms, no
/// surrogates, nothing above U+10FFFF); text.size() when there is none.
[[nodiscard]] std::size_t valid_utf8_size(std::string_view text) noexcept;

[[nodiscard]] inline bool is_valid_utf8(std::string_view text) noexcept { return valid_utf8_size(text) == text.size(); }

/// The code point that starts at `offset`, which moves behind it. REQUIRES: valid UTF-8, offset < text.size().
[[nodiscard]] char32_t next_code_point(std::string_view text, std::size_t& offset) noexcept;

/// Whether a path may hold this character without quotes.
[[nodiscard]] bool is_bare_key_character(char32_t c) noexcept;

/// In quotes, at most 64 bytes of it, with everything but printable ASCII as \xNN.
[[nodiscard]] std::string shown(std::string_view text);

/// A key as it stands in a path: bare where that is allowed, else shown().
[[nodiscard]] std::string shown_key(std::string_view key);

}  // namespace sextant::inline v1::detail
