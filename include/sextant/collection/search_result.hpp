/// SearchResult: hits, closest first, and how they were found.
/// Invariants: never short in silence: where points exist that belong here and are missing, complete is false.
/// Threads: a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sextant/collection/record.hpp"

namespace sextant::inline v1 {

/// How a search went about it.
struct SearchPlan {
    std::uint32_t segments_scanned = 0;  ///< every admitted row compared
    std::uint32_t segments_by_graph = 0;
    std::uint32_t segments_skipped = 0;  ///< no row admitted
    bool filtered = false;
    std::uint64_t admitted = 0;  ///< live points that pass the filter, exactly
};

struct SearchResult {
    std::vector<Hit> hits = {};
    /// False: the search was stopped, or a score_threshold admits more points than k let through.
    bool complete = true;
    /// Distances computed.
    std::uint64_t visited = 0;
    SearchPlan plan = {};
    /// Memory of hits that are not needed at the moment: for search_into(), when the same result is used again.
    std::vector<Hit> spare = {};

    [[nodiscard]] auto begin() noexcept { return hits.begin(); }
    [[nodiscard]] auto end() noexcept { return hits.end(); }
    [[nodiscard]] auto begin() const noexcept { return hits.begin(); }
    [[nodiscard]] auto end() const noexcept { return hits.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return hits.size(); }
    [[nodiscard]] bool empty() const noexcept { return hits.empty(); }
    [[nodiscard]] Hit& operator[](std::size_t index) noexcept { return hits[index]; }
    [[nodiscard]] const Hit& operator[](std::size_t index) const noexcept { return hits[index]; }
};

}  // namespace sextant::inline v1
