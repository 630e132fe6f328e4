/// PointId: how the user names a point: an unsigned 64-bit integer or a UUID.
/// Invariants: (1) an integer and a UUID are never equal, even where their bytes are; (2) integers order before UUIDs,
/// integers by value, UUIDs byte by byte; (3) bytes() and hash() never change between versions: placement of points
/// on shards rests on them.
/// Threads: a value.
/// Why two kinds in one type: programs that have row numbers pay 8 bytes a row, programs that have strings map them to
/// UUIDs by name; both see one set of calls.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

class PointId {
public:
    using Bytes = std::array<std::uint8_t, 16>;

    /// The integer 0.
    constexpr PointId() noexcept = default;
    constexpr explicit PointId(std::uint64_t integer) noexcept : low_(integer) {}

    /// Any 16 bytes are a UUID, in the order they are written in text (RFC 4122, section 4.1.2).
    [[nodiscard]] static constexpr PointId from_uuid(const Bytes& bytes) noexcept {
        PointId id;
        id.is_uuid_ = true;
        id.high_ = load_big_endian(bytes, 0);
        id.low_ = load_big_endian(bytes, 8);
        return id;
    }

    /// UUID version 5 (RFC 4122, section 4.3) of any string within name_space(): the same string is the same id on
    /// every machine and in every version.
    [[nodiscard]] static PointId from_name(std::string_view name);
    [[nodiscard]] static PointId from_name(const Bytes& name_space, std::string_view name);

    /// The namespace of from_name(name): the version 5 UUID of "sextant.point_id" in the DNS namespace of RFC 4122.
    [[nodiscard]] static constexpr Bytes name_space() noexcept {
        return {0xcd, 0x2f, 0xf5, 0x9a, 0x00, 0x5b, 0x57, 0x3b, 0x96, 0x52, 0xe0, 0x48, 0x24, 0xfa, 0xa7, 0x43};
    }

    /// Reads an id from text; the whole text must be the id.
    ///   integer  decimal digits, 0 .. 18446744073709551615, no sign, no leading zero
    ///   UUID     550e8400-e29b-41d4-a716-446655440000, the same in { } or after urn:uuid:, or 32 hex digits without
    ///            hyphens; letters in either case. 32 decimal digits are a UUID, as no integer is that long.
    /// Anything else, white space included, is invalid_argument naming the position of the first wrong character.
    [[nodiscard]] static Result<PointId> parse(std::string_view text);

    [[nodiscard]] constexpr bool is_integer() const noexcept { return !is_uuid_; }
    [[nodiscard]] constexpr bool is_uuid() const noexcept { return is_uuid_; }
    /// REQUIRES: is_integer(); the last eight bytes of a UUID otherwise.
    [[nodiscard]] constexpr std::uint64_t integer() const noexcept { return low_; }
    /// REQUIRES: is_uuid(); bytes() of an integer otherwise.
    [[nodiscard]] constexpr Bytes uuid_bytes() const noexcept { return bytes(); }

    /// UUID: its bytes as written. Integer: eight zero bytes, then the value big-endian, so that within a kind the order
    /// of ids is the order of bytes. The kind is not in the bytes: what stores them stores is_uuid() beside.
    [[nodiscard]] constexpr Bytes bytes() const noexcept {
        Bytes out{};
        for (std::size_t i = 0; i < 8; ++i) {
            out[i] = static_cast<std::uint8_t>(high_ >> (56 - 8 * i));
            out[8 + i] = static_cast<std::uint8_t>(low_ >> (56 - 8 * i));
        }
        return out;
    }

    /// XXH3-64 (seed 0) of bytes(), forever.
    [[nodiscard]] std::uint64_t hash() const noexcept;

    /// Decimal digits, or 36 characters with lower-case letters; parse() gives the same id back.
    [[nodiscard]] std::string to_string() const;

    friend constexpr bool operator==(const PointId&, const PointId&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const PointId&, const PointId&) noexcept = default;
    friend std::ostream& operator<<(std::ostream& out, const PointId& id);

private:
    static constexpr std::uint64_t load_big_endian(const Bytes& bytes, std::size_t offset) noexcept {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < 8; ++i) value = value << 8U | bytes[offset + i];
        return value;
    }

    // Order of members is order of ids: kind, then the 16 bytes.
    bool is_uuid_ = false;
    std::uint64_t high_ = 0;
    std::uint64_t low_ = 0;
};

}  // namespace sextant::inline v1

template <>
struct std::hash<sextant::PointId> {
    [[nodiscard]] std::size_t operator()(const sextant::PointId& id) const noexcept {
        return static_cast<std::size_t>(id.hash());
    }
};
