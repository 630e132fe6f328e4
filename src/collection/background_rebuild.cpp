/// background_rebuild: the lane that replaces segments: seals full ones, rebuilds those with many dead rows, merges
/// small ones, and does all of it at once for optimize.
#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "background.hpp"
#include "background_rules.hpp"
#include "core/format_text.hpp"
#include "core_state.hpp"
#include "sextant/core/assert.hpp"
#include "sextant/segment/field_layout.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Sealed segments, smallest first, that should become one: at least two, and more while the next is no larger than
/// those together; each row is then moved about log2(n) times in all. None of more than most_rows comes of it.
void choose_merge(const Version& version, std::uint64_t most_rows, std::vector<std::size_t>& chosen) {
    std::vector<std::size_t> sealed;
    for (std::size_t i = 0; i < version.segments.size(); ++i) {
        if (version.segments[i]->segment->kind() == SegmentKind::sealed) sealed.push_back(i);
    }
    if (sealed.size() <= most_sealed_segments) return;
    const auto rows = [&](std::size_t i) { return std::uint64_t{version.segments[i]->live_count}; };
    std::sort(sealed.begin(), sealed.end(), [&](std::size_t a, std::size_t b) { return rows(a) < rows(b); });
    std::uint64_t sum = 0;
    for (const std::size_t i : sealed) {
        const bool enough = chosen.size() >= 2 && sealed.size() - chosen.size() + 1 <= most_sealed_segments;
        if (enough && rows(i) > sum) break;
        if (sum + rows(i) > most_rows) break;
        chosen.push_back(i);
        sum += rows(i);
    }
    if (chosen.size() < 2) chosen.clear();
}

}  // namespace

BackgroundJob Background::choose_sources(const Version& version, const Segment* active,
                                         std::vector<std::size_t>& chosen) const {
    chosen.clear();
    for (std::size_t i = 0; i < version.segments.size(); ++i) {
        const SegmentState& state = *version.segments[i];
        if (state.segment->kind() != SegmentKind::growing) continue;
        const bool mostly_dead =
            state.dead_count() >= seal_dead_rows && state.dead_count() > seal_dead_share * state.row_count;
        if (state.segment.get() == active && !mostly_dead) continue;
        chosen.push_back(i);
        return BackgroundJob::seal;
    }
    for (std::size_t i = 0; i < version.segments.size(); ++i) {
        const SegmentState& state = *version.segments[i];
        if (state.segment->kind() != SegmentKind::sealed) continue;
        const bool much_dead =
            state.dead_count() >= vacuum_dead_rows && state.dead_count() > vacuum_dead_share * state.row_count;
        if (state.live_count != 0 && !much_dead) continue;
        chosen.push_back(i);
        return BackgroundJob::vacuum;
    }
    choose_merge(version, core_.most_merged_rows, chosen);
    if (!chosen.empty()) return BackgroundJob::merge;
    for (std::size_t i = 0; i < version.segments.size(); ++i) {
        const SegmentState& state = *version.segments[i];
        if (state.segment->kind() != SegmentKind::sealed) continue;
        const bool dropped = recall_book_.has_dropped(state);
        if (!dropped && !overlay_is_large(state)) continue;
        chosen.push_back(i);
        return dropped ? BackgroundJob::rebuild : BackgroundJob::compact;
    }
    return BackgroundJob::none;
}

bool Background::overlay_is_large(const SegmentState& state) const noexcept {
    const PayloadOverlay& overlay = state.segment->overlay();
    OverlaySize size{.rows = state.row_count,
                     .payload_bytes = state.payloads.ends == nullptr ? 0 : state.payloads.ends[state.row_count - 1],
                     .changed_rows = overlay.row_count(),
                     .changed_bytes = overlay.change_bytes()};
    size.written_bytes = size.payload_bytes;
    if (core_.store != nullptr) {
        const FieldBytes field = state.segment->field(0).bytes();  // without vectors that are mapped
        size.written_bytes +=
            size.rows * raw_stride(core_.options.dimension, core_.options.raw) + field.codes + field.graph;
    }
    return is_worth_compacting(size);
}

