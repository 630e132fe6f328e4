/// Background: what goes on beside the calls: linking the tail, relinking around erased rows, sealing, vacuum, merging,
/// measuring recall, folding in changed payloads.
/// Two lanes, one job each at a time: `link` works inside growing segments, `rebuild` replaces segments by new ones.
/// Invariants: (1) no segment is in both lanes at once; (2) no lock is held while a lane works or the executor is called;
/// (3) a failure is kept until the same kind of work succeeds, for stats() and for the calls that wait for that work.
/// Threads: thread-safe.
/// With an executor of parallelism 0, or deterministic options, jobs run inside the calls that cause them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "commit_queue.hpp"
#include "recall_book.hpp"
#include "sextant/collection/stats.hpp"
#include "sextant/collection/task.hpp"
#include "sextant/core/mutex.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/version_cell.hpp"
#include "sextant/segment/growing_segment.hpp"
#include "sextant/segment/sealed_segment.hpp"
#include "task_state.hpp"
#include "version.hpp"

namespace sextant::inline v1::detail {

class CoreState;

/// Short enough to need no memory itself.
[[nodiscard]] inline Error out_of_memory() noexcept { return {ErrorCode::resource_exhausted, "out of memory"}; }

class Background {
public:
    /// Throws std::bad_alloc: a stop source has a state of its own.
    explicit Background(CoreState& core) : core_(core) {}

    /// Starts what is due. REQUIRES: no lock is held and no version is pinned.
    void poke();
    /// After a write of `rows` new rows: poke(), and waits a while if the index cannot keep up.
    void after_write(std::uint64_t rows);
    /// How often a rebuild has succeeded and what it replaced was let go.
    [[nodiscard]] std::uint64_t rebuilds() const;
    /// For a write that found no memory: starts the rebuilds that are due and waits for the next to succeed. False: none
    /// has since `before`, and none can. REQUIRES: no lock is held and no version is pinned.
    [[nodiscard]] bool make_room(std::uint64_t before);
    /// Makes a sealed segment of the oldest growing one, which no manifest names yet. False: there is none. REQUIRES: the
    /// collection is being opened.
    [[nodiscard]] Result<bool> seal_oldest();
    /// `codes` null: those there are.
    [[nodiscard]] Task start_optimize(std::shared_ptr<const NewCodes> codes = nullptr);
    [[nodiscard]] Result<void> wait_until_indexed();
    /// Stops what is under way and waits for it; nothing starts any more.
    void close() noexcept;
    void describe(Stats& stats) const;
    /// Of a sealed segment, if it was measured.
    [[nodiscard]] std::optional<RecallStats> last_recall(const SegmentState& state) const {
        return recall_book_.last(state);
    }
    /// A segment that was opened, not built: see RecallBook.
    void note_opened(const SegmentState& state) {
        if (state.segment->kind() == SegmentKind::sealed) recall_book_.pass_over(state);
    }
    /// How far the job of the rebuild lane is, 0 .. 1. For the job alone.
    void set_progress(double done);
    [[nodiscard]] double rebuild_progress() const noexcept { return rebuild_progress_.load(std::memory_order_relaxed); }

    /// Room for `count` more queued repairs of a segment. Throws std::bad_alloc. REQUIRES: the write mutex is held until
    /// they are queued.
    void reserve_repairs(const Segment* segment, std::size_t count);
    /// Rows of a growing segment that died. REQUIRES: reserve_repairs() made room.
    void queue_repairs(const Segment* segment, std::span<const std::uint32_t> rows) noexcept;

    /// While it lives, nothing links inside `segment` (null: nothing is held off). Waits for the batch under way.
    /// REQUIRES: no lock is held and no version is pinned.
    class LinkPause {
    public:
        LinkPause(Background& background, const Segment* segment);
        LinkPause(const LinkPause&) = delete;
        LinkPause& operator=(const LinkPause&) = delete;
        ~LinkPause();

    private:
        Background& background_;
        const Segment* segment_;
    };

private:
    /// What the rebuild lane is to do: which segments become one.
    struct RebuildPlan {
        BackgroundJob kind = BackgroundJob::none;
        std::vector<SegmentState> sources;
        SharedVersion<Version> held;             ///< keeps what the sources refer to
        Lsn at{};                                ///< last write that the sources show
        std::shared_ptr<GrowingSegment> frozen;  ///< was taking rows until now
        std::shared_ptr<const NewCodes> codes;   ///< to build with; null: those of the fields
    };
    struct LinkChoice {
        std::shared_ptr<GrowingSegment> segment;
        std::uint32_t row_count = 0;
        bool link = false;
        bool flush = false;
    };

