#include "sextant/core/point_id.hpp"

#include <ostream>
#include <span>

#include "core/detail/sha1.hpp"
#include "core/format_text.hpp"
#include "sextant/core/hash.hpp"

namespace sextant::inline v1 {
namespace {

constexpr std::size_t canonical_size = 36;
constexpr std::string_view urn_prefix = "urn:uuid:";

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr int hex_value(char c) noexcept {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The text as a person can read it in a message: at most 64 characters, no control characters.
std::string shown(std::string_view text) {
    constexpr std::size_t limit = 64;
    std::string out = "\"";
    for (const char c : text.substr(0, limit)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
            out += format_text("\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    out += text.size() > limit ? format_text("\"... ({} bytes)", text.size()) : "\"";
    return out;
}

Error malformed(std::string_view text, std::size_t position, std::string_view problem) {
    return invalid_argument(format_text("point id: {} at position {} of {}", problem, position, shown(text)));
}

Result<PointId> parse_integer(std::string_view text) {
    if (text.size() > 1 && text[0] == '0') return malformed(text, 0, "an integer has no leading zero; found one");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = static_cast<std::uint64_t>(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return malformed(text, i, "expected an integer of at most 18446744073709551615, got a larger one");
        }
        value = value * 10 + digit;
    }
    return PointId{value};
}

/// `body` lies in `text` at `offset`, for messages: 32 hex digits, in groups 8-4-4-4-12 where `hyphens`.
Result<PointId> parse_digits(std::string_view text, std::size_t offset, std::size_t size, bool hyphens) {
    PointId::Bytes bytes{};
    std::size_t digit = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const char c = text[offset + i];
        if (hyphens && (i == 8 || i == 13 || i == 18 || i == 23)) {
            if (c != '-') return malformed(text, offset + i, "expected '-' of a UUID");
            continue;
        }
        const int value = hex_value(c);
        if (value < 0) return malformed(text, offset + i, "expected a hex digit of a UUID");
        bytes[digit / 2] = static_cast<std::uint8_t>(unsigned{bytes[digit / 2]} << 4U | static_cast<unsigned>(value));
        ++digit;
    }
    return PointId::from_uuid(bytes);
}

bool starts_with_urn(std::string_view text) noexcept {
    if (text.size() < urn_prefix.size()) return false;
    for (std::size_t i = 0; i < urn_prefix.size(); ++i) {
        if (lower(text[i]) != urn_prefix[i]) return false;
    }
    return true;
}

}  // namespace

Result<PointId> PointId::parse(std::string_view text) {
    if (text.empty()) return invalid_argument("point id: expected an integer or a UUID, got an empty text");
    if (text.size() != 32) {
        std::size_t digits = 0;
        while (digits < text.size() && is_digit(text[digits])) ++digits;
        if (digits == text.size()) return parse_integer(text);
    }

    std::size_t offset = 0;
    std::size_t size = text.size();
    if (text.front() == '{') {
        if (text.back() != '}' || text.size() == 1)
            return malformed(text, text.size(), "expected '}' closing the UUID");
        offset = 1;
        size -= 2;
    } else if (starts_with_urn(text)) {
        offset = urn_prefix.size();
        size -= offset;
    }
    const bool bare = offset == 0;
    if (bare && size == 32) return parse_digits(text, 0, size, false);
    if (size != canonical_size) {
        for (std::size_t i = 0; i < size; ++i) {
            const char c = text[offset + i];
            if (hex_value(c) < 0 && c != '-') {
                return malformed(text, offset + i, "expected an integer or a UUID; found a character of neither");
            }
        }
        return invalid_argument(format_text("point id: expected an integer, or a UUID of {} characters{}, got {} of {}",
                                            canonical_size, bare ? " (32 without hyphens)" : "", size, shown(text)));
    }
    return parse_digits(text, offset, size, true);
}

PointId PointId::from_name(std::string_view name) { return from_name(name_space(), name); }

PointId PointId::from_name(const Bytes& name_space, std::string_view name) {
    const auto digest = detail::sha1(name_space, name);
    Bytes bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = digest[i];
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | 0x50U);  // version 5
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);  // the variant of RFC 4122
    return from_uuid(bytes);
}

std::uint64_t PointId::hash() const noexcept {
    const Bytes raw = bytes();
    return hash64(std::as_bytes(std::span(raw)));
}

std::string PointId::to_string() const {
    if (is_integer()) return std::to_string(low_);
    static constexpr char digits[] = "0123456789abcdef";
    const Bytes raw = bytes();
    std::string out;
    out.reserve(canonical_size);
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        out += digits[raw[i] >> 4U];
        out += digits[raw[i] & 0x0fU];
    }
    return out;
}

std::ostream& operator<<(std::ostream& out, const PointId& id) { return out << id.to_string(); }

}  // namespace sextant::inline v1
