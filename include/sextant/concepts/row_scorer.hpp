/// RowScorer, PairScorer: how an index asks "how far are these rows?" without knowing metric, code or memory.
/// Threads: confined (bound to one query on one thread). Lifetime: no longer than the scratch and rows they were bound to.
/// Cost: one indirect call per list of rows.
#pragma once

#include <cstddef>
#include <span>

#include "sextant/core/function_ref.hpp"
#include "sextant/core/query_scratch.hpp"
#include "sextant/core/row_id.hpp"

namespace sextant::inline v1 {

/// A query bound to rows. Scores are distances: smaller is closer.
struct RowScorer {
    using Score = void (*)(const void* state, const RowId* rows, std::size_t count, float* out) noexcept;
    /// Distances of `count` consecutive rows from `first` on: the streaming form.
    using Range = void (*)(const void* state, RowId first, std::size_t count, float* out) noexcept;
    using Prefetch = void (*)(const void* state, RowId row) noexcept;

    const void* state = nullptr;
    Score score_rows = nullptr;
    Range score_consecutive = nullptr;
    Prefetch prefetch_row = nullptr;

    /// REQUIRES: out.size() >= rows.size().
    void score(std::span<const RowId> rows, std::span<float> out) const noexcept {
        score_rows(state, rows.data(), rows.size(), out.data());
    }
    void score_range(RowId first, std::span<float> out) const noexcept {
        score_consecutive(state, first, out.size(), out.data());
    }
    void prefetch(RowId row) const noexcept { prefetch_row(state, row); }
};

/// Distances between rows, for building a graph: `from` takes the place of the query.
struct PairScorer {
    /// Makes `from` the query of the calls that follow. Not const: it writes the state's own scratch.
    using Bind = void (*)(void* state, RowId from) noexcept;
    using Score = void (*)(const void* state, const RowId* rows, std::size_t count, float* out) noexcept;

    void* state = nullptr;
    Bind bind_row = nullptr;
    Score score_rows = nullptr;
    RowScorer::Prefetch prefetch_row = nullptr;

    void bind(RowId from) noexcept { bind_row(state, from); }
    void score(std::span<const RowId> rows, std::span<float> out) const noexcept {
        score_rows(state, rows.data(), rows.size(), out.data());
    }
    /// The row bound last, as the query of a search. Valid until the next bind().
    [[nodiscard]] RowScorer as_row_scorer() const noexcept { return {state, score_rows, nullptr, prefetch_row}; }
};

/// Makes a PairScorer in a worker's own scratch; called once per worker, not per row.
using PairScorerFactory = FunctionRef<PairScorer(QueryScratch&)>;

}  // namespace sextant::inline v1
