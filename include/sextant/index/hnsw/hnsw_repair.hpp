/// hnsw_repair: takes rows out of a graph and heals the lists that pointed at them.
/// A row that linked to one that goes gets, as candidates, what it still links to and everything the gone row linked to,
/// through as many gone rows as lie in between; its list is chosen anew from them, and what it gained links back
/// (FreshDiskANN, Singh et al. 2021, §4; the walk through gone rows only is Qdrant's healing).
/// Threads: one caller; searches may run beside repair_rows. A search that stands on a gone row finds its old list intact and walks on.
/// Cost: one scan of all lists (128 bytes a row at m = 16: about 1 ms for 60,000 rows) plus some 100 distances a healed list, so
/// erased rows should come in batches. Why a scan and not a search for the rows that link to the erased one: a search
/// finds most of them, and the promise is all.
#pragma once

#include <cstdint>
#include <span>

#include "sextant/core/result.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/index/hnsw/link_store.hpp"
#include "sextant/index/hnsw/spanning_tree.hpp"

namespace sextant::inline v1::detail {

/// HnswIndex::repair.
[[nodiscard]] Result<void> repair_rows(LinkStore& store, SpanningTree& tree, std::span<const RowId> erased,
                                       const HnswBuild& build);

/// HnswIndex::from_rows: fills an empty store with the rows that stay, under their new numbers.
[[nodiscard]] Result<void> copy_rows(const GraphView& old, std::span<const std::uint32_t> new_row_of_old,
                                     std::uint32_t kept_rows, LinkStore& store, SpanningTree& tree,
                                     const HnswBuild& build);

}  // namespace sextant::inline v1::detail
