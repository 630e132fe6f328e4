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
        if (state->segment->kind() != SegmentKind::growing || is_claimed(state->segment.get())) continue;
        auto segment = std::static_pointer_cast<GrowingSegment>(state->segment);
        const std::uint32_t indexed = segment->indexed_rows();
        const std::uint32_t tail = state->row_count > indexed ? state->row_count - indexed : 0;
        const Stuck stuck = stuck_at(segment.get());
        LinkChoice choice;
        choice.flush = flush;
        choice.row_count = state->row_count;
        choice.link = tail > 0 && (flush || (tail >= link_trigger_rows && state->row_count >= stuck.rows));
        const bool repair = repairs_due(*state) >= repair_trigger_rows + stuck.repairs;
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
    std::stop_source stop;
    const MutexLock lock(mutex_);
    std::optional<LinkChoice> choice;
    if (!closed_) {
        const auto pinned = core_.cell.pin();
        choice = choose_link_in(*pinned);
    }
    if (choice.has_value()) {
        linking_ = choice->segment.get();
        link_stop_ = std::move(stop);
    } else {
        // In the same moment as "nothing to do": a write after it finds that nothing runs, and starts the next job.
        --at_work_;
        link_running_ = false;
        changed_.notify_all();
    }
    return choice;
}

Background::Stuck Background::stuck_at(const Segment* segment) const {
    for (const Stuck& stuck : stuck_) {
        if (stuck.segment == segment) return stuck;
    }
    return {};
}

void Background::forget_stuck(const Segment* segment) noexcept {
    std::erase_if(stuck_, [segment](const Stuck& stuck) { return stuck.segment == segment; });
}

void Background::stop_linking(const Segment* segment) {
    // The lane is running, not queued, so waiting for the end of its batch cannot block.
    while (linking_ == segment) {
        link_stop_.request_stop();
        changed_.wait(mutex_);
    }
}

Background::LinkPause::LinkPause(Background& background, const Segment* segment)
    : background_(background), segment_(segment) {
    if (segment_ == nullptr) return;
    const MutexLock lock(background_.mutex_);
    background_.paused_.push_back(segment_);
    background_.stop_linking(segment_);
}

Background::LinkPause::~LinkPause() {
    if (segment_ == nullptr) return;
    {
        const MutexLock lock(background_.mutex_);
        auto& paused = background_.paused_;
        paused.erase(std::find(paused.begin(), paused.end(), segment_));
    }
    background_.poke();
}

std::vector<RowId> Background::take_repairs(const SegmentState& state, std::uint32_t indexed) {
    std::vector<RowId> rows;
    const MutexLock lock(repair_mutex_);
    RepairList* const list = repairs_of(state.segment.get());
    if (list == nullptr) return rows;
    rows.reserve(list->rows.size());
    // What is left, and its room, stays: a writer may have reserved that.
    std::erase_if(list->rows, [&](std::uint32_t row) {
        // Dead in the newest version, whose write waits for the log; in the one that readers see it is to be found.
        if (row >= state.row_count || state.alive(row)) return false;
        // Rows not linked yet were dead before they could be: nothing links to them.
        if (row < indexed) rows.push_back(RowId{row});
        return true;
    });
    return rows;
}

void Background::drop_repairs(std::span<const SegmentState> segments) {
    const MutexLock lock(repair_mutex_);
    std::erase_if(repairs_, [&](const RepairList& list) {
        return std::any_of(segments.begin(), segments.end(),
                           [&](const SegmentState& state) { return state.segment.get() == list.segment; });
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
    forget_stuck(&segment);
    if (linked == 0) {
        stuck_.push_back({&segment, state.row_count + link_retry_rows, 0});  // less than a batch, so far
        return {};
    }
    const std::int64_t ns = took.count() / linked;
    link_ns_per_row_ = link_ns_per_row_ == 0 ? ns : (3 * link_ns_per_row_ + ns) / 4;
    return {};
}

Result<void> Background::repair_rows(const LinkChoice& choice, const std::stop_token& stop) {
    GrowingSegment& segment = *choice.segment;
    const SharedVersion<Version> version = core_.cell.share();
    const SegmentState* const state = version->state_of(segment);
    if (state == nullptr) return {};
    const auto erased = take_repairs(*state, segment.indexed_rows());
    if (erased.empty()) return {};
    struct PutBack {
        ~PutBack() {
            if (done) return;
            const MutexLock lock(background.repair_mutex_);
            RepairList* const list = background.repairs_of(segment);
            if (list == nullptr) return;  // it was rebuilt meanwhile
            try {
                // Beside the room there is: a writer may have reserved that, and must not find it taken.
                list->rows.reserve(list->rows.capacity() + rows.size());
            } catch (const std::bad_alloc&) {
                return;  // lists go on leading to dead rows, which costs speed only, until the segment is rebuilt
            }
            for (const RowId row : rows) list->rows.push_back(to_index(row));
        }
        Background& background;
        const Segment* segment;
        const std::vector<RowId>& rows;
        bool done = false;
    } put_back{*this, &segment, erased};
    const IdView ids = state->ids;
    const auto row_key = [ids](RowId row) { return ids[to_index(row)].hash(); };
    for (std::size_t i = 0; i < segment.field_count(); ++i) {
        const FieldLinkContext context{row_key, state->deleted_view(), &core_.executor_source->get(), stop};
        SEXTANT_TRY(segment.growing_field(i).repair(erased, context));
    }
    put_back.done = true;
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
    const std::size_t repairs = repair_count(choice.segment.get());
    const MutexLock lock(mutex_);
    forget_stuck(choice.segment.get());
    stuck_.push_back({choice.segment.get(), choice.row_count + link_trigger_rows, repairs});
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
    bool going = true;
    while (going) {
        try {
            going = link_next();
        } catch (...) {
            // No memory to say more. The next write starts the lane again; who waits is told and does not try for ever.
            const MutexLock lock(mutex_);
            link_error_ = out_of_memory();
            linking_ = nullptr;
            --at_work_;
            going = link_running_ = false;
            changed_.notify_all();
        }
    }
}

/// False: the lane has ended.
bool Background::link_next() {
    const auto choice = choose_link();
    if (!choice.has_value()) return false;
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
    if (result || flush_requests_ == 0) return true;
    --at_work_;  // who waits is told
    link_running_ = false;
    return false;
}

}  // namespace sextant::inline v1::detail