    // Link lane (background_link.cpp)
    [[nodiscard]] bool link_wanted() SEXTANT_REQUIRES(mutex_);
    [[nodiscard]] std::optional<LinkChoice> choose_link() SEXTANT_EXCLUDES(mutex_);
    [[nodiscard]] std::optional<LinkChoice> choose_link_in(const Version& version) SEXTANT_REQUIRES(mutex_);
    void link_job() noexcept;
    [[nodiscard]] bool link_next();
    [[nodiscard]] Result<void> link_once(const LinkChoice& choice, const std::stop_token& stop);
    [[nodiscard]] Result<void> link_tail(const LinkChoice& choice, const SegmentState& state,
                                         const std::stop_token& stop);
    [[nodiscard]] Result<void> repair_rows(const LinkChoice& choice, const std::stop_token& stop);
    void note_link_failure(const LinkChoice& choice, const Error& error);
    /// Where a pass linked nothing, or failed.
    struct Stuck {
        const Segment* segment = nullptr;
        std::uint32_t rows = 0;   ///< not tried again below so many rows …
        std::size_t repairs = 0;  ///< … and so many repairs
    };
    [[nodiscard]] Stuck stuck_at(const Segment* segment) const SEXTANT_REQUIRES(mutex_);
    void forget_stuck(const Segment* segment) noexcept SEXTANT_REQUIRES(mutex_);
    [[nodiscard]] std::vector<RowId> take_repairs(const SegmentState& state, std::uint32_t indexed);
    void drop_repairs(std::span<const SegmentState> segments);
    [[nodiscard]] std::uint32_t pressure_tail() const;

    // Rebuild lane (background_rebuild.cpp)
    [[nodiscard]] bool rebuild_wanted() SEXTANT_REQUIRES(mutex_);
    [[nodiscard]] BackgroundJob choose_sources(const Version& version, const Segment* active,
                                               std::vector<std::size_t>& chosen) const;
    [[nodiscard]] bool overlay_is_large(const SegmentState& state) const noexcept;
    [[nodiscard]] double build_share(BackgroundJob kind) const noexcept;
    void begin_job(BackgroundJob job);
    void rebuild_job() noexcept;
    [[nodiscard]] bool rebuild_next();
    void abandon_rebuild() noexcept;
    void free_replaced() noexcept;
    [[nodiscard]] Result<void> rebuild(TaskState* task, const std::stop_token& stop);
    [[nodiscard]] Result<std::uint64_t> replace(const RebuildPlan& plan, TaskState* task, const std::stop_token& stop);
    [[nodiscard]] RebuildPlan plan_rebuild(const TaskState* optimize);
    void claim(const RebuildPlan& plan);
    [[nodiscard]] Result<CommitQueue::Ticket> swap_in(const SegmentSealer& sealer, const RebuildPlan& plan,
                                                      const std::shared_ptr<SealedSegment>& built);
    [[nodiscard]] Result<void> checkpoint(const std::stop_token& stop);
    void thaw(const RebuildPlan& plan);
    void report(const RebuildPlan& plan, std::uint64_t rows);
    // background_recall.cpp
    /// The segment whose recall should be measured; null: none.
    [[nodiscard]] const SegmentState* recall_due(const Version& version) const;
    [[nodiscard]] Result<void> measure_recall(const std::stop_token& stop);

    enum class Lane : std::uint8_t { link, rebuild };
    void submit(Lane lane);
    void note_refusal(Lane lane, const std::string& why) noexcept;
    /// Held off from linking: its segment is being rebuilt or audited.
    [[nodiscard]] bool is_claimed(const Segment* segment) const SEXTANT_REQUIRES(mutex_);
    void stop_linking(const Segment* segment) SEXTANT_REQUIRES(mutex_);
    void keep_error(Lane lane, const Error& error);

    CoreState& core_;

