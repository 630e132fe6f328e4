#include "io/detail/read_threads.hpp"

#include <new>
#include <system_error>
#include <utility>

namespace sextant::inline v1::detail {

ReadThreads::~ReadThreads() {
    std::vector<std::thread> threads;
    {
        const MutexLock lock(mutex_);
        ending_ = true;
        threads.swap(threads_);
    }
    wanted_.notify_all();
    for (std::thread& thread : threads) thread.join();
}

void ReadThreads::start() {
    if (started_) return;
    started_ = true;
    threads_.reserve(most_threads);
    try {
        while (threads_.size() < most_threads) threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
        // The system lets this process have no more threads: those there are will do, and be it none.
    }
}

void ReadThreads::work() {
    const MutexLock lock(mutex_);
    while (true) {
        while (open_jobs_.empty() && !ending_) wanted_.wait(mutex_);
        if (ending_) return;
        read_one(*open_jobs_.front());
    }
}

/// Takes one request of the job. The mutex is let go while the disk works.
void ReadThreads::read_one(Job& job) {
    const ReadRequest& request = job.requests[job.next++];
    ++job.under_way;
    if (!job.open()) std::erase(open_jobs_, &job);
    mutex_.unlock();
    Result<void> read;
    try {
        read = read_exactly(*job.file, request.offset, request.into);
    } catch (const std::bad_alloc&) {  // while a message was written
        read = Error{ErrorCode::resource_exhausted, "out of memory"};
    }
    mutex_.lock();
    --job.under_way;
    if (!read && !job.error.has_value()) {
        job.error = std::move(read).error();
        std::erase(open_jobs_, &job);
    }
    if (!job.open() && job.under_way == 0) ended_.notify_all();
}

Result<void> ReadThreads::read(const File& file, std::span<const ReadRequest> requests) {
    Job job{.file = &file, .requests = requests};
    if (!job.open()) return {};
    const MutexLock lock(mutex_);
    start();
    open_jobs_.push_back(&job);
    wanted_.notify_all();
    while (job.open()) read_one(job);
    while (job.under_way > 0) ended_.wait(mutex_);
    if (job.error.has_value()) return std::move(*job.error);
    return {};
}

}  // namespace sextant::inline v1::detail
