/// hnsw_select: which candidates become links (Malkov & Yashunin 2016, Alg. 4).
/// A candidate is passed over when a link already chosen is closer to it than the row itself is: the walk would reach it
/// through that link. What was passed over may fill the places that are left (keepPrunedConnections).
/// Threads: confined. Cost: each candidate is scored against the chosen links until one passes it over, one list per chosen link.
/// Equal vectors: of the duplicates of a row one is chosen and passes over the others ("twin": all three distances are the
/// same), or lists would hold nothing but duplicates. It passes over nothing else, though it is as near to everything as
/// the row itself, or lists would hold nothing but the duplicate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sextant/concepts/row_scorer.hpp"
#include "sextant/core/row_id.hpp"

namespace sextant::inline v1::detail {

struct LinkCandidate {
    float distance = 0.0F;  ///< from the row whose links are chosen
    RowId row = no_row;
    std::uint32_t id = 0;    ///< what the list holds: a row, or a slot on upper levels
    bool mandatory = false;  ///< chosen whatever the others are: a tree link (spanning_tree.hpp)

    friend bool operator<(const LinkCandidate& a, const LinkCandidate& b) noexcept {
        return a.distance < b.distance || (a.distance == b.distance && a.id < b.id);
    }
};

struct SelectRule {
    std::size_t limit = 32;       ///< links in all
    std::size_t fill_limit = 32;  ///< up to how many in all those passed over may fill
    float alpha = 1.0F;           ///< > 1: a chosen link passes over only what is closer to it by this factor
};

/// Buffers of select_links; confined, reused.
struct SelectScratch {
    std::vector<std::uint8_t> state;
    std::vector<RowId> rows;
    std::vector<std::uint32_t> index;
    std::vector<float> distances;
    void reserve(std::size_t candidates) {
        if (state.size() >= candidates) return;
        state.resize(candidates);
        rows.resize(candidates);
        index.resize(candidates);
        distances.resize(candidates);
    }
};

/// Moves the chosen candidates to the front, closest first, and returns how many there are. Rebinds the scorer.
/// REQUIRES: candidates are sorted and unique; mandatory ones are at most rule.limit; scratch is reserved for them.
std::size_t select_links(std::span<LinkCandidate> candidates, const SelectRule& rule, PairScorer& scorer,
                         SelectScratch& scratch, std::uint64_t& scored) noexcept;

}  // namespace sextant::inline v1::detail
