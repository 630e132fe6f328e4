/// HeldExecutor: runs nothing until told to.
/// Threads: thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "sextant/core/executor.hpp"

namespace test_support {

class HeldExecutor final : public sextant::Executor {
public:
    void submit(std::function<void()> job) override {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    [[nodiscard]] std::size_t parallelism() const noexcept override { return 1; }

    /// Runs what is there and what comes meanwhile; says how many.
    std::size_t run() {
        std::size_t count = 0;
        while (true) {
            std::function<void()> job;
            {
                const std::lock_guard lock(mutex_);
                if (jobs_.empty()) return count;
                job = std::move(jobs_.front());
                jobs_.pop_front();
            }
            job();
            ++count;
        }
    }

private:
    std::mutex mutex_;
    std::deque<std::function<void()>> jobs_;
};

}  // namespace test_support
