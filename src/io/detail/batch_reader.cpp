#include "io/detail/batch_reader.hpp"

#include <new>
#include <optional>
#include <utility>

namespace sextant::inline v1::detail {
namespace {

/// Rings that are kept for the next batch: as many as threads usually search at once. Each has 13 KiB.
constexpr std::size_t most_idle = 64;

}  // namespace

std::unique_ptr<Uring> BatchReader::take_ring() {
    if (refused_.load(std::memory_order_relaxed)) return nullptr;
    {
        const MutexLock lock(mutex_);
        while (!idle_.empty()) {
            auto ring = std::move(idle_.back());
            idle_.pop_back();
            if (ring->is_own()) return ring;
        }
        idle_.reserve(most_idle);  // so that giving one back cannot fail
    }
    Uring::Refusal refusal;
    auto ring = Uring::open(refusal);
    if (ring == nullptr && refusal.lasting) refused_.store(true, std::memory_order_relaxed);
    return ring;
}

void BatchReader::give_back(std::unique_ptr<Uring> ring) noexcept {
    const MutexLock lock(mutex_);
    if (idle_.size() < idle_.capacity()) idle_.push_back(std::move(ring));
}

bool BatchReader::has_ring() {
    auto ring = take_ring();
    if (ring == nullptr) return false;
    give_back(std::move(ring));
    return true;
}

Result<void> BatchReader::read_by(std::unique_ptr<Uring> ring, const File& file, int descriptor,
                                  std::span<const ReadRequest> requests) {
    std::optional<Error> error;
    bool starved = false;
    // What the ring read in part, or failed to, is read again in the plain way: that either works, or says why not.
    const auto finish = [&](const ReadRequest& request) {
        if (error.has_value() || starved) return;
        try {
            if (auto read = read_exactly(file, request.offset, request.into); !read) error = std::move(read).error();
        } catch (const std::bad_alloc&) {
            starved = true;  // while a message was written; thrown once nothing is under way any more
        }
    };
    if (ring->read(descriptor, requests, finish)) give_back(std::move(ring));  // else it broke, and goes
    if (starved) throw std::bad_alloc();
    if (error.has_value()) return std::move(*error);
    return {};
}

Result<void> BatchReader::read(const File& file, int descriptor, std::span<const ReadRequest> requests) {
    if (requests.size() == 1 || reads_ == BatchReads::one_by_one) return file.File::read_batch(requests);
    if (auto ring = take_ring()) return read_by(std::move(ring), file, descriptor, requests);
    return threads_.read(file, requests);
}

}  // namespace sextant::inline v1::detail
