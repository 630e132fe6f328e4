/// payload_format: the numbers of the payload encoding, version 1. The page docs/format/payload.md is its description.
/// Invariants: a tag once given is never given another meaning.
/// Threads: immutable.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sextant::inline v1 {

/// First byte of every blob that is not empty.
inline constexpr std::uint8_t payload_version = 1;

/// First byte of every value; what follows it is the body.
enum class PayloadTag : std::uint8_t {
    null = 0x01,
    boolean_false = 0x02,
    boolean_true = 0x03,
    integer8 = 0x04,
    integer16 = 0x05,
    integer32 = 0x06,
    integer64 = 0x07,
    unsigned64 = 0x08,  ///< only above 2^63 - 1
    floating64 = 0x09,  ///< finite
    string8 = 0x0a,     ///< u8 size, bytes
    string32 = 0x0b,    ///< u32 size, bytes; only from 256 bytes on
    array8 = 0x0c,      ///< u8 size of the elements, elements
    array32 = 0x0d,     ///< u32 size, only from 256 bytes on
    object8 = 0x0e,     ///< u8 size of the members, members
    object32 = 0x0f,    ///< u32 size, only from 256 bytes on
};

/// A size below this takes one byte, any other four.
inline constexpr std::size_t payload_wide_size = 256;
/// Size byte of a key that says: the true size follows as u32.
inline constexpr std::uint8_t payload_wide_key = 0xff;

}  // namespace sextant::inline v1
