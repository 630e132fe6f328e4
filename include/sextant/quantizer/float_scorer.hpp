/// float_scorer: distances of a query, or of a row, to rows of raw vectors: of floats, or of half floats, which are read as
/// floats.
/// Invariants: (1) a distance is finite, whatever finite floats come in; (2) under cosine a zero vector lies at exactly
/// 1 from everything; (3) one row scored alone, in a list or in a range gives the same meaning, within rounding.
/// Threads: confined, as every scorer. Lifetime: as the scratch and the rows.
/// Cost: one kernel call per list and one pass over its results; only where a result is not finite (1e38, denormals
/// under cosine) is that row computed again in double.
#pragma once

#include <cstddef>

#include "sextant/concepts/row_scorer.hpp"
#include "sextant/core/types.hpp"
#include "sextant/quantizer/metric_traits.hpp"

namespace sextant::inline v1::detail {

/// REQUIRES: rows.inverse_norm is not null where metric.unit_length; `query` lives as long as the scorer is used.
/// Throws std::bad_alloc when the scratch must grow and cannot.
[[nodiscard]] RowScorer bind_floats(const MetricTraits& metric, VectorView query, RowSource rows,
                                    QueryScratch& scratch);
[[nodiscard]] PairScorer pair_floats(const MetricTraits& metric, std::size_t dimension, RowSource rows,
                                     QueryScratch& scratch);

/// Many queries against consecutive rows: each row is read from memory once for all of them.
struct FloatBatch {
    using Score = void (*)(const void* state, RowId first, std::size_t count, float* out,
                           std::size_t out_stride) noexcept;
    const void* state = nullptr;
    Score score_block = nullptr;

    /// out[q * out_stride + i] is the distance of query q to row first + i.
    void score(RowId first, std::size_t count, float* out, std::size_t out_stride) const noexcept {
        score_block(state, first, count, out, out_stride);
    }
};
[[nodiscard]] FloatBatch bind_float_batch(const MetricTraits& metric, std::span<const VectorView> queries,
                                          RowSource rows, QueryScratch& scratch);

/// One distance, as the scorers above would give it.
[[nodiscard]] float float_distance(const MetricTraits& metric, VectorView a, VectorView b) noexcept;

}  // namespace sextant::inline v1::detail