    mutable Mutex mutex_{LockRank::maintenance};
    CondVar changed_;  ///< a job ended, a segment was linked further, or close() began
    bool closed_ SEXTANT_GUARDED_BY(mutex_) = false;
    bool link_running_ SEXTANT_GUARDED_BY(mutex_) = false;  ///< submitted or at work
    bool rebuild_running_ SEXTANT_GUARDED_BY(mutex_) = false;
    std::size_t at_work_ SEXTANT_GUARDED_BY(mutex_) = 0;         ///< jobs at work, and submitting them
    std::size_t flush_requests_ SEXTANT_GUARDED_BY(mutex_) = 0;  ///< calls that wait until all is indexed
    const Segment* linking_ SEXTANT_GUARDED_BY(mutex_) = nullptr;
    std::stop_source link_stop_ SEXTANT_GUARDED_BY(mutex_);
    std::vector<Stuck> stuck_ SEXTANT_GUARDED_BY(mutex_);  ///< at most one for each segment
    std::vector<const Segment*> rebuilding_ SEXTANT_GUARDED_BY(mutex_);
    std::vector<const Segment*> paused_ SEXTANT_GUARDED_BY(mutex_);  ///< one for each LinkPause
    std::stop_source rebuild_stop_ SEXTANT_GUARDED_BY(mutex_);
    std::vector<std::shared_ptr<TaskState>> optimize_queue_ SEXTANT_GUARDED_BY(mutex_);
    std::shared_ptr<TaskState> optimizing_ SEXTANT_GUARDED_BY(mutex_);
    bool checkpoint_due_ SEXTANT_GUARDED_BY(mutex_) = false;              ///< the last one failed
    bool measure_failed_ SEXTANT_GUARDED_BY(mutex_) = false;              ///< the last one
    std::uint64_t rebuild_blocked_until_ SEXTANT_GUARDED_BY(mutex_) = 0;  ///< Lsn before which nothing is retried
    std::uint64_t nothing_due_at_ SEXTANT_GUARDED_BY(mutex_) = 0;  ///< the last version that asked for no rebuild
    std::optional<Error> link_error_ SEXTANT_GUARDED_BY(mutex_);
    std::optional<Error> rebuild_error_ SEXTANT_GUARDED_BY(mutex_);
    std::atomic<double> rebuild_progress_{0.0};      ///< relaxed: for people to look at
    std::atomic<std::int64_t> rebuild_began_ns_{0};  ///< relaxed: the same
    BackgroundJob job_ SEXTANT_GUARDED_BY(mutex_) = BackgroundJob::none;
    std::uint64_t rebuilds_ SEXTANT_GUARDED_BY(mutex_) = 0;
    std::uint64_t seals_ SEXTANT_GUARDED_BY(mutex_) = 0;
    std::uint64_t merges_ SEXTANT_GUARDED_BY(mutex_) = 0;
    std::uint64_t recall_measurements_ SEXTANT_GUARDED_BY(mutex_) = 0;
    std::uint64_t recall_rebuilds_ SEXTANT_GUARDED_BY(mutex_) = 0;
    std::uint64_t compactions_ SEXTANT_GUARDED_BY(mutex_) = 0;
    RecallBook recall_book_;  ///< thread-safe
    bool slowed_ SEXTANT_GUARDED_BY(mutex_) = false;
    std::int64_t slowed_ns_ SEXTANT_GUARDED_BY(mutex_) = 0;
    std::int64_t link_ns_per_row_ SEXTANT_GUARDED_BY(mutex_) = 0;  ///< 0: not measured yet

    /// Rows of a growing segment that died. Goes when the segment does, under the write mutex.
    struct RepairList {
        const Segment* segment = nullptr;
        std::vector<std::uint32_t> rows;
        std::uint64_t queued = 0;  ///< in all: as many as are dead in the newest version, shown or not
    };
    mutable Mutex repair_mutex_{LockRank::leaf};  ///< writers hold the write mutex when they take it
    std::vector<RepairList> repairs_ SEXTANT_GUARDED_BY(repair_mutex_);
    [[nodiscard]] RepairList* repairs_of(const Segment* segment) noexcept SEXTANT_REQUIRES(repair_mutex_);
    [[nodiscard]] std::size_t repair_count(const Segment* segment) noexcept;
    /// Without those that are alive in this version: their writes wait for the log, and readers still look for them.
    [[nodiscard]] std::size_t repairs_due(const SegmentState& state) noexcept;
};

}  // namespace sextant::inline v1::detail
