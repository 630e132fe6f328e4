/// hnsw_build: links rows in batches. A batch has four steps:
///   plan     levels are drawn, slots and memory taken; nothing is visible yet
///   find     in parallel: each new row searches the graph as it stood before the batch, adds its batch mates, and
///            chooses its links; its own lists are written, which nobody can see yet
///   adopt    in row order: each new row gets a place in the spanning tree
///   answer   in parallel: links back, grouped by the list they go into, each list rewritten by one worker
/// and then is published at once. No step depends on which worker does what, or on how many there are.
/// Threads: one caller; searches may run beside it.
/// Why batches (Manohar et al. 2024, ParlayANN): no list needs a lock, and the bytes are the same for any number of
/// threads. Batch mates are compared with each other, so rows that arrive sorted lose nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sextant/core/executor.hpp"
#include "sextant/core/result.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/index/hnsw/hnsw_worker.hpp"
#include "sextant/index/hnsw/link_store.hpp"
#include "sextant/index/hnsw/spanning_tree.hpp"

namespace sextant::inline v1::detail {

/// Where the batch that begins at `row` ends: a function of the row alone. Batches grow with the graph, to 1/16 of it and
/// 256 rows at most: the mates of a row are scored one by one, 256 cost a tenth of its search.
[[nodiscard]] constexpr std::uint32_t batch_end(std::uint32_t row) noexcept {
    std::uint32_t size = 1;
    while (size < 256 && size * 2 * 16 <= row) size *= 2;
    return (row / size + 1) * size;
}

/// Links rows [store.rows(), row_count), whole batches only unless `flush`.
[[nodiscard]] Result<void> link_rows(LinkStore& store, SpanningTree& tree, std::uint32_t row_count, bool flush,
                                     const HnswBuild& build);

}  // namespace sextant::inline v1::detail
