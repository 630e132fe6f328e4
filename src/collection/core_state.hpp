/// CoreState: all that calls and background jobs of one collection share.
/// Threads: readers pin a version and lock nothing; writers take write_mutex one after the other; background jobs take
/// it for the moment of a swap. Members are grouped by what guards them. docs/threading.md is the whole story.
/// Lifetime: held by the handle and by every job under way.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "background.hpp"
#include "commit_queue.hpp"
#include "effects.hpp"
#include "executor_source.hpp"
#include "search_scratch.hpp"
#include "segment_work.hpp"
#include "sextant/collection/detail/collection_core.hpp"
#include "sextant/core/clock.hpp"
#include "sextant/core/epoch.hpp"
#include "sextant/core/event_sink.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/mutex.hpp"
#include "sextant/core/version_cell.hpp"
#include "sextant/segment/growing_segment.hpp"
#include "sextant/segment/vector_field.hpp"
#include "sextant/wal/wal_writer.hpp"
#include "store.hpp"
#include "version.hpp"
#include "write_resolver.hpp"

namespace sextant::inline v1::detail {

/// What the files of a sealed segment hold of what changes after it was built.
struct StoredSegment {
    format::ManifestSegment entry = {};
    std::uint64_t bytes = 0;       ///< of its files, as far as known
    std::uint32_t dead_count = 0;  ///< rows in the tombstones file
    Lsn overlay_at{};              ///< changes up to here are in the overlay file
};

class CoreState : public std::enable_shared_from_this<CoreState> {
public:
    /// `directory` is null for a collection in memory.
    CoreState(const CoreOptions& core_options, const OpenOptions& open, std::vector<std::unique_ptr<VectorField>> list,
              ExecutorSource& executors, std::unique_ptr<Store> directory = nullptr);

    // What the calls of CollectionCore do.
    [[nodiscard]] Result<WriteReceipt> write(std::span<const WriteOp> ops, std::optional<Durability> durability = {});
    /// The write is in the log and in the versions to come; who waits for its ticket sees it published.
    struct PlacedWrite {
        WriteReceipt receipt;
        CommitQueue::Ticket ticket = 0;
        std::uint64_t rows = 0;  ///< new ones
    };
    [[nodiscard]] Result<PlacedWrite> place(std::span<const WriteOp> ops, std::optional<Durability> durability)
        SEXTANT_REQUIRES(write_mutex);
    /// Waits until what `place_it` placed is shown. Where that found no memory, it is called again once there may be some.
    [[nodiscard]] Result<WriteReceipt> commit(FunctionRef<Result<PlacedWrite>()> place_it);
    [[nodiscard]] bool is_short_of_memory() const noexcept;
    [[nodiscard]] Result<WriteReceipt> write_where(const Filter& filter, const WriteOp& change,
                                                   std::optional<Durability> durability);
    [[nodiscard]] Result<void> flush();
    [[nodiscard]] Result<void> get(std::span<const PointId> ids, const Select& select,
                                   FunctionRef<void(const PointRef&)> sink) const;
    [[nodiscard]] Result<std::optional<PointId>> scroll(const ScrollRequest& request,
                                                        FunctionRef<void(const PointRef&)> sink) const;
    [[nodiscard]] Result<std::uint64_t> count(const Filter& filter) const;
    [[nodiscard]] Result<Stats> stats() const;
    [[nodiscard]] Result<void> verify(Depth depth) const;
    /// The first call; later ones do nothing. An error: what was not synced may be lost.
    Result<void> close() noexcept;

    [[nodiscard]] Result<void> check_open() const;
    /// The same for a call that has its version: close() may have come between.
    [[nodiscard]] static Result<void> check_open(const Version& version);
    /// The one way in: logs the effects where there is a log, and makes the next version of them. The ticket is to be
    /// waited for once the mutex is let go. REQUIRES: write_mutex is held.
    [[nodiscard]] Result<CommitQueue::Ticket> apply(const ResolvedEffects& resolved, Durability durability)
        SEXTANT_REQUIRES(write_mutex);
    [[nodiscard]] Result<void> append_to_log(const ResolvedEffects& resolved) SEXTANT_REQUIRES(write_mutex);
    /// Makes it the version of all later readers, and forgets those that were not shown yet: for opening and closing.
    /// REQUIRES: `next` is what `prepared` holds.
    void publish(VersionCell<Version>::Prepared prepared, const Version& next) noexcept SEXTANT_REQUIRES(write_mutex) {
        current = &next;
        commits.replace_all(std::move(prepared));
    }

    // Durable collections (recovery.cpp, checkpoint.cpp).

