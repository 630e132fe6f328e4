#include "sextant/index/hnsw/hnsw_select.hpp"

#include <algorithm>

namespace sextant::inline v1::detail {
namespace {

enum : std::uint8_t { open = 0, chosen = 1, passed = 2 };

/// Passes over the open candidates behind `at` that lie closer to it than to the row.
void pass_over(std::span<const LinkCandidate> candidates, std::size_t at, float alpha, PairScorer& scorer,
               SelectScratch& scratch, std::uint64_t& scored) noexcept {
    std::size_t count = 0;
    for (std::size_t i = at + 1; i < candidates.size(); ++i) {
        scratch.rows[count] = candidates[i].row;
        scratch.index[count] = static_cast<std::uint32_t>(i);
        count += scratch.state[i] == open && !candidates[i].mandatory ? 1U : 0U;
    }
    if (count == 0) return;
    scorer.bind(candidates[at].row);
    scorer.score({scratch.rows.data(), count}, scratch.distances);
    scored += count;
    for (std::size_t j = 0; j < count; ++j) {
        const std::uint32_t i = scratch.index[j];
        const float between = scratch.distances[j];
        // Negative distances (inner product) know no factor: alpha acts on positive ones alone.
        const float reach = between > 0.0F ? between * alpha : between;
        const float distance = candidates[i].distance;
        const bool twin = between == distance && candidates[at].distance == distance;
        if (reach < distance || twin) scratch.state[i] = passed;
    }
}

}  // namespace

std::size_t select_links(std::span<LinkCandidate> candidates, const SelectRule& rule, PairScorer& scorer,
                         SelectScratch& scratch, std::uint64_t& scored) noexcept {
    std::size_t mandatory = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        scratch.state[i] = open;
        mandatory += candidates[i].mandatory ? 1U : 0U;
    }
    std::size_t taken = 0;
    for (std::size_t i = 0; i < candidates.size() && taken < rule.limit; ++i) {
        if (scratch.state[i] == passed) continue;
        if (candidates[i].mandatory) {
            --mandatory;
        } else if (taken + mandatory >= rule.limit) {
            continue;  // the places left are spoken for
        }
        scratch.state[i] = chosen;
        ++taken;
        if (taken < rule.limit) pass_over(candidates, i, rule.alpha, scorer, scratch, scored);
    }
    const std::size_t most = std::min(rule.fill_limit, candidates.size());
    for (std::size_t i = 0; i < candidates.size() && taken < most; ++i) {
        if (scratch.state[i] == chosen) continue;
        scratch.state[i] = chosen;
        ++taken;
    }
    std::size_t out = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (scratch.state[i] == chosen) candidates[out++] = candidates[i];
    }
    return out;
}

}  // namespace sextant::inline v1::detail
