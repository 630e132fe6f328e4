/// background_recall: the part of the rebuild lane that looks at the recall of sealed segments of which some was erased.
#include <utility>

#include "background.hpp"
#include "core/format_text.hpp"
#include "core_state.hpp"

namespace sextant::inline v1::detail {

const SegmentState* Background::recall_due(const Version& version) const {
    for (const auto& state : version.segments) {
        if (recall_book_.is_due(*state)) return state.get();
    }
    return nullptr;
}

/// One segment at a time, when nothing is waiting to be rebuilt: what is replaced needs no measuring. One whose recall has
/// dropped is what plan_rebuild() chooses next.
Result<void> Background::measure_recall(const std::stop_token& stop) {
    const SharedVersion<Version> version = core_.cell.share();
    std::vector<std::size_t> chosen;
    const Segment* const active = core_.active_segment.load(std::memory_order_relaxed);
    if (core_.log_is_long() || choose_sources(*version, active, chosen) != BackgroundJob::none) return {};
    const SegmentState* const state = recall_due(*version);
    if (state == nullptr) return {};
    begin_job(BackgroundJob::measure);
    bool again = false;
    {
        const MutexLock lock(mutex_);
        again = std::exchange(measure_failed_, true);
    }
    auto recall = measure_segment_recall(*state, core_.options.dimension, core_.account, stop,
                                         [this](double done) { set_progress(done); });
    if (!recall) {
        if (recall.error().code != ErrorCode::cancelled) {
            recall_book_.pass_over(*state);
        } else {
            const MutexLock lock(mutex_);
            measure_failed_ = again;
        }
        return std::move(recall).error();
    }
    recall_book_.note(*state, *recall);
    {
        const MutexLock lock(mutex_);
        ++recall_measurements_;
        measure_failed_ = false;
        if (again) rebuild_error_.reset();  // nothing is left to be done over, or it would not have come to this
    }
    if (core_.events == nullptr) return {};
    core_.emit_event(Severity::info, "segment.measured",
                     format_text("{} of {} rows are dead: recall is {:.4f}, {:.4f} as built", state->dead_count(),
                                 state->row_count, recall->now, recall->as_built));
    return {};
}

}  // namespace sextant::inline v1::detail
