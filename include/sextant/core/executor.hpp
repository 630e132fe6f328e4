/// Executor: where background work runs. The application may give its own; the library starts no thread otherwise.
/// Threads: thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>

#include "sextant/core/function_ref.hpp"

namespace sextant::inline v1 {

class Executor {
public:
    virtual ~Executor() = default;
    /// Runs `job` once, now or later, on any thread. Must not throw away jobs. Jobs do not throw and do not wait for
    /// other jobs of the same executor. REQUIRES: job is not empty.
    virtual void submit(std::function<void()> job) = 0;
    /// How many jobs can run at once; 0: submit() runs the job before it returns, and the library schedules nothing
    /// in the background but works inside the calls that need it.
    [[nodiscard]] virtual std::size_t parallelism() const noexcept = 0;
};

/// parallelism() == 0: everything happens in the caller's thread, in a reproducible order.
class InlineExecutor final : public Executor {
public:
    void submit(std::function<void()> job) override { job(); }
    [[nodiscard]] std::size_t parallelism() const noexcept override { return 0; }
};

/// `thread_count` threads of its own, at least one; joins them when destroyed, after running what was submitted.
class ThreadPoolExecutor final : public Executor {
public:
    explicit ThreadPoolExecutor(std::size_t thread_count);
    ~ThreadPoolExecutor() override;
    ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
    ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;
    void submit(std::function<void()> job) override;
    [[nodiscard]] std::size_t parallelism() const noexcept override;

private:
    struct Shared;
    std::unique_ptr<Shared> shared_;
};

/// Calls body(worker, begin, end) for chunks of at most `grain` that cover [0, count), on up to executor.parallelism()
/// workers, the calling thread included (worker < max(1, parallelism)); returns when all are done. The caller always takes
/// part, so it cannot deadlock on a busy executor. Which worker gets which chunk is not fixed: results must not depend on it.
void parallel_for(Executor& executor, std::size_t count, std::size_t grain,
                  FunctionRef<void(std::size_t worker, std::size_t begin, std::size_t end)> body);

}  // namespace sextant::inline v1
