/// TaskState: what a Task and the job behind it share.
/// Threads: thread-safe.
#pragma once

#include <atomic>
#include <optional>
#include <stop_token>

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
    [[nodiscard]] double progress() const noexcept { return progress_.load(std::memory_order_relaxed); }

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

private:
    std::atomic<double> progress_{0.0};
    mutable Mutex mutex_{LockRank::leaf};
    mutable CondVar finished_;
    std::optional<Result<void>> result_ SEXTANT_GUARDED_BY(mutex_);
};

}  // namespace sextant::inline v1::detail
