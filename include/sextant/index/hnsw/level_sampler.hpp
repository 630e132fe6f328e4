/// level_sampler: the highest level of a row, drawn from a hash of its key, so that the same rows give the same graph.
/// Why integers: Malkov & Yashunin 2016, §4.1, draw floor(-ln(u) / ln(m)); comparing the hash with 2^64 / m^l gives the
/// same distribution, and the same level on every platform, whatever its logarithm rounds to.
/// Threads: pure functions.
#pragma once

#include <cstdint>

#include "sextant/core/random.hpp"

namespace sextant::inline v1::detail {

/// Levels above this are not drawn: 4^16 rows would be needed to expect one.
inline constexpr std::uint32_t max_level = 15;

/// P(level ≥ l) = m^-l. REQUIRES: m ≥ 2.
[[nodiscard]] constexpr std::uint32_t sample_level(std::uint64_t row_key, std::uint64_t seed,
                                                   std::uint32_t m) noexcept {
    const std::uint64_t draw = mix64(row_key ^ mix64(seed));
    std::uint32_t level = 0;
    for (std::uint64_t bound = ~std::uint64_t{0} / m; level < max_level && draw < bound; bound /= m) ++level;
    return level;
}

}  // namespace sextant::inline v1::detail
