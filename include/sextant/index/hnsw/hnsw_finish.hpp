/// hnsw_finish: what is done once to a graph that will not grow any more.
/// Threads: one caller; nobody may search.
#pragma once

#include "sextant/core/result.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/index/hnsw/link_store.hpp"
#include "sextant/index/hnsw/spanning_tree.hpp"

namespace sextant::inline v1::detail {

/// Reattaches what is not reachable. cancelled: the graph is as it was.
[[nodiscard]] Result<void> finish_graph(LinkStore& store, SpanningTree& tree, const HnswBuild& build);

}  // namespace sextant::inline v1::detail
