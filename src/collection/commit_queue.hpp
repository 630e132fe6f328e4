/// CommitQueue: versions that are made but not yet shown, because what they hold is not on the disk yet.
///
///     write mutex held:   resolve → log frame → version 43 ──▶ queue: 41 42 43
///     no lock held:       one caller syncs the log for all that wait; then version 43 is published, and 41 and 42 with it
///
/// Who comes while a sync is under way waits for the next: a sync that ends wakes those it was for, and one of the others
/// to begin the next. That one waits a moment for those who were just served, as they often come back at once: else
/// writers fall into two halves, and each sync serves one of them.
///
/// Invariants: (1) versions are published in the order they were made; (2) a version whose write asked for Sync is
/// published after the log is synced past it; (3) after the log has failed nothing is published any more.
/// Threads: reserve(), push() and replace_all() under the write mutex; the others by any thread that holds no lock.
/// Why versions wait and not their effects: the next write is resolved against the newest version, shown or not, so
/// sixteen writers share one sync instead of queueing for one each (group commit; DeWitt et al. 1984, §4).
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
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
    void reserve();
    /// Publishes what is the newest version from now on, or lets it wait for the log. REQUIRES: reserve().
    [[nodiscard]] Ticket push(VersionCell<Version>::Prepared prepared, const Version& version,
                              Durability durability) noexcept;
    /// Publishes it at once, and forgets what was not published before: the collection is being opened or closed. Who
    /// waits for that is told that nobody knows whether it is on the disk.
    void replace_all(VersionCell<Version>::Prepared prepared) noexcept;

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
    /// Publishes what no longer has to wait.
    struct Shown {
        Ticket last = 0;         ///< that is visible
        bool forgotten = false;  ///< what came after it never will be
    };
    Shown publish_ready() noexcept;

    /// Before a sync: until those whom the last one was for are here again, or half the time of a sync is over.
    /// `follows`: the caller was not one of them.
    void gather(bool follows) SEXTANT_REQUIRES(mutex_);
    /// A sync is over, and tickets up to `visible` with it.
    void end_round(Ticket visible, std::optional<Error> failure, std::int64_t sync_ns) noexcept;

    CoreState& core_;
    /// Also held while versions are published, so that they come in order. Not the write mutex: writers would keep who
    /// ended a sync from beginning the next.
    Mutex queue_mutex_{LockRank::wal_queue};
    std::vector<Waiting> waiting_ SEXTANT_GUARDED_BY(queue_mutex_);
    std::optional<Ticket> last_shown_ SEXTANT_GUARDED_BY(queue_mutex_);  ///< what came after it was forgotten
    std::atomic<Ticket> pushed_{0};                                      ///< written under both mutexes

    Mutex mutex_{LockRank::maintenance};
    CondVar rounds_[2];                                 ///< those whom the sync under way is for, and those of the next
    std::size_t round_ SEXTANT_GUARDED_BY(mutex_) = 0;  ///< which of them is which
    bool syncing_ SEXTANT_GUARDED_BY(mutex_) = false;   ///< somebody does it for all
    Ticket covered_ SEXTANT_GUARDED_BY(mutex_) = 0;     ///< by the last sync that was begun
    Ticket visible_ SEXTANT_GUARDED_BY(mutex_) = 0;
    std::optional<Error> failure_ SEXTANT_GUARDED_BY(mutex_);

    CondVar gathered_;
    Ticket wanted_ SEXTANT_GUARDED_BY(mutex_) = 0;       ///< whoever gathers waits for it; 0: nobody does
    Ticket last_served_ SEXTANT_GUARDED_BY(mutex_) = 0;  ///< how many the last sync was for
    std::chrono::steady_clock::time_point last_end_ SEXTANT_GUARDED_BY(mutex_);
    std::int64_t sync_ns_ SEXTANT_GUARDED_BY(mutex_) = 0;     ///< about what one takes
    std::uint32_t pass_over_ SEXTANT_GUARDED_BY(mutex_) = 0;  ///< so many rounds do not gather …
    std::uint32_t penalty_ SEXTANT_GUARDED_BY(mutex_) = 0;    ///< … after one for which nobody came
};

}  // namespace sextant::inline v1::detail
