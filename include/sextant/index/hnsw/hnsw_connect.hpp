/// hnsw_connect: makes and keeps the spanning tree: gives rows a parent, and reattaches what has lost its own.
/// Threads: one caller; searches may run beside it.
#pragma once

#include <cstdint>
#include <stop_token>
#include <utility>
#include <vector>

#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/index/hnsw/hnsw_worker.hpp"
#include "sextant/index/hnsw/link_store.hpp"
#include "sextant/index/hnsw/spanning_tree.hpp"

namespace sextant::inline v1::detail {

/// Gives parents to the rows of one batch. The links themselves are added by the caller afterwards, so adopted rows are
/// counted here until then.
class TreeBuilder {
public:
    TreeBuilder(const LinkStore& store, SpanningTree& tree, RowId root) : store_(store), tree_(tree), root_(root) {}

    /// Chooses a parent for `row` among the rows it links to, the closest with room first, or below the closest of all,
    /// and sets it. REQUIRES: the row's list is written; it has no parent and no children.
    RowId adopt(RowId row, RowId nearest);

private:
    /// Children of `parent`: those its list holds and those adopted since.
    void read_children(RowId parent);
    RowId with_room_below(RowId start, RowId row);

    const LinkStore& store_;
    SpanningTree& tree_;
    RowId root_;
    std::vector<std::pair<RowId, RowId>> adopted_;  ///< parent, child
    std::vector<RowId> children_;
};

/// Builds the tree anew by walking level 0 from the entry, then attaches every live row that was not met to the closest
/// row that was: that row's list gains it, in a free place or in that of its farthest link outside the tree.
/// False: `stop` asked to end, and the tree is not whole. Asks build.stop nothing: some callers must not stop here.
[[nodiscard]] bool connect(LinkStore& store, SpanningTree& tree, const HnswBuild& build, HnswWorker& worker,
                           const std::stop_token& stop);

}  // namespace sextant::inline v1::detail
