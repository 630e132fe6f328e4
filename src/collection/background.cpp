#include "background.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "background_rules.hpp"
#include "core_state.hpp"
#include "sextant/core/assert.hpp"

namespace sextant::inline v1::detail {

void Background::submit(Lane lane) {
    // The job keeps the state alive, not the executor: see ExecutorSource.
    const auto job = [self = core_.shared_from_this(), this, lane] { lane == Lane::link ? link_job() : rebuild_job(); };
    bool submitted = true;
    std::string why;
    try {
        if (core_.works_inline) {
            job();
        } else {
            core_.executor_source->get().submit(job);
        }
    } catch (const std::exception& exception) {
        // Out of memory, or out of threads: nothing was started. The next write tries again.
        submitted = false;
        try {
            why = exception.what();
        } catch (const std::bad_alloc&) {
            // Then the message is shorter.
        }
    } catch (...) {
        submitted = false;
    }
    if (!submitted) note_refusal(lane, why);
    const MutexLock lock(mutex_);
    --at_work_;
    changed_.notify_all();
}

/// Whoever waits for the job is told that it will not come.
void Background::note_refusal(Lane lane, const std::string& why) noexcept {
    std::vector<std::shared_ptr<TaskState>> dropped;
    {
        // In one moment: a task that is queued after it finds that nothing runs, and submits again.
        const MutexLock lock(mutex_);
        if (lane == Lane::rebuild) dropped.swap(optimize_queue_);
        (lane == Lane::link ? link_running_ : rebuild_running_) = false;
    }
    try {
        const Error error{ErrorCode::resource_exhausted, "the executor did not take a job: " + why};
        for (const auto& task : dropped) task->finish(error);
        keep_error(lane, error);
    } catch (const std::bad_alloc&) {
        for (const auto& task : dropped) task->finish(out_of_memory());
    }
}

void Background::poke() {
    bool link = false;
    bool rebuild = false;
    {
        const MutexLock lock(mutex_);
        if (closed_) return;
        try {
            // Both answers before the first flag: what throws here must not leave a lane marked as running.
            link = !link_running_ && link_wanted();
            rebuild = !rebuild_running_ && rebuild_wanted();
        } catch (const std::bad_alloc&) {
            return;  // the write before this is done and stays; the next one asks again
        }
        link_running_ = link_running_ || link;
        rebuild_running_ = rebuild_running_ || rebuild;
        // close() waits for the submitting as it does for the jobs: afterwards no one touches the executor.
        at_work_ += (link ? 1U : 0U) + (rebuild ? 1U : 0U);
    }
    // Inside the call, the rebuild goes first: what it replaces needs no linking.
    if (rebuild) submit(Lane::rebuild);
    if (link) submit(Lane::link);
}

bool Background::is_claimed(const Segment* segment) const {
    return std::find(rebuilding_.begin(), rebuilding_.end(), segment) != rebuilding_.end() ||
           std::find(paused_.begin(), paused_.end(), segment) != paused_.end();
}

void Background::keep_error(Lane lane, const Error& error) {
    if (error.code == ErrorCode::cancelled || error.code == ErrorCode::closed) return;
    {
        const MutexLock lock(mutex_);
        std::optional<Error>& kept = lane == Lane::link ? link_error_ : rebuild_error_;
        if (kept.has_value() && kept->message == error.message) return;  // said already, and still so
        kept = error;
    }
    core_.emit_event(Severity::error, lane == Lane::link ? "link.failed" : "rebuild.failed", error.message);
}

std::uint32_t Background::pressure_tail() const {
    const auto pinned = core_.cell.pin();
    std::uint32_t tail = 0;
    std::size_t full = 0;
    for (const auto& state : pinned->segments) {
        if (state->segment->kind() != SegmentKind::growing) continue;
        ++full;
        const std::uint32_t indexed = static_cast<const GrowingSegment&>(*state->segment).indexed_rows();
        if (state->row_count > indexed) tail += state->row_count - indexed;
    }
    const std::uint32_t cap = tail_cap(core_.options.dimension);
    // One of them takes rows; each beyond the cap weighs as much as a full tail.
    if (full > full_segments_cap + 1) tail += static_cast<std::uint32_t>(full - full_segments_cap - 1) * cap;
    return tail;
}

void Background::after_write(std::uint64_t rows) {
    poke();
    if (rows == 0 || core_.works_inline) return;
    const double cap = tail_cap(core_.options.dimension);
    const double pressure = std::min((pressure_tail() - cap) / cap, most_pressure);
    std::int64_t whole = 0;
    {
        const MutexLock lock(mutex_);
        slowed_ = pressure > 0.0;
        // Where linking fails, waiting for it would be for nothing.
        if (!slowed_ || link_error_.has_value()) return;
        const std::int64_t per_row = link_ns_per_row_ == 0 ? first_link_ns_per_row : link_ns_per_row_;
        const double wanted = static_cast<double>(rows) * static_cast<double>(per_row) * pressure;
        whole = static_cast<std::int64_t>(std::min(wanted, static_cast<double>(longest_wait_ns)));
    }
    // The clock is the user's code: no lock is held while it is asked.
    const std::int64_t begin = core_.clock.monotonic().count();
    std::int64_t waited = 0;
    for (bool waiting = true; waiting && waited < whole;) {
        {
            const MutexLock lock(mutex_);
            waiting = !closed_ && changed_.wait_for(mutex_, std::chrono::nanoseconds(whole - waited));
        }
        waited = core_.clock.monotonic().count() - begin;
    }
    const MutexLock lock(mutex_);
    slowed_ns_ += waited;
}

Background::RepairList* Background::repairs_of(const Segment* segment) noexcept {
    const auto found = std::find_if(repairs_.begin(), repairs_.end(),
                                    [segment](const RepairList& list) { return list.segment == segment; });
    return found == repairs_.end() ? nullptr : &*found;
}

std::size_t Background::repair_count(const Segment* segment) noexcept {
    const MutexLock lock(repair_mutex_);
    const RepairList* const list = repairs_of(segment);
    return list == nullptr ? 0 : list->rows.size();
}

std::size_t Background::repairs_due(const SegmentState& state) noexcept {
    const MutexLock lock(repair_mutex_);
    const RepairList* const list = repairs_of(state.segment.get());
    if (list == nullptr) return 0;
    // Counted and not looked for, as this is asked after each write.
    SEXTANT_ASSERT(list->queued >= state.dead_count());
    const std::uint64_t hidden = list->queued - state.dead_count();
    return list->rows.size() - std::min<std::uint64_t>(hidden, list->rows.size());
}

void Background::reserve_repairs(const Segment* segment, std::size_t count) {
    const MutexLock lock(repair_mutex_);
    RepairList* list = repairs_of(segment);
    if (list == nullptr) list = &repairs_.emplace_back(RepairList{segment, {}, 0});
    const std::size_t wanted = list->rows.size() + count;
    if (wanted > list->rows.capacity()) list->rows.reserve(std::max(wanted, 2 * list->rows.capacity()));
}

void Background::queue_repairs(const Segment* segment, std::span<const std::uint32_t> rows) noexcept {
    const MutexLock lock(repair_mutex_);
    RepairList& list = *repairs_of(segment);
    list.rows.insert(list.rows.end(), rows.begin(), rows.end());
    list.queued += rows.size();
}

Task Background::start_optimize(std::shared_ptr<const NewCodes> codes) {
    auto task = std::make_shared<TaskState>();
    task->codes = std::move(codes);
    {
        const MutexLock lock(mutex_);
        if (closed_) {
            task->finish(Error{ErrorCode::closed, "the collection is closed"});
            return Task(task);
        }
        optimize_queue_.push_back(task);
        // What it is doing, optimize does all over.
        if (rebuild_running_ && optimizing_ == nullptr) rebuild_stop_.request_stop();
    }
    poke();
    return Task(task);
}

std::uint64_t Background::rebuilds() const {
    const MutexLock lock(mutex_);
    return rebuilds_;
}

bool Background::make_room(std::uint64_t before) {
    {
        const MutexLock lock(mutex_);
        // One that failed waits for more writes, of which there are none without memory.
        if (!rebuild_running_) rebuild_blocked_until_ = 0;
    }
    poke();
    const MutexLock lock(mutex_);
    while (!closed_ && rebuild_running_ && rebuilds_ == before) changed_.wait(mutex_);
    return !closed_ && rebuilds_ != before;
}

Result<void> Background::wait_until_indexed() {
    const SharedVersion<Version> target = core_.cell.share();
    const auto reached = [&] {
        const auto now = core_.cell.pin();
        for (const auto& state : now->segments) {
            if (state->segment->kind() != SegmentKind::growing) continue;
            const auto wanted = std::find_if(target->segments.begin(), target->segments.end(),
                                             [&](const auto& then) { return then->segment == state->segment; });
            if (wanted == target->segments.end()) continue;
            if (static_cast<const GrowingSegment&>(*state->segment).indexed_rows() < (*wanted)->row_count) return false;
        }
        return true;
    };
    struct FlushRequest {
        explicit FlushRequest(Background& owner) : background(owner) {
            const MutexLock lock(background.mutex_);
            ++background.flush_requests_;
            background.link_error_.reset();
        }
        ~FlushRequest() {
            const MutexLock lock(background.mutex_);
            --background.flush_requests_;
        }
        Background& background;
    };
    const FlushRequest request(*this);
    Result<void> result;
    while (true) {
        poke();
        const bool done = reached();
        const MutexLock lock(mutex_);
        if (closed_) result = Error{ErrorCode::closed, "the collection is closed"};
        if (!closed_ && !done && link_error_.has_value()) result = *link_error_;
        if (done || closed_ || link_error_.has_value()) break;
        // A timeout, as the tail may also shrink without a notice to this call.
        changed_.wait_for(mutex_, std::chrono::milliseconds(50));
    }
    return result;
}

void Background::close() noexcept {
    std::vector<std::shared_ptr<TaskState>> dropped;
    {
        const MutexLock lock(mutex_);
        closed_ = true;
        link_stop_.request_stop();
        rebuild_stop_.request_stop();
        if (optimizing_ != nullptr) optimizing_->stop.request_stop();
        changed_.notify_all();
        while (at_work_ > 0) changed_.wait(mutex_);
        dropped.swap(optimize_queue_);
    }
    // Short enough to need no memory: this must not fail.
    for (const auto& task : dropped) task->finish(Error{ErrorCode::closed, "closed"});
}

void Background::begin_job(BackgroundJob job) {
    // The clock is the user's code: no lock is held while it is asked.
    rebuild_began_ns_.store(core_.clock.monotonic().count(), std::memory_order_relaxed);
    rebuild_progress_.store(0.0, std::memory_order_relaxed);
    const MutexLock lock(mutex_);
    job_ = job;
}

void Background::set_progress(double done) {
    rebuild_progress_.store(done, std::memory_order_relaxed);
    std::shared_ptr<TaskState> task;
    {
        const MutexLock lock(mutex_);
        task = optimizing_;
    }
    if (task == nullptr) return;
    const std::chrono::nanoseconds began(rebuild_began_ns_.load(std::memory_order_relaxed));
    task->set_progress(done, core_.clock.monotonic() - began);
}

void Background::describe(Stats& stats) const {
    stats.tail_cap = tail_cap(core_.options.dimension);
    const std::int64_t now = core_.clock.monotonic().count();
    {
        const MutexLock lock(mutex_);
        stats.linking = link_running_;
        stats.rebuilding = rebuild_running_;
        stats.job = job_;
        if (job_ != BackgroundJob::none && job_ != BackgroundJob::checkpoint) {
            const double done = rebuild_progress();
            stats.rebuild_progress = done;
            const auto elapsed = static_cast<double>(now - rebuild_began_ns_.load(std::memory_order_relaxed)) * 1e-9;
            if (done > 0.0) stats.rebuild_remaining_seconds = std::max(elapsed, 0.0) * (1.0 - done) / done;
        }
        // Of one row, until CoreState::stats() knows how many there are.
        if (link_running_ && link_ns_per_row_ != 0) {
            stats.link_remaining_seconds = static_cast<double>(link_ns_per_row_) * 1e-9;
        }
        stats.writers_slowed = slowed_;
        stats.slowed_seconds = static_cast<double>(slowed_ns_) * 1e-9;
        stats.seals = seals_;
        stats.merges = merges_;
        stats.recall_measurements = recall_measurements_;
        stats.recall_rebuilds = recall_rebuilds_;
        stats.compactions = compactions_;
        stats.background_error = rebuild_error_.has_value() ? rebuild_error_ : link_error_;
    }
    const MutexLock lock(repair_mutex_);
    stats.repairs_waiting = 0;
    for (const RepairList& list : repairs_) stats.repairs_waiting += list.rows.size();
}

}  // namespace sextant::inline v1::detail
