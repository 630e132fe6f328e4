/// random: seeded, portable numbers. Nothing in the library draws from an unseeded source unless it says so.
/// Threads: const-safe; a Random is confined to who draws from it.
#pragma once

#include <cstdint>

namespace sextant::inline v1 {

__extension__ using detail_u128 = unsigned __int128;

/// splitmix64 finaliser (Steele, Lea, Flood 2014): a good 64-bit mix of one word.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31U);
}

/// splitmix64: a small generator with the same sequence on every platform. Streams of neighbouring seeds do not overlap.
class Random {
public:
    explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}
    [[nodiscard]] constexpr std::uint64_t next() noexcept {
        const std::uint64_t drawn = mix64(state_);
        state_ +=
            0x9E3779B97F4A7C15ULL;  // 2^64 / golden ratio: adding 1 would make seed s + 1 the stream of s, one draw later
        return drawn;
    }
    /// Uniform in [0, bound). REQUIRES: bound > 0. Multiply-shift (Lemire 2019) without the rejection step: bias < bound/2^64.
    [[nodiscard]] constexpr std::uint64_t below(std::uint64_t bound) noexcept {
        return static_cast<std::uint64_t>((static_cast<detail_u128>(next()) * bound) >> 64U);
    }
    /// Uniform in [0, 1).
    [[nodiscard]] constexpr double uniform() noexcept { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

private:
    std::uint64_t state_;
};

}  // namespace sextant::inline v1
