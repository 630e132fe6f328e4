/// ExecutorSource: the executor the application gave, or threads of the collection's own, started when first needed.
/// Threads: thread-safe. Lifetime: owned by the handle, not by the state that jobs hold, so that no job can be the last
/// to let go of the threads it runs on.
#pragma once

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "sextant/core/executor.hpp"
#include "sextant/core/mutex.hpp"

namespace sextant::inline v1::detail {

class ExecutorSource {
public:
    explicit ExecutorSource(std::shared_ptr<Executor> given) noexcept : given_(std::move(given)) {}

    [[nodiscard]] Executor& get() {
        if (given_ != nullptr) return *given_;
        const MutexLock lock(mutex_);
        if (own_ == nullptr) own_ = std::make_unique<ThreadPoolExecutor>(thread_count());
        return *own_;
    }
    [[nodiscard]] std::size_t parallelism() const noexcept {
        return given_ != nullptr ? given_->parallelism() : thread_count();
    }
    /// Joins the threads. REQUIRES: not called by one of them; nothing is submitted any more.
    void stop() noexcept {
        given_.reset();
        own_.reset();
    }

private:
    [[nodiscard]] static std::size_t thread_count() noexcept {
        return std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
    }

    std::shared_ptr<Executor> given_;
    Mutex mutex_{LockRank::leaf};
    std::unique_ptr<ThreadPoolExecutor> own_;
};

}  // namespace sextant::inline v1::detail
