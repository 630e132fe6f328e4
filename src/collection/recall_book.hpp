/// RecallBook: of which sealed segments recall was measured, when, and how it came out. In memory alone: a segment that is
/// opened counts as measured as it is, and is looked at again when more of it has died.
/// Invariant: for each state of a segment there is at most one measurement: it is due when its dead rows reach another
/// step (recall_step), and passed over when measuring fails.
/// Threads: thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "segment_recall.hpp"
#include "sextant/collection/stats.hpp"
#include "sextant/core/mutex.hpp"
#include "sextant/segment/segment.hpp"

namespace sextant::inline v1::detail {

class RecallBook {
public:
    [[nodiscard]] bool is_due(const SegmentState& state) const;
    /// The last measurement said that it should be rebuilt.
    [[nodiscard]] bool has_dropped(const SegmentState& state) const;
    [[nodiscard]] std::optional<RecallStats> last(const SegmentState& state) const;

    void note(const SegmentState& state, const SegmentRecall& recall);
    /// Not to be measured before more of it has died.
    void pass_over(const SegmentState& state);

private:
    struct Entry {
        std::weak_ptr<const Segment> segment;  ///< never locked: tells it from another that comes to lie at its address
        std::uint32_t step = 0;                ///< it was measured at
        bool dropped = false;
        std::optional<RecallStats> recall = {};
    };
    [[nodiscard]] const Entry* find(const SegmentState& state) const SEXTANT_REQUIRES(mutex_);
    [[nodiscard]] Entry& entry_of(const SegmentState& state) SEXTANT_REQUIRES(mutex_);

    mutable Mutex mutex_{LockRank::leaf};
    std::vector<Entry> entries_ SEXTANT_GUARDED_BY(mutex_);  ///< at most one for each segment
};

}  // namespace sextant::inline v1::detail
