/// Index: finds near rows. It sees a RowScorer and a RowFilter, and nothing else: no vector, metric, code or file.
/// Threads: a model is const-safe, and searched beside one linker.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>

#include "sextant/concepts/row_scorer.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1 {

struct SearchParams {
    std::size_t ef = 100;  ///< size of the candidate pool; results are its best admitted rows
    const std::stop_token* stop = nullptr;
};

/// What a search did, for `visited` in results and for tests.
struct SearchCounters {
    std::uint64_t scored = 0;  ///< distances computed
    std::uint64_t hops = 0;    ///< adjacency lists read
    bool stopped = false;      ///< the stop token ended it early
};

/// search: writes the best admitted rows to `out`, closest first (ties by row), and returns how many (≤ out.size()).
template <class I>
concept Index = requires(const I& index, const RowScorer& scorer, const RowFilter& filter, const SearchParams& params,
                         typename I::Scratch& scratch, std::span<Neighbor> out, SearchCounters& counters) {
    { index.search(scorer, filter, params, scratch, out, counters) } noexcept -> std::same_as<std::size_t>;
};

}  // namespace sextant::inline v1
