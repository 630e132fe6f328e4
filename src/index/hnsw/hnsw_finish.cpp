#include "sextant/index/hnsw/hnsw_finish.hpp"

#include "sextant/index/hnsw/hnsw_connect.hpp"
#include "sextant/index/hnsw/hnsw_update.hpp"
#include "sextant/index/hnsw/hnsw_worker.hpp"

namespace sextant::inline v1::detail {

Result<void> finish_graph(LinkStore& store, SpanningTree& tree, const HnswBuild& build) {
    if (build.stop.stop_requested()) return Error{ErrorCode::cancelled, "finishing the graph was stopped"};
    WorkerPool workers(build, store.params().ef_construction, LinkRequests::most_sources);
    workers.reserve_rows(store.rows());
    connect(store, tree, build, workers[0]);
    return {};
}

}  // namespace sextant::inline v1::detail
