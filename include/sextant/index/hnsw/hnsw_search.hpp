/// hnsw_search: walking a graph towards a query (Malkov & Yashunin 2016, Alg. 2 and 5) over one sorted pool.
/// Threads: free functions; the scratch is confined. Safe beside one linker: a GraphView says how far to read.
/// Cost: one indirect call per list of fresh rows; no allocation once the scratch is warm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>

#include "sextant/concepts/index.hpp"
#include "sextant/concepts/row_scorer.hpp"
#include "sextant/core/types.hpp"
#include "sextant/index/hnsw/hnsw_scratch.hpp"
#include "sextant/index/hnsw/link_store.hpp"

namespace sextant::inline v1::detail {

/// A place of the graph and how far it is from the query.
struct GraphPoint {
    std::uint32_t id = no_slot;  ///< a slot on upper levels, a row on level 0
    float distance = 0.0F;
};

/// What a descent leaves in scratch.pool.
enum class DescentPool : std::uint8_t {
    nothing,
    met,   ///< every row it scored, as far as they fit; all of them are visited
    ends,  ///< the rows its paths end at, and only those are visited. Of a descent to level 0.
};

/// From the entry down to `level`, along one path (Alg. 2 with ef = 1), or a few where the pool's capacity is large.
/// REQUIRES: the graph is not empty; scratch is cleared and reserved, and its pool reset to the search's ef.
GraphPoint descend(const GraphView& graph, const RowScorer& scorer, std::int32_t level, DescentPool into,
                   HnswScratch& scratch, SearchCounters& counters) noexcept;

/// How many rows a hop expands.
enum class HopWidth : std::uint8_t {
    one,      ///< the closest, as Alg. 2 does
    growing,  ///< more, the more of the pool is expanded: fewer and longer lists to score, a few rows more
};

/// Expands scratch.pool on level 0 until its best entries are all expanded (Alg. 2). REQUIRES: what is in the pool is
/// visited.
void expand(const GraphView& graph, const RowScorer& scorer, HopWidth width, const std::stop_token* stop,
            HnswScratch& scratch, SearchCounters& counters) noexcept;

/// The same on an upper level, where the pool holds slots.
void expand_upper(const GraphView& graph, const RowScorer& scorer, HnswScratch& scratch,
                  SearchCounters& counters) noexcept;

/// The whole of a search for linking: scratch.pool then holds up to ef rows of level 0; scratch.visited must be cleared.
void search_level0(const GraphView& graph, const RowScorer& scorer, std::size_t ef, HnswScratch& scratch,
                   SearchCounters& counters) noexcept;

/// The whole of a search for a caller (HnswIndex::search).
std::size_t search_graph(const GraphView& graph, const RowScorer& scorer, const RowFilter& filter,
                         const SearchParams& params, HnswScratch& scratch, std::span<Neighbor> out,
                         SearchCounters& counters) noexcept;

}  // namespace sextant::inline v1::detail