/// How much of a job is over when a segment is built; writing its files is the rest.
double Background::build_share(BackgroundJob kind) const noexcept {
    if (core_.store == nullptr) return 1.0;
    return kind == BackgroundJob::compact ? 0.1 : 0.9;
}

bool Background::rebuild_wanted() {
    if (core_.store != nullptr && core_.log == nullptr) return false;  // opened read-only
    if (!optimize_queue_.empty()) return true;
    // What is made now would never be shown, and readers would go on to see what asks for it.
    if (core_.log != nullptr && core_.log->broken()) return false;
    std::vector<std::size_t> chosen;
    const auto pinned = core_.cell.pin();
    if (static_cast<std::uint64_t>(pinned->last) < rebuild_blocked_until_) return false;
    if (checkpoint_due_ || core_.log_is_long()) return true;
    // Writes that readers do not see yet made up for what asks for it: to look again before they do would be to spin.
    if (static_cast<std::uint64_t>(pinned->last) < nothing_due_at_) return false;
    const Segment* const active = core_.active_segment.load(std::memory_order_relaxed);
    return choose_sources(*pinned, active, chosen) != BackgroundJob::none || recall_due(*pinned) != nullptr;
}

Background::RebuildPlan Background::plan_rebuild(const TaskState* optimize) {
    RebuildPlan plan;
    std::vector<std::size_t> chosen;
    const MutexLock lock(core_.write_mutex);
    const Version& version = *core_.current;
    plan.at = version.last;
    plan.codes = version.codes;
    if (optimize != nullptr) {
        plan.kind = BackgroundJob::optimize;
        if (optimize->codes != nullptr) {
            plan.kind = BackgroundJob::requantize;
            plan.codes = optimize->codes;
        }
        chosen.resize(version.segments.size());
        std::iota(chosen.begin(), chosen.end(), std::size_t{0});
        const bool one_clean_segment = chosen.size() == 1 && version.segments[0]->dead_count() == 0 &&
                                       version.segments[0]->overlay == nullptr &&
                                       version.segments[0]->segment->kind() == SegmentKind::sealed;
        if (one_clean_segment && plan.kind == BackgroundJob::optimize) chosen.clear();
    } else {
        plan.kind = choose_sources(version, core_.active.get(), chosen);
        // What makes the log long is the oldest growing segment, whose rows are nowhere else.
        if (plan.kind == BackgroundJob::none && core_.log_is_long() && core_.active != nullptr) {
            plan.kind = BackgroundJob::seal;
            for (std::size_t i = 0; i < version.segments.size(); ++i) {
                if (version.segments[i]->segment == core_.active) chosen.push_back(i);
            }
        }
    }
    if (chosen.empty() && plan.kind != BackgroundJob::requantize) {
        plan.kind = BackgroundJob::none;
        return plan;
    }
    put_largest_first(chosen, [&](std::size_t i) { return std::uint64_t{version.segments[i]->live_count}; });
    plan.held = core_.cell.share();
    for (const std::size_t i : chosen) {
        plan.sources.push_back(*version.segments[i]);
        if (version.segments[i]->segment != core_.active) continue;
        // From now on new rows go to a new segment, and this one's are all there.
        plan.frozen = core_.active;
    }
    if (plan.kind == BackgroundJob::compact) {
        // All rows keep their numbers, and so vectors, codes and graph: the dead ones die again at the swap.
        plan.sources[0].deleted.reset();
        plan.sources[0].live_count = plan.sources[0].row_count;
    }
    if (plan.frozen != nullptr) {
        core_.active.reset();
        core_.active_segment.store(nullptr, std::memory_order_relaxed);
    }
    return plan;
}

void Background::claim(const RebuildPlan& plan) {
    begin_job(plan.kind);
    const MutexLock lock(mutex_);
    rebuilding_.clear();
    for (const SegmentState& source : plan.sources) rebuilding_.push_back(source.segment.get());
    // The other lane may be at work inside one of them: it stops at the end of a batch.
    for (const Segment* segment : rebuilding_) {
        stop_linking(segment);
        forget_stuck(segment);  // it will be gone, and another may come to lie at its address
    }
}

