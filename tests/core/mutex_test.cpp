#include "sextant/core/mutex.hpp"

#include <thread>
#include <vector>

#include "core/death.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using sextant::CondVar;
using sextant::LockRank;
using sextant::Mutex;
using sextant::MutexLock;

namespace {

struct Box {
    Mutex mutex{LockRank::pool};
    CondVar changed;
    int value SEXTANT_GUARDED_BY(mutex) = 0;

    void put(int number) SEXTANT_EXCLUDES(mutex) {
        {
            const MutexLock lock(mutex);
            value = number;
        }
        changed.notify_all();
    }
    int wait_for_more_than(int number) SEXTANT_EXCLUDES(mutex) {
        const MutexLock lock(mutex);
        while (value <= number) changed.wait(mutex);
        return value;
    }
};

// The order that a thread-safety analysis cannot see, as the locks are of two objects.
void take_both(Mutex& first, Mutex& second) {
    const MutexLock outer(first);
    const MutexLock inner(second);
}

// Two calls, as the analysis follows no lock through the macros of a test.
bool takes(Mutex& mutex) SEXTANT_NO_THREAD_SAFETY_ANALYSIS { return mutex.try_lock(); }
void lets_go(Mutex& mutex) SEXTANT_NO_THREAD_SAFETY_ANALYSIS { mutex.unlock(); }

}  // namespace

TEST_CASE("A mutex lets one thread at a time through", "[core][mutex][threads]") {
    Mutex mutex(LockRank::leaf);
    int total = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 5'000; ++round) {
                const MutexLock lock(mutex);
                ++total;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(total == 20'000);
}

TEST_CASE("try_lock says whether it took the mutex", "[core][mutex][threads]") {
    Mutex mutex(LockRank::leaf);
    REQUIRE(takes(mutex));
    bool taken_elsewhere = true;
    std::thread([&] { taken_elsewhere = takes(mutex); }).join();
    CHECK_FALSE(taken_elsewhere);
    lets_go(mutex);
    REQUIRE(takes(mutex));
    lets_go(mutex);
}

TEST_CASE("A lock can be let go before its scope ends", "[core][mutex]") {
    Mutex mutex(LockRank::leaf);
    MutexLock lock(mutex);
    lock.unlock();
    REQUIRE(takes(mutex));
    lets_go(mutex);
}

TEST_CASE("A waiting thread wakes when told", "[core][mutex][threads]") {
    Box box;
    int seen = 0;
    std::thread waiter([&] { seen = box.wait_for_more_than(4); });
    for (int number = 1; number <= 5; ++number) box.put(number);
    waiter.join();
    CHECK(seen == 5);
}

TEST_CASE("Waiting ends when the time is up, with the mutex held again", "[core][mutex]") {
    Box box;
    const MutexLock lock(box.mutex);
    const auto begin = std::chrono::steady_clock::now();
    while (box.changed.wait_for(box.mutex, 5ms)) {}
    CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
    box.value = 1;
}

TEST_CASE("Locks in rising rank are fine, let go in any order", "[core][mutex]") {
    Mutex outer(LockRank::collection_write);
    Mutex middle(LockRank::version_cell);
    Mutex inner(LockRank::leaf);
    outer.lock();
    middle.lock();
    outer.unlock();
    inner.lock();
    middle.unlock();
    inner.unlock();
    take_both(outer, inner);
    take_both(middle, inner);
    SUCCEED();
}

TEST_CASE("A debug build of the library terminates on a wrong order of locks, naming both ranks", "[core][mutex]") {
    const auto wrong = sextant_test::dies([] {
        Mutex outer(LockRank::collection_write);
        Mutex inner(LockRank::leaf);
        take_both(inner, outer);
    });
    const auto equal = sextant_test::dies([] {
        Mutex a(LockRank::link_stripe);
        Mutex b(LockRank::link_stripe);
        take_both(a, b);
    });
#ifdef NDEBUG
    CHECK_FALSE(wrong.terminated);
    CHECK_FALSE(equal.terminated);
#else
    CHECK(wrong.terminated);
    CHECK(wrong.said.find("rank 20 is taken while rank 70 is held") != std::string::npos);
    CHECK(equal.terminated);
#endif
}

TEST_CASE("try_lock may take a lower rank, as it never waits", "[core][mutex]") {
    Mutex outer(LockRank::collection_write);
    Mutex inner(LockRank::pool);
    Mutex innermost(LockRank::leaf);
    inner.lock();
    REQUIRE(takes(outer));
    innermost.lock();
    innermost.unlock();
    lets_go(outer);
    inner.unlock();
}
