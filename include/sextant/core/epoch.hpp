/// EpochDomain: readers announce that they look, writers wait with freeing until no one can still be looking.
/// Invariants: (1) what is retired is reclaimed once, after every guard that was alive at the retirement is gone;
/// (2) a guard is one slot that holds the epoch it began in; a free slot holds 0; (3) epochs only rise.
/// Threads: thread-safe. pin() and the end of a guard take no lock; a guard is confined to one thread at a time.
/// Lifetime: the domain outlives its guards; its end reclaims what is left.
/// Cost: pin is one compare-exchange on a cache line that the thread used last; collect reads every slot.
/// Why not hazard pointers: one announcement per search instead of one per pointer. Why slots per guard and not per
/// thread: no registration, nothing to clean up when a thread ends, any number of threads.
///
/// Why it is right. The unlinking of an object comes before retire(), which tags it with the epoch r it ends. A reader
/// that pins at an epoch above r read that epoch after retire() raised it, so it sees the unlinking. A reader at r or
/// below is seen by collect() in its slot, unless it wrote the slot after collect() read it; then its read of the shared
/// pointer comes after the unlinking in the single order of all sequentially consistent operations. So the shared
/// pointer must be stored and loaded with memory_order_seq_cst, as VersionCell does. (After Fraser 2004, §5.2.3.)
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "sextant/core/mutex.hpp"

namespace sextant::inline v1 {

/// What can wait in an EpochDomain. The links are inside, so that retiring needs no memory and cannot fail.
class Retired {
public:
    Retired() = default;
    Retired(const Retired&) = delete;
    Retired& operator=(const Retired&) = delete;
    /// Called once, with no lock held, by whoever collects: gives up the object; usually `delete this`.
    virtual void reclaim() noexcept = 0;

protected:
    ~Retired() = default;

private:
    friend class EpochDomain;
    Retired* next_ = nullptr;
    std::uint64_t epoch_ = 0;
};

/// As long as it lives, nothing that was reachable when it began is reclaimed.
class EpochGuard {
public:
    EpochGuard() = default;
    EpochGuard(EpochGuard&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    EpochGuard& operator=(EpochGuard&& other) noexcept {
        if (this != &other) {
            release();
            slot_ = std::exchange(other.slot_, nullptr);
        }
        return *this;
    }
    ~EpochGuard() { release(); }

    void release() noexcept {
        // Release pairs with collect(): all that the reader read is over before anything is freed.
        if (slot_ != nullptr) std::exchange(slot_, nullptr)->store(0, std::memory_order_release);
    }

private:
    friend class EpochDomain;
    explicit EpochGuard(std::atomic<std::uint64_t>& slot) noexcept : slot_(&slot) {}
    std::atomic<std::uint64_t>* slot_ = nullptr;
};

class EpochDomain {
public:
    static constexpr std::size_t default_slot_count = 128;

    /// `slot_count` guards can live at once (at least 1); further pin() calls wait for one to end.
    explicit EpochDomain(std::size_t slot_count = default_slot_count);
    EpochDomain(const EpochDomain&) = delete;
    EpochDomain& operator=(const EpochDomain&) = delete;
    /// REQUIRES: no guard is alive.
    ~EpochDomain();

    /// REQUIRES: this thread holds no guard of this domain (with every slot taken so, all would wait for ever).
    [[nodiscard]] EpochGuard pin() noexcept;

    /// Takes an object that no new reader can reach any more. REQUIRES: it was unlinked by a seq_cst store before.
    void retire(Retired& object) noexcept SEXTANT_EXCLUDES(mutex_);
    /// The same for a callable, which is called when the time has come. Allocates, and may throw for that.
    template <class F>
    requires requires(F& callable) { callable(); }
    void retire(F deleter);

    /// Reclaims what no guard can see any more, in the order it was retired; says how many. Call it after retire() and
    /// whenever a long reader may have ended. REQUIRES: no lock is held that a reclaim() takes.
    std::size_t collect() noexcept SEXTANT_EXCLUDES(mutex_);
    /// Retired and not yet reclaimed.
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }

private:
    // 64: one cache line each, so that readers on different cores do not disturb one another.
    struct alignas(64) Slot {
        std::atomic<std::uint64_t> epoch{0};
    };

    [[nodiscard]] std::uint64_t oldest_pinned() const noexcept;
    [[nodiscard]] static std::size_t reclaim_all(Retired* first) noexcept;

    const std::size_t slot_count_;
    const std::unique_ptr<Slot[]> slots_;
    std::atomic<std::uint64_t> epoch_{1};
    std::atomic<std::size_t> waiting_{0};
    Mutex mutex_{LockRank::leaf};
    Retired* first_ SEXTANT_GUARDED_BY(mutex_) = nullptr;  // oldest epoch first
    Retired* last_ SEXTANT_GUARDED_BY(mutex_) = nullptr;
};

template <class F>
requires requires(F& callable) { callable(); }
void EpochDomain::retire(F deleter) {
    struct Call final : Retired {
        explicit Call(F&& callable) : deleter(std::move(callable)) {}
        void reclaim() noexcept override {
            const std::unique_ptr<Call> self(this);
            deleter();
        }
        F deleter;
    };
    retire(*std::make_unique<Call>(std::move(deleter)).release());
}

}  // namespace sextant::inline v1
