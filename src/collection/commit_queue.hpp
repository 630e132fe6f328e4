/// CommitQueue: versions that are made but not yet shown, because what they hold is not on the disk yet.
///
///     write mutex held:   resolve → log frame → version 43 ──▶ queue: 41 42 43
///     no lock held:       one caller syncs the log for all that wait; then version 43 is published, and 41 and 42 with it
///
/// Invariants: (1) versions are published in the order they were made; (2) a version whose write asked for Sync is
/// published after the log is synced past it; (3) after the log has failed nothing is published any more.
/// Threads: push() under the write mutex; wait() by any thread that holds no lock.
/// Why versions wait and not their effects: the next write is resolved against the newest version, shown or not, so
/// sixteen writers share one sync instead of queueing for one each (group commit; DeWitt et al. 1984, §4).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sextant/collection/collection_options.hpp"
#include "sextant/core/error.hpp"
#include "sextant/core/mutex.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/version_cell.hpp"
#include "version.hpp"

namespace sextant::inline v1::detail {

class CoreState;

class CommitQueue {
public:
    explicit CommitQueue(CoreState& core) noexcept : core_(core) {}

    /// Names a pushed version; 0 is one that was published at once.
    using Ticket = std::uint64_t;

    // REQUIRES, all three: the write mutex is held.

    /// Room for one more version. Throws std::bad_alloc.
    void reserve() { waiting_.reserve(waiting_.size() + 1); }
    /// Makes it the newest version, and publishes it or lets it wait for the log. REQUIRES: reserve().
    [[nodiscard]] Ticket push(VersionCell<Version>::Prepared prepared, const Version& version,
                              Durability durability) noexcept;
    /// Forgets what was never published: the collection is being closed.
    void abandon() noexcept { waiting_.clear(); }

    /// Until the version is published. An error: the log failed, and whether the write is on the disk is unknown.
    [[nodiscard]] Result<void> wait(Ticket ticket);
    /// Syncs the log and publishes all that was pushed before. REQUIRES: no lock is held.
    [[nodiscard]] Result<void> flush();
    /// Publishes what the log is synced past. REQUIRES: no lock is held; there is a log.
    void settle() noexcept;

private:
    struct Waiting {
        VersionCell<Version>::Prepared prepared;
        std::uint64_t needs = 0;  ///< what the log must be synced to
    };
    /// Publishes what no longer has to wait; returns the last ticket that is visible then.
    Ticket publish_ready() noexcept;

    CoreState& core_;
    // Guarded by the write mutex.
    std::vector<Waiting> waiting_;
    Ticket pushed_ = 0;

    Mutex mutex_{LockRank::maintenance};
    CondVar changed_;
    bool syncing_ SEXTANT_GUARDED_BY(mutex_) = false;  ///< somebody does it for all
    Ticket visible_ SEXTANT_GUARDED_BY(mutex_) = 0;
    std::optional<Error> failure_ SEXTANT_GUARDED_BY(mutex_);
};

}  // namespace sextant::inline v1::detail
