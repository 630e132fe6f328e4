/// HnswScratch: what one search of a graph needs beside the graph; kept by the caller and used again and again.
/// Invariants: between searches the visited set is clear.
/// Threads: confined. Cost: 1 bit a row and half as much for the undo log, 8 bytes per pool entry; allocates nothing
/// once it has seen the largest graph and ef.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sextant/core/row_id.hpp"
#include "sextant/index/candidate_pool.hpp"
#include "sextant/index/visited_set.hpp"

namespace sextant::inline v1 {

class HnswScratch {
public:
    /// Memory for searches of graphs of up to `rows` rows with pools of up to `ef`. Throws std::bad_alloc.
    /// A search calls it itself; call it before to have a refusal as an exception rather than an empty answer.
    void reserve(std::uint32_t rows, std::size_t ef) {
        visited.reserve(rows);
        pool.reserve(ef);
        distances.resize(VisitedSet::max_list);
        rows_of_list.resize(VisitedSet::max_list);
        ids_of_list.resize(VisitedSet::max_list);
    }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return pool.memory_bytes() + admitted.memory_bytes() + visited.memory_bytes() +
               distances.capacity() * sizeof(float) + frontier.capacity() * sizeof(Neighbor) +
               (rows_of_list.capacity() + ids_of_list.capacity()) * sizeof(RowId);
    }

    // Used by the algorithms in index/hnsw; not for callers.
    CandidatePool pool;                      ///< what was met and may be expanded
    CandidatePool admitted;                  ///< filtered search: what may be returned
    VisitedSet visited;                      ///< by row, on every level
    std::vector<Neighbor> frontier;          ///< filtered search: a heap of what may be expanded
    std::vector<float> distances;            ///< of one list
    std::vector<RowId> rows_of_list;         ///< upper levels: the rows behind the slots of one list
    std::vector<std::uint32_t> ids_of_list;  ///< upper levels: those slots; survivors of a threshold
};

}  // namespace sextant::inline v1
