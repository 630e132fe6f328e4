/// field_calibrate: the self-test of a sealed field: some of its rows, each the query and no hit of its own, are looked for
/// by comparing all raw vectors, by codes, and in the graph.
/// Threads: free functions. Deterministic: the same rows give the same figures, whatever the machine is.
/// Cost: bound by work, not by a clock: 24 to 128 queries, fewer the more floats a scan for one compares (2^32 for all
/// above 24), each a scan of floats, one of codes, and at most twelve graph searches. Memory: the sample and one scratch.
#pragma once

#include <cstdint>
#include <stop_token>

#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"
#include "sextant/format/calibration.hpp"
#include "sextant/segment/field_search.hpp"

namespace sextant::inline v1::detail {

/// Of few rows nothing is measured: a search looks at all of them. cancelled when `stop` says so. REQUIRES: a sealed view.
[[nodiscard]] Result<Calibration> calibrate_field(const FieldView& view, std::size_t dimension, std::uint32_t row_count,
                                                  MemoryAccount& account, const std::stop_token& stop);

}  // namespace sextant::inline v1::detail
