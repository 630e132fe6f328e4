/// hnsw_gates: leads searches into what they miss.
/// Every row can be reached (spanning_tree.hpp), but a search does not go everywhere: where a far cluster has no row on an
/// upper level, and the one link into it leaves a row that the search has no reason to expand, it is never entered. So a
/// share of the rows is searched for, and a row that is missed gets a link from the closest row that was met: what a
/// search for anything in that cluster expands first. And where none of the closer half of a row's links leads
/// back to it, only far rows know it, such as its parent in the tree: the closest of its links that can gets one.
/// Threads: one caller; nobody may search. The bytes do not depend on the number of threads.
/// Cost: a search with a pool of m for every fourth row; reading some lists for each row.
#pragma once

#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/index/hnsw/hnsw_worker.hpp"
#include "sextant/index/hnsw/link_store.hpp"
#include "sextant/index/hnsw/spanning_tree.hpp"

namespace sextant::inline v1::detail {

/// Ends early when build.stop asks for it. A gate takes the place of the farthest link that is not a tree link; a row
/// gives at most one.
void open_gates(LinkStore& store, const SpanningTree& tree, const HnswBuild& build, WorkerPool& workers);

}  // namespace sextant::inline v1::detail
