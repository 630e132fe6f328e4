#include "sextant/core/executor.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "sextant/core/assert.hpp"
#include "sextant/core/mutex.hpp"

namespace sextant::inline v1 {

struct ThreadPoolExecutor::Shared {
    Mutex mutex{LockRank::leaf};
    CondVar work;
    std::deque<std::function<void()>> jobs SEXTANT_GUARDED_BY(mutex);
    bool stopping SEXTANT_GUARDED_BY(mutex) = false;
    std::vector<std::thread> threads;  // fixed from the end of the constructor on

    /// An empty job when there is none left and none will come.
    [[nodiscard]] std::function<void()> next_job() {
        const MutexLock lock(mutex);
        while (jobs.empty() && !stopping) work.wait(mutex);
        if (jobs.empty()) return {};
        auto job = std::move(jobs.front());
        jobs.pop_front();
        return job;
    }

    void run() {
        // The job and what it holds are destroyed outside the lock, before the next one is taken.
        while (const auto job = next_job()) job();
    }

    void stop() {
        {
            const MutexLock lock(mutex);
            stopping = true;
        }
        work.notify_all();
        for (auto& thread : threads) thread.join();
    }
};

ThreadPoolExecutor::ThreadPoolExecutor(std::size_t thread_count) : shared_(std::make_unique<Shared>()) {
    const std::size_t count = std::max<std::size_t>(thread_count, 1);
    shared_->threads.reserve(count);
    try {
        for (std::size_t i = 0; i < count; ++i)
            shared_->threads.emplace_back([shared = shared_.get()] { shared->run(); });
    } catch (...) {
        shared_->stop();
        throw;
    }
}

ThreadPoolExecutor::~ThreadPoolExecutor() { shared_->stop(); }

void ThreadPoolExecutor::submit(std::function<void()> job) {
    SEXTANT_ASSERT(job != nullptr);  // next_job() uses the empty one to say "no more"
    {
        const MutexLock lock(shared_->mutex);
        shared_->jobs.push_back(std::move(job));
    }
    shared_->work.notify_one();
}

std::size_t ThreadPoolExecutor::parallelism() const noexcept { return shared_->threads.size(); }

namespace {

using Body = FunctionRef<void(std::size_t, std::size_t, std::size_t)>;

/// One parallel_for. Helpers share it, as one may be started only after the call has returned; such a one finds it
/// closed and touches neither the body nor the caller's frame.
class Loop {
public:
    Loop(std::size_t count, std::size_t grain, Body body) : count_(count), grain_(grain), body_(body) {}

    void help() {
        {
            const MutexLock lock(mutex_);
            if (closed_) return;
            ++active_;
        }
        work(next_worker_.fetch_add(1, std::memory_order_relaxed));
        const MutexLock lock(mutex_);
        if (--active_ == 0) done_.notify_one();
    }

    void work(std::size_t worker) {
        const std::size_t chunks = chunk_count(count_, grain_);
        // Relaxed: which worker gets a chunk does not matter; their results are published by mutex_ in help() and close().
        for (std::size_t chunk = next_chunk_.fetch_add(1, std::memory_order_relaxed); chunk < chunks;
             chunk = next_chunk_.fetch_add(1, std::memory_order_relaxed)) {
            const std::size_t begin = chunk * grain_;
            body_(worker, begin, begin + std::min(grain_, count_ - begin));
        }
    }

    /// Waits for helpers that have begun; those that have not will do nothing.
    void close() {
        const MutexLock lock(mutex_);
        closed_ = true;
        while (active_ != 0) done_.wait(mutex_);
    }

    [[nodiscard]] static std::size_t chunk_count(std::size_t count, std::size_t grain) noexcept {
        return count / grain + (count % grain != 0 ? 1 : 0);
    }

private:
    const std::size_t count_;
    const std::size_t grain_;
    const Body body_;
    std::atomic<std::size_t> next_chunk_{0};
    std::atomic<std::size_t> next_worker_{1};  // 0 is the caller
    Mutex mutex_{LockRank::leaf};
    CondVar done_;
    std::size_t active_ SEXTANT_GUARDED_BY(mutex_) = 0;
    bool closed_ SEXTANT_GUARDED_BY(mutex_) = false;
};

}  // namespace

void parallel_for(Executor& executor, std::size_t count, std::size_t grain, Body body) {
    if (count == 0) return;
    grain = std::max<std::size_t>(grain, 1);
    const std::size_t workers = std::min(executor.parallelism(), Loop::chunk_count(count, grain));
    if (workers <= 1) {
        for (std::size_t begin = 0; begin < count;) {
            const std::size_t end = begin + std::min(grain, count - begin);
            body(0, begin, end);
            begin = end;
        }
        return;
    }
    const auto loop = std::make_shared<Loop>(count, grain, body);
    // Closed on every way out: helpers use the caller's frame, which must not go before they are done.
    struct Closer {
        Loop& loop;
        ~Closer() { loop.close(); }
    } closer{*loop};
    for (std::size_t i = 1; i < workers; ++i) executor.submit([loop] { loop->help(); });
    loop->work(0);
}

}  // namespace sextant::inline v1