    /// Segments and log as the directory has them. REQUIRES: nobody else uses the collection yet.
    [[nodiscard]] Result<void> recover(OnCorruption on_corruption);
    /// Makes the manifest name the segments as they are now, and lets go of the log and the files that nobody needs then.
    /// `stop` keeps nothing back but the removing of files: cancelled, when all else is done. REQUIRES: no lock is held.
    [[nodiscard]] Result<void> checkpoint(const std::stop_token& stop = {});
    /// The log is so long that segments should take over what it holds.
    [[nodiscard]] bool log_is_long() const noexcept;
    [[nodiscard]] Result<void> make_checkpoint(const std::stop_token& stop) SEXTANT_REQUIRES(checkpoint_mutex);
    /// The manifest learns of the last write, so that a log that is cut short or replaced while nobody has the collection
    /// open is missed.
    [[nodiscard]] Result<void> note_end();
    [[nodiscard]] std::uint64_t stored_bytes() const noexcept;
    [[nodiscard]] std::uint64_t segment_bytes() const noexcept;
    [[nodiscard]] std::vector<StoredSegment> stored() const {
        const MutexLock lock(stored_mutex);
        return stored_segments;
    }
    [[nodiscard]] Result<void> verify_files() const;
    [[nodiscard]] Result<void> verify_log() const SEXTANT_REQUIRES(checkpoint_mutex);
    /// Files for a segment that was just built; what comes back is the segment as it was read from them.
    [[nodiscard]] Result<std::shared_ptr<SealedSegment>> store_segment(
        SegmentWork& work, const std::shared_ptr<SealedSegment>& built,
        std::span<const std::unique_ptr<VectorField>> with);
    /// Rows that are sealed are read from their files.
    [[nodiscard]] bool leaves_memory() const noexcept {
        return store != nullptr && store->residency() != Residency::resident;
    }
    /// read_only, and why, where writing is not possible.
    [[nodiscard]] Result<void> check_writable(std::optional<Durability> durability = {}) const;
    /// For who has just let go of a version whose last write was `seen`. REQUIRES: this thread has none pinned.
    void free_replaced(Lsn seen) const noexcept {
        // Relaxed: see Background::free_replaced.
        if (!replaced_waiting.load(std::memory_order_relaxed)) return;
        // Writers collect by themselves: beside them searches would only queue for the lock of that.
        if (cell.pin()->last != seen) return;
        domain.collect();
        if (domain.waiting() == 0) replaced_waiting.store(false, std::memory_order_relaxed);
    }
    /// Once, while it is opened.
    void take_budget(std::optional<BudgetReport> report) {
        budget = std::move(report);
        if (budget.has_value()) emit_event(Severity::info, "memory.budget", budget->reason);
    }
    void emit_event(Severity severity, std::string_view name, std::string_view message) const noexcept {
        send_event(events, {severity, name, "collection", message});
    }

    // Fixed from the start.
    const CoreOptions options;
    MemoryAccount account;
    MemoryAccount search_account{"searches", MemoryAccount::unlimited, &account};  ///< scratches in the pool
    const std::uint64_t memory_limit;
    EventSink* const events;
    const std::uint64_t background_bytes_per_second;
    const Clock& clock;
    /// What segments are made with.
    [[nodiscard]] std::span<const std::unique_ptr<VectorField>> fields_of(const NewCodes* codes) const noexcept {
        return codes == nullptr ? fields : codes->fields;
    }
    const std::vector<std::unique_ptr<VectorField>> fields;  ///< as it was opened
    ExecutorSource* const executor_source;  ///< owned by the handle; used by jobs at work and while submitting only
    const bool works_inline;                ///< background work runs inside the calls that cause it

    const std::unique_ptr<Store> store;            ///< null: in memory
    const std::uint64_t growing_bytes;             ///< of vectors, and of payloads, in a growing segment
    const std::uint64_t most_merged_rows;          ///< background work makes no larger segment of smaller ones
    std::unique_ptr<WalWriter> log;                ///< null: in memory, or read-only; set once, by recover()
    std::atomic<std::uint64_t> log_bytes_kept{0};  ///< what the last checkpoint left of the log
    RecoveryReport recovery;                       ///< written by recover() alone
    /// Held while the manifest changes, with what it lets go of.
    mutable Mutex checkpoint_mutex{LockRank::checkpoint};
    mutable Mutex stored_mutex{LockRank::leaf};
    /// Files of sealed segments. Changed by recover() and then by whoever makes a checkpoint alone.
    std::vector<StoredSegment> stored_segments SEXTANT_GUARDED_BY(stored_mutex);

    // Thread-safe by themselves.
    std::atomic<bool> closed{false};
    mutable EpochDomain domain;
    /// What a rebuild replaced was still being read: whoever ends a search helps to free it.
    mutable std::atomic<bool> replaced_waiting{false};
    VersionCell<Version> cell;
    mutable ScratchPool scratches;

    mutable Mutex write_mutex{LockRank::collection_write};
    const Version* current SEXTANT_GUARDED_BY(write_mutex);                  ///< what cell holds
    std::shared_ptr<GrowingSegment> active SEXTANT_GUARDED_BY(write_mutex);  ///< takes rows; null: none yet
    bool wide_ids SEXTANT_GUARDED_BY(write_mutex) = false;                   ///< a UUID was seen
    WriteResolver resolver SEXTANT_GUARDED_BY(write_mutex);
    CommitQueue commits{*this};
    std::vector<std::byte> frame SEXTANT_GUARDED_BY(write_mutex);  ///< the log frame being made
    /// active.get(), for readers of statistics: never dereferenced.
    std::atomic<const Segment*> active_segment{nullptr};

    mutable Background background;  ///< thread-safe; verify() holds its linking off

    std::optional<BudgetReport> budget;  ///< set while it is opened
};

}  // namespace sextant::inline v1::detail
