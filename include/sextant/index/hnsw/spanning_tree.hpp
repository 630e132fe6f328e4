/// SpanningTree: for every reachable row one link that leads to it and is never dropped while it stands.
/// Invariants: (1) parent(entry) == entry; (2) for every other row with a parent p, p's level-0 list holds the row;
/// (3) following parents ends at the entry. So every row with a parent is reachable from the entry by level 0.
/// Threads: const-safe; read by the workers of a batch, written by the linker alone.
/// Cost: 4 bytes a row while a graph can still change; dropped when it is sealed.
/// Why: choosing links by Alg. 4 drops the last link to a row now and then, and islands of duplicates always (hnswlib
/// leaves such rows unreachable for good). A walk over the whole graph after every batch would find them, at O(rows); keeping one link per
/// row costs a comparison when a full list is pruned.
#pragma once

#include <cstdint>

#include "sextant/core/arena.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/row_id.hpp"

namespace sextant::inline v1::detail {

class SpanningTree {
public:
    SpanningTree() = default;
    [[nodiscard]] static Result<SpanningTree> reserve(std::uint32_t max_rows, MemoryAccount& account) {
        SpanningTree tree;
        SEXTANT_TRY_ASSIGN(tree.parents_, Column<std::uint32_t>::reserve(max_rows, account, "graph spanning tree"));
        return tree;
    }
    /// Rows [0, rows) can be asked and set. New ones have no parent.
    [[nodiscard]] Result<void> ensure(std::uint32_t rows) {
        SEXTANT_TRY(parents_.ensure(rows));
        for (; rows_ < rows; ++rows_) parents_[rows_] = to_index(no_row);
        return {};
    }
    [[nodiscard]] RowId parent(RowId row) const noexcept { return RowId{parents_[to_index(row)]}; }
    [[nodiscard]] bool reached(RowId row) const noexcept { return parent(row) != no_row; }
    void set_parent(RowId row, RowId parent) noexcept { parents_[to_index(row)] = to_index(parent); }
    void forget_all() noexcept {
        for (std::uint32_t row = 0; row < rows_; ++row) parents_[row] = to_index(no_row);
    }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return parents_.arena().committed(); }

private:
    Column<std::uint32_t> parents_;
    std::uint32_t rows_ = 0;
};

}  // namespace sextant::inline v1::detail
