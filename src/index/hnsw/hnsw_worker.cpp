#include "sextant/index/hnsw/hnsw_worker.hpp"

#include <algorithm>

namespace sextant::inline v1::detail {

WorkerPool::WorkerPool(const HnswBuild& build, std::size_t ef, std::size_t most)
    : workers_(std::max<std::size_t>(build.executor->parallelism(), 1)), ef_(ef) {
    for (HnswWorker& worker : workers_) {
        worker.scorer = build.scorers(worker.memory);
        worker.select.reserve(most);
        worker.candidates.reserve(most);
        worker.rows.resize(most);
        worker.distances.resize(most);
        worker.ids.resize(most);
    }
}

void WorkerPool::reserve_rows(std::uint32_t rows) {
    for (HnswWorker& worker : workers_) worker.search.reserve(rows, ef_);
}

}  // namespace sextant::inline v1::detail
