/// hnsw_audit: checks that arrays are a graph: what `verify` runs, and what tests rely on.
/// Threads: one caller; no linker may run beside it, searches may.
/// Cost: one pass over all lists, one walk of level 0, 4 bytes a row.
#pragma once

#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/index/hnsw/link_store.hpp"

namespace sextant::inline v1::detail {

/// Lists hold rows below the limit, each once, not their own, nothing behind the first no_row; upper lists hold slots of
/// their own level; the entry is a slot of its level. Then counts which live rows level 0 reaches from the entry.
[[nodiscard]] Result<HnswIndex::Audit> audit_graph(const GraphView& graph, BitmapView deleted);

/// The part of it without which searching or copying a graph could leave its arrays: numbers in range, and upper lists
/// of one level. For a graph that was read. Cost: one pass over all lists, 1 byte a slot and 1 bit a row.
[[nodiscard]] Result<void> check_graph(const GraphView& graph);

}  // namespace sextant::inline v1::detail
