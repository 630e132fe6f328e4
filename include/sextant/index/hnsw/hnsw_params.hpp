/// HnswParams: how a graph is built. Source: Malkov & Yashunin 2016 (arXiv:1603.09320), whose names are used.
/// Threads: values.
#pragma once

#include <cstdint>

namespace sextant::inline v1 {

inline constexpr std::uint32_t min_m = 4;
inline constexpr std::uint32_t max_m = 64;
inline constexpr std::uint32_t max_ef_construction = 4096;

struct HnswParams {
    std::uint32_t m = 16;                ///< links a row gets in upper levels; level 0 holds 2·m. 4 .. 64
    std::uint32_t ef_construction = 64;  ///< candidate pool while linking. m .. 4,096
    std::uint64_t seed = 0;              ///< levels are drawn from hash(row key, seed)
};

}  // namespace sextant::inline v1
