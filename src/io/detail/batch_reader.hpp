/// BatchReader: File::read_batch() of the machine's files: through io_uring where this process may use it, else by
/// threads. Which of them is found out with the first batch.
/// Threads: thread-safe. Lifetime: files share it. Cost: allocates nothing once it has seen as many callers at once.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "io/detail/read_threads.hpp"
#include "io/detail/uring.hpp"
#include "sextant/core/mutex.hpp"
#include "sextant/io/file_system.hpp"

namespace sextant::inline v1::detail {

class BatchReader {
public:
    explicit BatchReader(BatchReads reads) noexcept : reads_(reads), refused_(reads != BatchReads::automatic) {}

    /// As file.read_batch(); `descriptor` is the file's.
    [[nodiscard]] Result<void> read(const File& file, int descriptor, std::span<const ReadRequest> requests);
    /// Whether batches go through io_uring. Asks the kernel where no batch has.
    [[nodiscard]] bool has_ring();

private:
    /// Null: there is none to be had.
    [[nodiscard]] std::unique_ptr<Uring> take_ring();
    void give_back(std::unique_ptr<Uring> ring) noexcept;
    [[nodiscard]] Result<void> read_by(std::unique_ptr<Uring> ring, const File& file, int descriptor,
                                       std::span<const ReadRequest> requests);

    const BatchReads reads_;
    std::atomic<bool> refused_;  ///< for good; relaxed: who sees it late asks once more
    Mutex mutex_{LockRank::leaf};
    std::vector<std::unique_ptr<Uring>> idle_ SEXTANT_GUARDED_BY(mutex_);
    ReadThreads threads_;
};

}  // namespace sextant::inline v1::detail
