#include "sextant/core/mutex.hpp"

#ifndef NDEBUG
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>

#include "sextant/core/assert.hpp"
#endif

namespace sextant::inline v1 {
namespace {

#ifdef NDEBUG
void check_rank(LockRank) noexcept {}
void push_rank(LockRank) noexcept {}
void pop_rank(LockRank) noexcept {}
#else
/// The ranks this thread holds, lowest first, as they can only be taken in rising order.
struct HeldRanks {
    std::array<LockRank, 16> ranks{};  // lock() holds each rank once, and there are fewer ranks than places
    std::size_t count = 0;
};
thread_local HeldRanks held;

/// Before waiting for the lock, so that a wrong order is told and not a deadlock suffered.
void check_rank(LockRank rank) noexcept {
    const bool in_order = held.count == 0 || held.ranks[held.count - 1] < rank;
    if (in_order) return;
    std::fprintf(stderr, "sextant: lock order: rank %u is taken while rank %u is held\n", static_cast<unsigned>(rank),
                 static_cast<unsigned>(held.ranks[held.count - 1]));
    SEXTANT_CHECK(in_order);
}

/// Sorted in, as try_lock may take a lower rank: it never waits, so it closes no circle.
void push_rank(LockRank rank) noexcept {
    SEXTANT_CHECK(held.count < held.ranks.size());
    auto* end = held.ranks.data() + held.count;
    auto* place = std::upper_bound(held.ranks.data(), end, rank);
    std::move_backward(place, end, end + 1);
    *place = rank;
    ++held.count;
}

void pop_rank(LockRank rank) noexcept {
    auto* end = held.ranks.data() + held.count;
    auto* place = std::find(held.ranks.data(), end, rank);
    SEXTANT_CHECK(place != end);
    std::move(place + 1, end, place);
    --held.count;
}
#endif

}  // namespace

// The analysis knows std::mutex of libc++ but not of libstdc++, so the bodies are exempt; the declarations are checked.
void Mutex::lock() SEXTANT_NO_THREAD_SAFETY_ANALYSIS {
    check_rank(rank_);
    mutex_.lock();
    push_rank(rank_);
}

void Mutex::unlock() SEXTANT_NO_THREAD_SAFETY_ANALYSIS {
    pop_rank(rank_);
    mutex_.unlock();
}

bool Mutex::try_lock() SEXTANT_NO_THREAD_SAFETY_ANALYSIS {
    const bool taken = mutex_.try_lock();
    if (taken) push_rank(rank_);
    return taken;
}

void CondVar::wait(Mutex& mutex) SEXTANT_NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    static_cast<void>(lock.release());
}

bool CondVar::wait_for(Mutex& mutex, std::chrono::nanoseconds timeout) SEXTANT_NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_for(lock, timeout) == std::cv_status::no_timeout;
    static_cast<void>(lock.release());
    return in_time;
}

}  // namespace sextant::inline v1
