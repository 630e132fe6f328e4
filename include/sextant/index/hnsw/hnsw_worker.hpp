/// HnswWorker: what one thread needs to change a graph; and WorkerPool, one for each thread of an executor.
/// Threads: a worker is confined to its thread; the pool is made by the caller before the threads start.
/// Why made up front: workers run inside an executor's jobs, which must not throw; all memory is taken here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sextant/concepts/row_scorer.hpp"
#include "sextant/core/query_scratch.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/index/hnsw/hnsw_scratch.hpp"
#include "sextant/index/hnsw/hnsw_select.hpp"

namespace sextant::inline v1::detail {

struct HnswWorker {
    QueryScratch memory;  ///< what the scorer borrows
    PairScorer scorer;
    HnswScratch search;
    SelectScratch select;
    std::vector<LinkCandidate> candidates;
    std::vector<RowId> rows;
    std::vector<float> distances;
    std::vector<std::uint32_t> ids;
    SearchCounters counters;
};

class WorkerPool {
public:
    /// One worker for each thread of the executor. `ef` is the largest pool, `most` the most candidates for one list.
    WorkerPool(const HnswBuild& build, std::size_t ef, std::size_t most);
    /// Makes searches of graphs of up to `rows` rows possible without allocation.
    void reserve_rows(std::uint32_t rows);
    [[nodiscard]] HnswWorker& operator[](std::size_t index) noexcept { return workers_[index]; }

private:
    std::vector<HnswWorker> workers_;
    std::size_t ef_;
};

}  // namespace sextant::inline v1::detail
