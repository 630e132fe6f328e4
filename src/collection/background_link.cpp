/// background_link: the lane that works inside growing segments: links the tail, relinks around erased rows.
#include <algorithm>
#include <utility>

#include "background.hpp"
#include "background_rules.hpp"
#include "core_state.hpp"

namespace sextant::inline v1::detail {

std::optional<Background::LinkChoice> Background::choose_link_in(const Version& version) {
    const bool flush = flush_requests_ > 0;
    for (const auto& state : version.segments) {
        if (state->segment->kind() != SegmentKind::growing || is_rebuilding(state->segment.get())) continue;
        auto segment = std::static_pointer_cast<GrowingSegment>(state->segment);
        const std::uint32_t indexed = segment->indexed_rows();
        const std::uint32_t tail = state->row_count > indexed ? state->row_count - indexed : 0;
        const bool stuck = stuck_segment_ == segment.get();
        LinkChoice choice;
        choice.flush = flush;
        choice.row_count = state->row_count;
        choice.link = tail > 0 && (flush || (tail >= link_trigger_rows && (!stuck || state->row_count >= stuck_rows_)));
        std::size_t repairs = 0;
        {
            const MutexLock lock(repair_mutex_);
            for (const Repair& repair : repairs_) repairs += repair.segment == segment.get() ? 1U : 0U;
        }
        const bool repair = repairs >= repair_trigger_rows + (stuck ? stuck_repairs_ : 0);
        if (!choice.link && !repair) continue;
        choice.segment = std::move(segment);
        return choice;
    }
    return std::nullopt;
}

bool Background::link_wanted() {
    const auto pinned = core_.cell.pin();
    return choose_link_in(*pinned).has_value();
}

std::optional<Background::LinkChoice> Background::choose_link() {
    const MutexLock lock(mutex_);
    if (closed_) return std::nullopt;
    std::optional<LinkChoice> choice;
    {
        const auto pinned = core_.cell.pin();
        choice = choose_link_in(*pinned);
    }
    if (choice.has_value()) {
        linking_ = choice->segment.get();
        link_stop_ = std::stop_source();
    }
    return choice;
}

std::vector<RowId> Background::take_repairs(const Segment* segment, std::uint32_t indexed) {
    std::vector<RowId> rows;
    const MutexLock lock(repair_mutex_);
    rows.reserve(repairs_.size());
    // Rows not linked yet were dead before they could be: nothing links to them.
    std::erase_if(repairs_, [&](const Repair& repair) {
        if (repair.segment != segment) return false;
        if (repair.row < indexed) rows.push_back(RowId{repair.row});
        return true;
    });
    return rows;
}

void Background::drop_repairs(std::span<const SegmentState> segments) {
    const MutexLock lock(repair_mutex_);
    std::erase_if(repairs_, [&](const Repair& repair) {
        return std::any_of(segments.begin(), segments.end(),
                           [&](const SegmentState& state) { return state.segment.get() == repair.segment; });
    });
}

Result<void> Background::link_tail(const LinkChoice& choice, const SegmentState& state, const std::stop_token& stop) {
    GrowingSegment& segment = *choice.segment;
    const std::uint32_t before = segment.indexed_rows();
    const IdView ids = state.ids;
    const auto row_key = [ids](RowId row) { return ids[to_index(row)].hash(); };
    const auto begin = core_.clock.monotonic();
    for (std::size_t i = 0; i < segment.field_count(); ++i) {
        const FieldLinkContext context{row_key, state.deleted_view(), &core_.executor_source->get(), stop};
        SEXTANT_TRY(segment.growing_field(i).link(state.row_count, choice.flush, context));
    }
    const auto took = core_.clock.monotonic() - begin;
    const std::uint32_t linked = segment.indexed_rows() - before;
    const MutexLock lock(mutex_);
    link_error_.reset();
    if (linked == 0) {
        // Less than a batch, so far.
        stuck_segment_ = &segment;
        stuck_rows_ = state.row_count + link_retry_rows;
        stuck_repairs_ = 0;
        return {};
    }
    stuck_segment_ = nullptr;
    const std::int64_t ns = took.count() / linked;
    link_ns_per_row_ = link_ns_per_row_ == 0 ? ns : (3 * link_ns_per_row_ + ns) / 4;
    return {};
}

Result<void> Background::repair_rows(const LinkChoice& choice, const std::stop_token& stop) {
    GrowingSegment& segment = *choice.segment;
    const auto erased = take_repairs(&segment, segment.indexed_rows());
    if (erased.empty()) return {};
    // Of now: what was queued is dead in it.
    const SharedVersion<Version> version = core_.cell.share();
    const SegmentState* const state = version->state_of(segment);
    if (state == nullptr) return {};
    const IdView ids = state->ids;
    const auto row_key = [ids](RowId row) { return ids[to_index(row)].hash(); };
    for (std::size_t i = 0; i < segment.field_count(); ++i) {
        const FieldLinkContext context{row_key, state->deleted_view(), &core_.executor_source->get(), stop};
        auto repaired = segment.growing_field(i).repair(erased, context);
        if (repaired) continue;
        std::vector<std::uint32_t> again;
        for (const RowId row : erased) again.push_back(to_index(row));
        reserve_repairs(again.size());
        queue_repairs(&segment, again);
        return repaired;
    }
    return {};
}

Result<void> Background::link_once(const LinkChoice& choice, const std::stop_token& stop) {
    if (choice.link) {
        const SharedVersion<Version> version = core_.cell.share();
        const SegmentState* const state = version->state_of(*choice.segment);
        if (state == nullptr) return {};
        SEXTANT_TRY(link_tail(choice, *state, stop));
    }
    return repair_rows(choice, stop);
}

void Background::note_link_failure(const LinkChoice& choice, const Error& error) {
    keep_error(Lane::link, error);
    if (error.code == ErrorCode::cancelled) return;
    std::size_t repairs = 0;
    {
        const MutexLock lock(repair_mutex_);
        repairs = repairs_.size();
    }
    const MutexLock lock(mutex_);
    stuck_segment_ = choice.segment.get();
    stuck_rows_ = choice.row_count + link_trigger_rows;
    stuck_repairs_ = repairs;
}

void Background::link_job() noexcept {
    {
        const MutexLock lock(mutex_);
        if (closed_) {
            link_running_ = false;
            return;
        }
        ++at_work_;
    }
    while (auto choice = choose_link()) {
        std::stop_token stop;
        {
            const MutexLock lock(mutex_);
            stop = link_stop_.get_token();
        }
        Result<void> result;
        try {
            result = link_once(*choice, stop);
        } catch (const std::exception& exception) {
            result = Error{ErrorCode::resource_exhausted, std::string("linking rows: ") + exception.what()};
        }
        if (!result) note_link_failure(*choice, result.error());
        const MutexLock lock(mutex_);
        linking_ = nullptr;
        changed_.notify_all();
        if (!result && flush_requests_ > 0) break;  // who waits is told
    }
    const MutexLock lock(mutex_);
    --at_work_;
    link_running_ = false;
    changed_.notify_all();
}

}  // namespace sextant::inline v1::detail
