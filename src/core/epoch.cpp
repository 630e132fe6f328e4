#include "sextant/core/epoch.hpp"

#include <algorithm>
#include <limits>
#include <thread>

#include "sextant/core/thread_hint.hpp"

namespace sextant::inline v1 {

EpochDomain::EpochDomain(std::size_t slot_count)
    : slot_count_(std::max<std::size_t>(slot_count, 1)), slots_(std::make_unique<Slot[]>(slot_count_)) {}

EpochDomain::~EpochDomain() {
    Retired* all = nullptr;
    {
        const MutexLock lock(mutex_);
        all = std::exchange(first_, nullptr);
        last_ = nullptr;
    }
    static_cast<void>(reclaim_all(all));
}

EpochGuard EpochDomain::pin() noexcept {
    const std::size_t first = thread_hint();
    while (true) {
        for (std::size_t i = 0; i < slot_count_; ++i) {
            std::atomic<std::uint64_t>& slot = slots_[(first + i) % slot_count_].epoch;
            std::uint64_t free = 0;
            if (slot.load(std::memory_order_relaxed) != 0) continue;
            // An epoch that is no longer the newest by the time it is written only delays reclaiming.
            const std::uint64_t now = epoch_.load(std::memory_order_seq_cst);
            if (slot.compare_exchange_strong(free, now, std::memory_order_seq_cst)) return EpochGuard(slot);
        }
        std::this_thread::yield();
    }
}

void EpochDomain::retire(Retired& object) noexcept {
    const MutexLock lock(mutex_);
    object.next_ = nullptr;
    // Under the lock, so that the list stays sorted by epoch.
    object.epoch_ = epoch_.fetch_add(1, std::memory_order_seq_cst);
    (last_ == nullptr ? first_ : last_->next_) = &object;
    last_ = &object;
    waiting_.fetch_add(1, std::memory_order_relaxed);
}

std::size_t EpochDomain::collect() noexcept {
    Retired* chain = nullptr;
    {
        const MutexLock lock(mutex_);
        if (first_ == nullptr) return 0;
        const std::uint64_t oldest = oldest_pinned();
        Retired* last_free = nullptr;
        for (Retired* object = first_; object != nullptr && object->epoch_ < oldest; object = object->next_) {
            last_free = object;
        }
        if (last_free == nullptr) return 0;
        chain = first_;
        first_ = std::exchange(last_free->next_, nullptr);
        if (first_ == nullptr) last_ = nullptr;
    }
    const std::size_t count = reclaim_all(chain);
    waiting_.fetch_sub(count, std::memory_order_relaxed);
    return count;
}

std::uint64_t EpochDomain::oldest_pinned() const noexcept {
    std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
    for (std::size_t i = 0; i < slot_count_; ++i) {
        const std::uint64_t epoch = slots_[i].epoch.load(std::memory_order_seq_cst);
        if (epoch != 0) oldest = std::min(oldest, epoch);
    }
    return oldest;
}

std::size_t EpochDomain::reclaim_all(Retired* first) noexcept {
    std::size_t count = 0;
    while (first != nullptr) {
        Retired* next = first->next_;  // read before reclaim() deletes the object
        first->reclaim();
        first = next;
        ++count;
    }
    return count;
}

}  // namespace sextant::inline v1
