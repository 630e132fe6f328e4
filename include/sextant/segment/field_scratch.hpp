/// FieldScratch: all memory a search of a field takes, kept by the caller and used again and again.
/// Invariants: once it has seen the largest query, a search allocates nothing.
/// Threads: confined.
#pragma once

#include "sextant/core/query_scratch.hpp"
#include "sextant/index/hnsw/hnsw_scratch.hpp"

namespace sextant::inline v1 {

class FieldScratch {
public:
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return query.memory_bytes() + graph.memory_bytes(); }

    // Used by the searches of fields; not for callers.
    QueryScratch query;  ///< bound queries, candidates, distances; given back when the next search begins
    HnswScratch graph;
};

}  // namespace sextant::inline v1
