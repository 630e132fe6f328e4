/// field_search: one query over the rows of one field: which way, which candidates, how they are rescored.
///
///     rows   0 ............ linked ........ coded ........ row_count
///            graph over codes | scan of codes | scan of floats         then: the best by raw vectors
///
/// Invariants: (1) rows at or past row_count, and rows the filter refuses, are never returned; (2) when it was not
/// stopped it returns min(count, admitted rows), less those beyond the query's bound.
/// Threads: free functions; the scratch is confined. Cost: see the rules in the source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sextant/core/types.hpp"
#include "sextant/format/calibration.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/quantizer/metric_traits.hpp"
#include "sextant/segment/field_codec.hpp"
#include "sextant/segment/field_scratch.hpp"
#include "sextant/segment/vector_field.hpp"

namespace sextant::inline v1::detail {

/// The arrays of a field at the moment a search begins.
struct FieldView {
    MetricTraits metric;
    RowSource raw;                          ///< for scans
    const VectorReader* vectors = nullptr;  ///< for rescoring
    const FieldCodec* codec = nullptr;      ///< null: there are no codes
    RowSource codes;
    std::uint32_t coded = 0;           ///< rows [0, coded) have codes
    bool lossless = false;             ///< the codes of these rows decode to them, bit for bit
    const HnswIndex* graph = nullptr;  ///< over codes where there are any, else over raw rows
    std::uint32_t linked = 0;          ///< rows [0, linked) are in the graph; more may come while the search runs
    std::uint32_t max_rows = 0;        ///< rows there can ever be
    bool growing = false;
    const Calibration* calibration = nullptr;  ///< null: nothing was measured
};

[[nodiscard]] FieldAnswer search_field(const FieldView& view, const FieldQuery& query, std::uint32_t row_count,
                                       FieldScratch& scratch, std::span<Neighbor> out) noexcept;

/// Exact answers to queries of one filter and count, each row read once for all. False: memory gave out, and answers are
/// missing. A query that is stopped may be answered in part.
[[nodiscard]] bool search_field_batch(const FieldView& view, std::span<const FieldQuery> queries,
                                      std::uint32_t row_count, FieldScratch& scratch, std::span<Neighbor> out,
                                      std::span<std::size_t> found) noexcept;

}  // namespace sextant::inline v1::detail
