/// TaskState: what a Task and the job behind it share.
/// Threads: thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

#include "new_codes.hpp"
#include "sextant/core/mutex.hpp"
#include "sextant/core/result.hpp"

namespace sextant::inline v1::detail {

class TaskState {
public:
    void set_progress(double done) noexcept {
        // Relaxed, and only upwards: it is for people to look at.
        double before = progress_.load(std::memory_order_relaxed);
        while (before < done && !progress_.compare_exchange_weak(before, done, std::memory_order_relaxed)) {}
    }
    /// The same, and how long it took to get there.
    void set_progress(double done, std::chrono::nanoseconds elapsed) noexcept {
        set_progress(done);
        if (!(done > 0.0)) return;
        const double seconds = std::chrono::duration<double>(elapsed).count();
        remaining_.store(seconds * (1.0 - done) / done, std::memory_order_relaxed);
    }
    [[nodiscard]] double progress() const noexcept { return progress_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::optional<double> remaining_seconds() const noexcept {
        if (done()) return 0.0;
        const double seconds = remaining_.load(std::memory_order_relaxed);
        return seconds < 0.0 ? std::optional<double>() : seconds;
    }

    void finish(Result<void> result) {
        if (result) set_progress(1.0);
        {
            const MutexLock lock(mutex_);
            result_ = std::move(result);
        }
        finished_.notify_all();
    }
    [[nodiscard]] bool done() const {
        const MutexLock lock(mutex_);
        return result_.has_value();
    }
    [[nodiscard]] Result<void> wait() const {
        const MutexLock lock(mutex_);
        while (!result_.has_value()) finished_.wait(mutex_);
        return *result_;
    }

    std::stop_source stop;
    std::shared_ptr<const NewCodes> codes;  ///< not null: to be changed to, by an optimize; set before it is queued

private:
    std::atomic<double> progress_{0.0};
    std::atomic<double> remaining_{-1.0};  ///< below 0: not known yet
    mutable Mutex mutex_{LockRank::leaf};
    mutable CondVar finished_;
    std::optional<Result<void>> result_ SEXTANT_GUARDED_BY(mutex_);
};

}  // namespace sextant::inline v1::detail
