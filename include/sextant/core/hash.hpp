/// hash: XXH3-64, the one hash and checksum of this library, in memory and in files.
/// Threads: pure functions. Cost: 18 GB/s from cache and under 8 ns for 16 bytes, with SSE2 alone on an EPYC.
/// Why one: a checksum in a file and the hash of an id are both promised for ever; a second algorithm would double that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sextant::inline v1 {

/// XXH3-64 of the bytes, as the reference implementation gives it; seed 0 equals no seed.
[[nodiscard]] std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept;
[[nodiscard]] inline std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0) noexcept {
    return hash64(std::as_bytes(std::span(text.data(), text.size())), seed);
}

}  // namespace sextant::inline v1
