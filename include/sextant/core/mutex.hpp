/// Mutex: a std::mutex that knows its place in the lock order and that clang's thread-safety analysis knows.
/// Invariants: in debug builds of the library a thread takes locks in rising rank only; otherwise it terminates with
/// both ranks in the message. Two locks of one rank are never held together.
/// Threads: thread-safe. Cost: std::mutex plus a call; the check costs nothing in release builds.
/// Why the check is compiled into the library, not into this header: an application built otherwise than the library
/// would see another class.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "sextant/core/thread_annotations.hpp"

namespace sextant::inline v1 {

/// The order in which locks may be taken, outermost first.
enum class LockRank : std::uint8_t {
    checkpoint = 5,         ///< files of a collection are removed, its manifest changes
    maintenance = 10,       ///< which background work is running
    collection_write = 20,  ///< writers of one collection, one at a time
    wal_queue = 30,
    wal_file = 35,  ///< files of one log: held while the disk works
    version_cell = 40,
    link_stripe = 50,  ///< adjacency lists of a graph
    pool = 60,
    leaf = 70,  ///< queues and counters: nothing is taken while this is held
};

class SEXTANT_CAPABILITY("mutex") Mutex {
public:
    explicit Mutex(LockRank rank) noexcept : rank_(rank) {}
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;
    ~Mutex() = default;

    void lock() SEXTANT_ACQUIRE();
    void unlock() SEXTANT_RELEASE();
    [[nodiscard]] bool try_lock() SEXTANT_TRY_ACQUIRE(true);

private:
    friend class CondVar;
    std::mutex mutex_;
    const LockRank rank_;
};

/// Holds a Mutex for a scope; may let go early.
class SEXTANT_SCOPED_CAPABILITY MutexLock {
public:
    explicit MutexLock(Mutex& mutex) SEXTANT_ACQUIRE(mutex) : mutex_(&mutex) { mutex.lock(); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;
    ~MutexLock() SEXTANT_RELEASE() {
        if (mutex_ != nullptr) mutex_->unlock();
    }
    /// REQUIRES: still held.
    void unlock() SEXTANT_RELEASE() {
        mutex_->unlock();
        mutex_ = nullptr;
    }

private:
    Mutex* mutex_;
};

/// Waits in a loop, `while (!condition) changed.wait(mutex);`, as the analysis sees through no lambda.
class CondVar {
public:
    void wait(Mutex& mutex) SEXTANT_REQUIRES(mutex);
    /// False when the time was up. May also wake for no reason.
    bool wait_for(Mutex& mutex, std::chrono::nanoseconds timeout) SEXTANT_REQUIRES(mutex);
    void notify_one() noexcept { condition_.notify_one(); }
    void notify_all() noexcept { condition_.notify_all(); }

private:
    std::condition_variable condition_;
};

}  // namespace sextant::inline v1