void Background::thaw(const RebuildPlan& plan) {
    if (plan.frozen == nullptr) return;
    const MutexLock lock(core_.write_mutex);
    if (core_.active != nullptr) return;  // writes went on elsewhere: it stays full and is sealed later
    core_.active = plan.frozen;
    core_.active_segment.store(plan.frozen.get(), std::memory_order_relaxed);
}

Result<CommitQueue::Ticket> Background::swap_in(const SegmentSealer& sealer, const RebuildPlan& plan,
                                                const std::shared_ptr<SealedSegment>& built) {
    const MutexLock lock(core_.write_mutex);
    const Version& now = *core_.current;
    const auto is_source = [&](const SegmentState& state) {
        return std::any_of(plan.sources.begin(), plan.sources.end(),
                           [&](const SegmentState& source) { return source.segment == state.segment; });
    };
    SegmentSealer::LateChanges late;
    for (std::size_t i = 0; i < plan.sources.size(); ++i) {
        const SegmentState* const state = now.state_of(*plan.sources[i].segment);
        SEXTANT_CHECK(state != nullptr);  // only this lane takes segments out
        sealer.collect_late_changes(i, *state, now.last, late);
    }
    auto version = std::make_unique<Version>();
    version->segments.reserve(now.segments.size() + 1);
    if (built != nullptr) {
        if (!late.dead.empty()) {
            SEXTANT_TRY_ASSIGN(const auto dead, built->tombstones().prepare(late.dead));
            built->tombstones().commit(dead);
        }
        if (!late.payloads.empty()) SEXTANT_TRY(built->overlay().reserve(late.payloads.size()));
        std::vector<PayloadChange::Owner> none;
        for (const auto& [row, change] : late.payloads) {
            SEXTANT_TRY_ASSIGN(auto copy, PayloadChange::create(change->lsn(), change->blob(), core_.account));
            built->overlay().put(row, std::move(copy), none);
        }
        version->segments.push_back(std::make_shared<const SegmentState>(built->state(built)));
    }
    for (const auto& state : now.segments) {
        if (!is_source(*state)) version->segments.push_back(state);
    }
    // Sealed segments first, as Version says.
    std::stable_partition(version->segments.begin(), version->segments.end(),
                          [](const auto& state) { return state->segment->kind() == SegmentKind::sealed; });
    version->last = now.last;
    version->live_count = now.live_count;
    version->codes = plan.codes;
    version->garbage = now.garbage;
    const Version& next = *version;
    core_.commits.reserve();
    const CommitQueue::Ticket ticket =
        core_.commits.push(VersionCell<Version>::prepare(std::move(version)), next, Durability::None);
    core_.current = &next;
    // Under the lock: no writer can queue more of them, and another segment may come to lie at the same address.
    drop_repairs(plan.sources);
    return ticket;
}

void Background::report(const RebuildPlan& plan, std::uint64_t rows) {
    {
        const MutexLock lock(mutex_);
        (plan.kind == BackgroundJob::seal ? seals_ : merges_) += 1;
        recall_rebuilds_ += plan.kind == BackgroundJob::rebuild ? 1U : 0U;
        compactions_ += plan.kind == BackgroundJob::compact ? 1U : 0U;
        rebuild_error_.reset();
    }
    if (core_.events == nullptr) return;
    if (plan.kind == BackgroundJob::requantize) {
        return core_.emit_event(Severity::info, "collection.requantized",
                                format_text("{} segments became one of {} rows", plan.sources.size(), rows));
    }
    constexpr const char* names[] = {"",
                                     "segment.sealed",
                                     "segment.vacuumed",
                                     "segment.merged",
                                     "collection.optimized",
                                     "segment.rebuilt",
                                     "segment.compacted"};
    core_.emit_event(Severity::info, names[static_cast<std::size_t>(plan.kind)],
                     format_text("{} segments became one of {} rows", plan.sources.size(), rows));
}

