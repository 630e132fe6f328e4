/// hnsw_rules: how many links are chosen where, and how far a refined row looks for them. Measurements: docs/internals/hnsw.md.
/// Threads: immutable.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "sextant/index/hnsw/hnsw_params.hpp"
#include "sextant/index/hnsw/hnsw_select.hpp"

namespace sextant::inline v1::detail {

/// Links of a new row on level 0: half of what a list holds; the other half is for links back.
[[nodiscard]] constexpr SelectRule forward_rule(const HnswParams& params) noexcept {
    return {.limit = params.m, .fill_limit = 0, .alpha = 1.0F};
}
/// What stays of a level-0 list that overflows while rows are linked.
[[nodiscard]] constexpr SelectRule overflow_rule(const HnswParams& params) noexcept {
    return {.limit = 2UL * params.m, .fill_limit = 0, .alpha = 1.1F};
}
/// The pool of the search that finds candidates for a row whose list is refined.
[[nodiscard]] constexpr std::size_t refine_ef(const HnswParams& params) noexcept {
    return std::max<std::size_t>(params.m, params.ef_construction * 3 / 4);
}
/// Links of a row whose list is refined.
[[nodiscard]] constexpr SelectRule refine_rule(const HnswParams& params) noexcept {
    return {.limit = 2UL * params.m, .fill_limit = 0, .alpha = 1.2F};
}
/// What stays of a level-0 list that overflows with links back to refined rows.
[[nodiscard]] constexpr SelectRule refine_overflow_rule(const HnswParams& params) noexcept {
    return {.limit = 2UL * params.m, .fill_limit = 0, .alpha = 1.15F};
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
