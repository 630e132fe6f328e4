/// segment_recall: how much of the true neighbours the searches of a sealed segment find, as its graph was built and now
/// that some of its rows are dead. Rows stay where they are when they die, so both can be measured at any time: with the
/// dead rows let in, and without. Nothing is kept for it, in memory or on disk.
/// Threads: free functions. Holds no lock; reads what its state holds.
/// Cost: see recall_sample_rows. Memory: the sample and one scratch. Vectors that are mapped are read whole, as by an exact
/// search.
#pragma once

#include <cstddef>
#include <stop_token>

#include "sextant/core/function_ref.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"
#include "sextant/segment/segment.hpp"

namespace sextant::inline v1::detail {

struct SegmentRecall {
    double as_built = 1.0;
    double now = 1.0;
    double standard_error = 0.0;  ///< of as_built - now

    /// By more than chance explains (background_rules.hpp).
    [[nodiscard]] bool dropped() const noexcept;
};

/// recall@recall_at at the usual ef over recall_sample_rows live rows, each the query and no hit of its own. The same
/// sample for the same state. cancelled when `stop` says so; `progress` gets 0 .. 1. REQUIRES: a sealed segment with a
/// live row.
[[nodiscard]] Result<SegmentRecall> measure_segment_recall(const SegmentState& state, std::size_t dimension,
                                                           MemoryAccount& account, const std::stop_token& stop,
                                                           FunctionRef<void(double)> progress);

}  // namespace sextant::inline v1::detail