/// One that fails is due until it succeeds. One that was told to stop did all but remove some files: the next one will.
Result<void> Background::checkpoint(const std::stop_token& stop) {
    if (core_.store == nullptr) return {};
    bool again = false;
    {
        const MutexLock lock(mutex_);
        again = std::exchange(checkpoint_due_, true);
        if (rebuilding_.empty()) job_ = BackgroundJob::checkpoint;
    }
    if (auto made = core_.checkpoint(stop); !made) {
        return made.error().code == ErrorCode::cancelled ? Result<void>() : made;
    }
    const MutexLock lock(mutex_);
    checkpoint_due_ = false;
    if (again && rebuilding_.empty()) rebuild_error_.reset();  // nothing is left to be done over
    return {};
}

Result<void> Background::rebuild(TaskState* task, const std::stop_token& stop) {
    if (core_.log != nullptr && core_.log->broken()) return core_.log->sync();  // says why
    RebuildPlan plan = plan_rebuild(task);
    if (plan.kind == BackgroundJob::none) {
        bool due = false;
        {
            const MutexLock lock(mutex_);
            due = checkpoint_due_;
            nothing_due_at_ = static_cast<std::uint64_t>(plan.at);
        }
        return due || core_.log_is_long() ? checkpoint(stop) : Result<void>();
    }
    SEXTANT_TRY_ASSIGN(const std::uint64_t rows, replace(plan, task, stop));
    SEXTANT_TRY(checkpoint(stop));
    report(plan, rows);
    return {};
}

/// Builds one segment of the plan's sources, stores it, and puts it in their place; no manifest names it yet. Returns its
/// rows.
Result<std::uint64_t> Background::replace(const RebuildPlan& plan, TaskState* task, const std::stop_token& stop) {
    struct Thaw {
        Background& background;
        const RebuildPlan& plan;
        bool swapped = false;
        ~Thaw() {
            if (!swapped) background.thaw(plan);
        }
    } guard{*this, plan};
    claim(plan);
    const SegmentSealer sealer(plan.sources, plan.at);
    std::unique_ptr<SegmentWork> work;
    std::shared_ptr<SealedSegment> built;
    if (sealer.kept_rows() > 0) {
        if (core_.store != nullptr) {
            SEXTANT_TRY_ASSIGN(work, SegmentWork::begin(*core_.store, core_.background_bytes_per_second, stop));
        }
        const SegmentSealer::Environment environment{core_.fields_of(plan.codes.get()),
                                                     &core_.account,
                                                     &core_.executor_source->get(),
                                                     stop,
                                                     work == nullptr ? nullptr : work->draft_to_build_in(),
                                                     plan.kind == BackgroundJob::requantize};
        // Writing the files is the rest.
        const double share = build_share(plan.kind);
        const auto started = core_.clock.monotonic();
        SEXTANT_TRY_ASSIGN(built, sealer.build(environment, [&](double done) {
            rebuild_progress_.store(share * done, std::memory_order_relaxed);
            if (task != nullptr) task->set_progress(share * done, core_.clock.monotonic() - started);
        }));
    }
    if (stop.stop_requested()) return Error{ErrorCode::cancelled, "optimize was cancelled"};
    if (work != nullptr) {
        SEXTANT_TRY_ASSIGN(built, core_.store_segment(*work, built, core_.fields_of(plan.codes.get())));
    }
    SEXTANT_TRY_ASSIGN(const CommitQueue::Ticket ticket, swap_in(sealer, plan, built));
    guard.swapped = true;
    SEXTANT_TRY(core_.commits.wait(ticket));
    return sealer.kept_rows();
}

Result<bool> Background::seal_oldest() {
    {
        RebuildPlan plan;
        plan.kind = BackgroundJob::seal;
        {
            const MutexLock lock(core_.write_mutex);
            const Version& version = *core_.current;
            const auto oldest = std::find_if(version.segments.begin(), version.segments.end(), [](const auto& state) {
                return state->segment->kind() == SegmentKind::growing && state->row_count > 0;
            });
            if (oldest == version.segments.end()) return false;
            plan.at = version.last;
            plan.codes = version.codes;
            plan.held = core_.cell.share();
            plan.sources.push_back(**oldest);
            if ((*oldest)->segment == core_.active) {
                plan.frozen = core_.active;
                core_.active.reset();
                core_.active_segment.store(nullptr, std::memory_order_relaxed);
            }
        }
        auto replaced = replace(plan, nullptr, {});
        {
            const MutexLock lock(mutex_);
            rebuilding_.clear();
            job_ = BackgroundJob::none;
        }
        if (!replaced) return std::move(replaced).error();
        const MutexLock lock(mutex_);
        ++seals_;
    }
    core_.domain.collect();
    return true;
}

