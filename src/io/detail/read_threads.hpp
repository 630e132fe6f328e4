/// ReadThreads: some threads that read parts of a file at once, for disks that are idle while only one thread waits.
/// Threads: thread-safe. Lifetime: the destructor waits for the threads; no call may be under way.
/// Cost: the threads are started by the first call; a mutex is taken twice for each request.
/// Why not the Executor: these threads do nothing but wait, and would keep its own from work.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "sextant/core/mutex.hpp"
#include "sextant/io/file.hpp"

namespace sextant::inline v1::detail {

class ReadThreads {
public:
    /// Beside those that ask. A virtual disk that does 3,400 reads a second for one thread did 17,000 for eight, and
    /// 20,000 for sixteen.
    static constexpr std::size_t most_threads = 7;

    ReadThreads() = default;
    ReadThreads(const ReadThreads&) = delete;
    ReadThreads& operator=(const ReadThreads&) = delete;
    ~ReadThreads();

    /// As File::read_batch(). Where no thread can be started the caller reads alone.
    [[nodiscard]] Result<void> read(const File& file, std::span<const ReadRequest> requests);

private:
    /// One call, on its caller's stack; guarded by mutex_.
    struct Job {
        const File* file;
        std::span<const ReadRequest> requests;
        std::size_t next = 0;
        std::size_t under_way = 0;
        std::optional<Error> error = {};

        [[nodiscard]] bool open() const noexcept { return next < requests.size() && !error.has_value(); }
    };
    void start() SEXTANT_REQUIRES(mutex_);
    void work();
    void read_one(Job& job) SEXTANT_REQUIRES(mutex_);

    Mutex mutex_{LockRank::leaf};
    CondVar wanted_;
    CondVar ended_;
    bool started_ SEXTANT_GUARDED_BY(mutex_) = false;
    bool ending_ SEXTANT_GUARDED_BY(mutex_) = false;
    std::vector<Job*> open_jobs_ SEXTANT_GUARDED_BY(mutex_);
    std::vector<std::thread> threads_ SEXTANT_GUARDED_BY(mutex_);
};

}  // namespace sextant::inline v1::detail
