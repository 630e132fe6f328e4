/// hnsw_rules: how many links are chosen where, and how far candidates are looked for. Measurements: docs/internals/hnsw.md.
/// Threads: immutable.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "sextant/index/hnsw/hnsw_params.hpp"
#include "sextant/index/hnsw/hnsw_select.hpp"

namespace sextant::inline v1::detail {

/// How much closer a chosen link must be, on level 0, to pass a candidate over (the α of DiskANN, Subramanya et al. 2019,
/// here a factor on the distance itself, which is squared for L2). Above 1, lists keep some longer links: walks need fewer
/// hops and a smaller pool for the same recall, at the price of more distances per hop.
inline constexpr float level0_alpha = 1.2F;

/// Links of a new row on level 0: as many as a list holds; with alpha above 1 half a list is too short.
[[nodiscard]] constexpr SelectRule forward_rule(const HnswParams& params) noexcept {
    return {.limit = 2UL * params.m, .fill_limit = 0, .alpha = level0_alpha};
}
/// What stays of a level-0 list that overflows.
[[nodiscard]] constexpr SelectRule overflow_rule(const HnswParams& params) noexcept {
    return {.limit = 2UL * params.m, .fill_limit = 0, .alpha = level0_alpha};
}
/// Links of a row on an upper level, new or overflowing.
[[nodiscard]] constexpr SelectRule upper_rule(const HnswParams& params) noexcept {
    return {.limit = params.m, .fill_limit = 0, .alpha = 1.0F};
}
/// The most links of one row that the spanning tree may hold: the rest stays free for near rows.
[[nodiscard]] constexpr std::size_t tree_limit(const HnswParams& params) noexcept {
    return 2UL * params.m - params.m / 2;
}

}  // namespace sextant::inline v1::detail
