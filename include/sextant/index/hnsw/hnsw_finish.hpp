/// hnsw_finish: what is done once to a graph that will not grow any more.
/// Three passes: connect what is not reachable; refine every list; open gates (hnsw_gates.hpp).
/// Refine: a row that was linked early chose among the few rows there were, and a full list was cut again and again. Now
/// each row looks around once more, from its own links outwards with a small pool, and chooses its links anew with a
/// relaxed rule (hnsw_rules.hpp); what it links to links back. Costs about a third of the build.
/// Threads: one caller; nobody may search. The bytes do not depend on the number of threads: rows are refined in blocks
/// as batches are linked, each block against the graph as it stood before it.
#pragma once

#include "sextant/core/result.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/index/hnsw/link_store.hpp"
#include "sextant/index/hnsw/spanning_tree.hpp"

namespace sextant::inline v1::detail {

/// cancelled: lists of some rows were refined. Searches find every row; before more rows are linked it has to be finished.
[[nodiscard]] Result<void> finish_graph(LinkStore& store, SpanningTree& tree, const HnswBuild& build);

}  // namespace sextant::inline v1::detail
