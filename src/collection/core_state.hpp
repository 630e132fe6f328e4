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
#include "effects.hpp"
#include "executor_source.hpp"
#include "search_scratch.hpp"
#include "sextant/collection/detail/collection_core.hpp"
#include "sextant/core/clock.hpp"
#include "sextant/core/epoch.hpp"
#include "sextant/core/event_sink.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/mutex.hpp"
#include "sextant/core/version_cell.hpp"
#include "sextant/segment/growing_segment.hpp"
#include "sextant/segment/vector_field.hpp"
#include "version.hpp"
#include "write_resolver.hpp"

namespace sextant::inline v1::detail {

class CoreState : public std::enable_shared_from_this<CoreState> {
public:
    CoreState(const CoreOptions& core_options, const OpenOptions& open, std::vector<std::unique_ptr<VectorField>> list,
              ExecutorSource& executors);

    // What the calls of CollectionCore do.
    [[nodiscard]] Result<WriteReceipt> write(std::span<const WriteOp> ops);
    [[nodiscard]] Result<WriteReceipt> write_where(const Filter& filter, const WriteOp& change);
    [[nodiscard]] Result<void> get(std::span<const PointId> ids, const Select& select,
                                   FunctionRef<void(const PointRef&)> sink) const;
    [[nodiscard]] Result<std::optional<PointId>> scroll(const ScrollRequest& request,
                                                        FunctionRef<void(const PointRef&)> sink) const;
    [[nodiscard]] Result<std::uint64_t> count(const Filter& filter) const;
    [[nodiscard]] Result<Stats> stats() const;
    [[nodiscard]] Result<void> verify(Depth depth) const;
    /// False: it was closed before.
    bool close() noexcept;

    [[nodiscard]] Result<void> check_open() const;
    /// The same for a call that has its version: close() may have come between.
    [[nodiscard]] static Result<void> check_open(const Version& version);
    /// The one way in. REQUIRES: write_mutex is held.
    [[nodiscard]] Result<void> apply(const ResolvedEffects& resolved) SEXTANT_REQUIRES(write_mutex);
    /// Makes it the version of all later readers. REQUIRES: `next` is what `prepared` holds.
    void publish(VersionCell<Version>::Prepared prepared, const Version& next) noexcept SEXTANT_REQUIRES(write_mutex) {
        cell.publish(std::move(prepared));
        current = &next;
    }
    /// For who has just let go of a version whose last write was `seen`. REQUIRES: this thread has none pinned.
    void free_replaced(Lsn seen) const noexcept {
        // Relaxed: see Background::free_replaced.
        if (!replaced_waiting.load(std::memory_order_relaxed)) return;
        // Writers collect by themselves: beside them searches would only queue for the lock of that.
        if (cell.pin()->last != seen) return;
        domain.collect();
        if (domain.waiting() == 0) replaced_waiting.store(false, std::memory_order_relaxed);
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
    const Clock& clock;
    const std::vector<std::unique_ptr<VectorField>> fields;
    ExecutorSource* const executor_source;  ///< owned by the handle; used by jobs at work and while submitting only
    const bool works_inline;                ///< background work runs inside the calls that cause it

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
    /// active.get(), for readers of statistics: never dereferenced.
    std::atomic<const Segment*> active_segment{nullptr};

    mutable Background background;  ///< thread-safe; verify() holds its linking off
};

}  // namespace sextant::inline v1::detail
