#include "recall_book.hpp"

#include <algorithm>

#include "background_rules.hpp"

namespace sextant::inline v1::detail {
namespace {

std::uint32_t step_of(const SegmentState& state) noexcept { return recall_step(state.dead_count(), state.row_count); }

}  // namespace

const RecallBook::Entry* RecallBook::find(const SegmentState& state) const {
    for (const Entry& entry : entries_) {
        if (!entry.segment.owner_before(state.segment) && !state.segment.owner_before(entry.segment)) return &entry;
    }
    return nullptr;
}

RecallBook::Entry& RecallBook::entry_of(const SegmentState& state) {
    std::erase_if(entries_, [](const Entry& entry) { return entry.segment.expired(); });
    if (const Entry* const found = find(state)) return entries_[static_cast<std::size_t>(found - entries_.data())];
    entries_.push_back({.segment = state.segment});
    return entries_.back();
}

bool RecallBook::is_due(const SegmentState& state) const {
    if (state.segment->kind() != SegmentKind::sealed || state.live_count == 0) return false;
    const std::uint32_t step = step_of(state);
    if (step == 0) return false;
    const MutexLock lock(mutex_);
    const Entry* const entry = find(state);
    return entry == nullptr || step > entry->step;
}

bool RecallBook::has_dropped(const SegmentState& state) const {
    const MutexLock lock(mutex_);
    const Entry* const entry = find(state);
    return entry != nullptr && entry->dropped;
}

std::optional<RecallStats> RecallBook::last(const SegmentState& state) const {
    const MutexLock lock(mutex_);
    const Entry* const entry = find(state);
    return entry == nullptr ? std::nullopt : entry->recall;
}

void RecallBook::note(const SegmentState& state, const SegmentRecall& recall) {
    const MutexLock lock(mutex_);
    Entry& entry = entry_of(state);
    entry.step = step_of(state);
    entry.dropped = recall.dropped();
    entry.recall = {.as_built = recall.as_built, .now = recall.now, .dead_rows = state.dead_count()};
}

void RecallBook::pass_over(const SegmentState& state) {
    const MutexLock lock(mutex_);
    Entry& entry = entry_of(state);
    entry.step = std::max(entry.step, step_of(state));
}

}  // namespace sextant::inline v1::detail