void Background::rebuild_job() noexcept {
    {
        const MutexLock lock(mutex_);
        if (closed_) {
            rebuild_running_ = false;
            return;
        }
        ++at_work_;
    }
    bool going = true;
    while (going) {
        try {
            going = rebuild_next();
        } catch (...) {
            going = false;
            abandon_rebuild();
        }
    }
}

/// Ends the lane where there is no memory to say what went wrong. The next write starts it again.
void Background::abandon_rebuild() noexcept {
    std::shared_ptr<TaskState> task;
    std::vector<std::shared_ptr<TaskState>> waiting;
    {
        const MutexLock lock(mutex_);
        rebuilding_.clear();
        job_ = BackgroundJob::none;
        rebuild_error_ = out_of_memory();
        task = std::move(optimizing_);
        optimizing_.reset();
        waiting.swap(optimize_queue_);
        --at_work_;
        rebuild_running_ = false;
        changed_.notify_all();
    }
    if (task != nullptr) task->finish(out_of_memory());
    for (const auto& each : waiting) each->finish(out_of_memory());
}

/// False: the lane has ended.
bool Background::rebuild_next() {
    std::stop_source fresh;
    std::shared_ptr<TaskState> task;
    std::stop_token stop;
    {
        const MutexLock lock(mutex_);
        if (closed_ || !rebuild_wanted()) {
            --at_work_;
            rebuild_running_ = false;
            changed_.notify_all();
            return false;
        }
        if (!optimize_queue_.empty()) {
            task = std::move(optimize_queue_.front());
            optimize_queue_.erase(optimize_queue_.begin());
        }
        optimizing_ = task;
        rebuild_stop_ = std::move(fresh);
        stop = task != nullptr ? task->stop.get_token() : rebuild_stop_.get_token();
    }
    Result<void> result;
    try {
        if (task == nullptr) result = measure_recall(stop);
        if (result) result = rebuild(task.get(), stop);
    } catch (const std::exception& exception) {
        result = Error{ErrorCode::resource_exhausted, std::string("rebuilding a segment: ") + exception.what()};
    }
    if (!result) keep_error(Lane::rebuild, result.error());
    {
        const auto last = static_cast<std::uint64_t>(core_.cell.share()->last);
        const MutexLock lock(mutex_);
        if (closed_ && !result) result = Error{ErrorCode::closed, "the collection was closed"};
        rebuilding_.clear();
        optimizing_.reset();
        job_ = BackgroundJob::none;
        const bool failed = !result && result.error().code != ErrorCode::cancelled;
        if (failed && task == nullptr) rebuild_blocked_until_ = last + rebuild_retry_writes;
        changed_.notify_all();
    }
    const bool replaced = result.has_value();
    if (task != nullptr) task->finish(std::move(result));
    if (replaced) {
        free_replaced();
        const MutexLock lock(mutex_);
        ++rebuilds_;
        changed_.notify_all();
    }
    // The other lane left the segments alone that were claimed.
    poke();
    return true;
}

/// Searches that were under way at the swap still look at what was replaced. Nothing else would free it before the next
/// write, and after a bulk load there may be none. A search that takes longer than the wait frees it when it ends.
void Background::free_replaced() noexcept {
    core_.domain.collect();
    if (core_.domain.waiting() == 0) return;
    // Relaxed: a search that ends just now and misses it leaves the rest to the next one, or to the loop below.
    core_.replaced_waiting.store(true, std::memory_order_relaxed);
    for (int turn = 0; turn < 100 && core_.domain.waiting() > 0 && !core_.works_inline; ++turn) {
        {
            const MutexLock lock(mutex_);
            if (closed_ || !optimize_queue_.empty()) return;
            changed_.wait_for(mutex_, std::chrono::milliseconds(10));
        }
        core_.domain.collect();
    }
}

}  // namespace sextant::inline v1::detail
