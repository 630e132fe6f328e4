#include "payload/detail/text.hpp"

#include <cstdint>
#include <cstring>

#include "core/format_text.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr std::size_t shown_limit = 64;

struct Lead {
    std::size_t size;      ///< bytes of the sequence; 0: no sequence starts so
    unsigned char lowest;  ///< bounds of the second byte
    unsigned char highest;
};

constexpr Lead lead(unsigned char byte) noexcept {
    if (byte < 0x80) return {1, 0, 0};
    if (byte < 0xc2) return {0, 0, 0};  // continuation bytes, and leads of overlong forms
    if (byte < 0xe0) return {2, 0x80, 0xbf};
    if (byte == 0xe0) return {3, 0xa0, 0xbf};
    if (byte == 0xed) return {3, 0x80, 0x9f};  // not the surrogates
    if (byte < 0xf0) return {3, 0x80, 0xbf};
    if (byte == 0xf0) return {4, 0x90, 0xbf};
    if (byte < 0xf4) return {4, 0x80, 0xbf};
    if (byte == 0xf4) return {4, 0x80, 0x8f};
    return {0, 0, 0};
}

}  // namespace

std::size_t valid_utf8_size(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
        // Eight ASCII bytes at a time: nearly all of nearly every text.
        std::uint64_t word = 0;
        if (text.size() - at >= sizeof(word)) {
            std::memcpy(&word, text.data() + at, sizeof(word));
            if ((word & 0x8080808080808080U) == 0) {
                at += sizeof(word);
                continue;
            }
        }
        const Lead first = lead(static_cast<unsigned char>(text[at]));
        if (first.size == 0 || text.size() - at < first.size) return at;
        for (std::size_t i = 1; i < first.size; ++i) {
            const auto byte = static_cast<unsigned char>(text[at + i]);
            if (byte < (i == 1 ? first.lowest : 0x80) || byte > (i == 1 ? first.highest : 0xbf)) return at;
        }
        at += first.size;
    }
    return at;
}

char32_t next_code_point(std::string_view text, std::size_t& offset) noexcept {
    const auto byte = static_cast<unsigned char>(text[offset]);
    const std::size_t size = lead(byte).size;
    char32_t c = size == 1 ? byte : byte & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) c = c << 6U | (static_cast<unsigned char>(text[offset + i]) & 0x3fU);
    offset += size;
    return c;
}

bool is_bare_key_character(char32_t c) noexcept {
    if (c < 0x80) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    }
    const bool control = c < 0xa0;
    const bool space = c == 0xa0 || c == 0x1680 || c == 0x3000;
    const bool general_punctuation = c >= 0x2000 && c <= 0x206f;
    const bool special = c == 0xfeff || (c >= 0xfff0 && c <= 0xffff);
    return !control && !space && !general_punctuation && !special;
}

std::string shown(std::string_view text) {
    std::string out = "\"";
    for (const char c : text.substr(0, shown_limit)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
            out += format_text("\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    out += text.size() > shown_limit ? format_text("\"... ({} bytes)", text.size()) : "\"";
    return out;
}

std::string shown_key(std::string_view key) {
    bool bare = !key.empty() && key.size() <= shown_limit && is_valid_utf8(key);
    for (std::size_t at = 0; bare && at < key.size();) bare = is_bare_key_character(next_code_point(key, at));
    return bare ? std::string(key) : shown(key);
}

}  // namespace sextant::inline v1::detail
