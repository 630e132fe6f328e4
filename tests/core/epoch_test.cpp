#include "sextant/core/epoch.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using sextant::EpochDomain;
using sextant::EpochGuard;

TEST_CASE("What is retired without readers is reclaimed at the next collect", "[core][epoch]") {
    EpochDomain domain;
    int reclaimed = 0;
    domain.retire([&] { ++reclaimed; });
    domain.retire([&] { ++reclaimed; });
    CHECK(reclaimed == 0);
    CHECK(domain.waiting() == 2);
    CHECK(domain.collect() == 2);
    CHECK(reclaimed == 2);
    CHECK(domain.waiting() == 0);
    CHECK(domain.collect() == 0);
}

TEST_CASE("A guard holds back what was retired while it lives, and nothing retired before it", "[core][epoch]") {
    EpochDomain domain;
    std::vector<int> reclaimed;
    domain.retire([&] { reclaimed.push_back(1); });
    {
        const EpochGuard guard = domain.pin();
        domain.retire([&] { reclaimed.push_back(2); });
        CHECK(domain.collect() == 1);
        CHECK(reclaimed == std::vector<int>{1});
        domain.retire([&] { reclaimed.push_back(3); });
        CHECK(domain.collect() == 0);
    }
    CHECK(domain.collect() == 2);
    CHECK(reclaimed == std::vector<int>{1, 2, 3});
}

TEST_CASE("The oldest guard decides", "[core][epoch]") {
    EpochDomain domain;
    int reclaimed = 0;
    EpochGuard old = domain.pin();
    domain.retire([&] { ++reclaimed; });
    EpochGuard young = domain.pin();
    domain.retire([&] { ++reclaimed; });
    CHECK(domain.collect() == 0);
    old.release();
    CHECK(domain.collect() == 1);
    young.release();
    CHECK(domain.collect() == 1);
    CHECK(reclaimed == 2);
}

TEST_CASE("A guard can be moved and let go early", "[core][epoch]") {
    EpochDomain domain;
    EpochGuard first = domain.pin();
    domain.retire([] {});
    EpochGuard second = std::move(first);
    first.release();
    CHECK(domain.collect() == 0);
    EpochGuard third;
    third = std::move(second);
    CHECK(domain.collect() == 0);
    third.release();
    third.release();
    CHECK(domain.collect() == 1);
}

TEST_CASE("The end of a domain reclaims the rest", "[core][epoch]") {
    int reclaimed = 0;
    {
        EpochDomain domain;
        for (int i = 0; i < 5; ++i) domain.retire([&] { ++reclaimed; });
    }
    CHECK(reclaimed == 5);
}

TEST_CASE("A reclaim may retire more", "[core][epoch]") {
    EpochDomain domain;
    int reclaimed = 0;
    domain.retire([&] {
        ++reclaimed;
        domain.retire([&] { ++reclaimed; });
    });
    CHECK(domain.collect() == 1);
    CHECK(domain.collect() == 1);
    CHECK(reclaimed == 2);
}

TEST_CASE("A deleter is destroyed with what it holds", "[core][epoch]") {
    const auto held = std::make_shared<int>(1);
    EpochDomain domain;
    domain.retire([held] { static_cast<void>(held); });
    CHECK(held.use_count() == 2);
    domain.collect();
    CHECK(held.use_count() == 1);
}

TEST_CASE("More readers than slots take turns", "[core][epoch][threads]") {
    EpochDomain domain(2);
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 200; ++round) {
                const EpochGuard guard = domain.pin();
                const int now = inside.fetch_add(1) + 1;
                int seen = most.load();
                while (seen < now && !most.compare_exchange_weak(seen, now)) {}
                inside.fetch_sub(1);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(most <= 2);
    CHECK(most >= 1);
}

TEST_CASE("Readers never see what was reclaimed while a writer replaces and frees", "[core][epoch][threads]") {
    struct Box {
        explicit Box(std::uint64_t number) : a(number), b(~number) {}
        ~Box() { a = b = 0; }  // a reader that came too late sees it, and sanitizers see the use after free
        std::uint64_t a;
        std::uint64_t b;
    };
    const auto slots = GENERATE(std::size_t{2}, EpochDomain::default_slot_count);
    EpochDomain domain(slots);
    std::atomic<Box*> current{new Box(0)};
    std::atomic<bool> stop{false};
    std::atomic<bool> torn{false};
    std::atomic<std::uint64_t> reads{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 4; ++i) {
        readers.emplace_back([&] {
            std::uint64_t last = 0;
            while (!stop.load(std::memory_order_relaxed)) {
                const EpochGuard guard = domain.pin();
                const Box* box = current.load(std::memory_order_seq_cst);
                const std::uint64_t number = box->a;
                if (box->b != ~number || number < last) torn = true;
                last = number;
                reads.fetch_add(1, std::memory_order_relaxed);
            }
        });
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    std::uint64_t number = 0;
    while (std::chrono::steady_clock::now() < end || reads.load() < 1000) {
        Box* old = current.exchange(new Box(++number), std::memory_order_seq_cst);
        domain.retire([old] { delete old; });
        domain.collect();
    }
    stop = true;
    for (auto& reader : readers) reader.join();
    domain.collect();
    CHECK(domain.waiting() == 0);
    CHECK_FALSE(torn);
    CHECK(number > 0);
    delete current.load();
}

TEST_CASE("Several writers retire and collect at once, and each object is reclaimed once", "[core][epoch][threads]") {
    constexpr int writers = 4;
    constexpr int rounds = 2'000;
    std::vector<std::atomic<int>> reclaimed(writers * rounds);
    std::atomic<std::size_t> collected{0};
    {
        EpochDomain domain;
        std::vector<std::thread> threads;
        for (int writer = 0; writer < writers; ++writer) {
            threads.emplace_back([&, writer] {
                for (int round = 0; round < rounds; ++round) {
                    const auto index = static_cast<std::size_t>(writer * rounds + round);
                    domain.retire([&reclaimed, index] { ++reclaimed[index]; });
                    if (round % 3 == 0) collected += domain.collect();
                    const EpochGuard guard = domain.pin();
                }
            });
        }
        for (auto& thread : threads) thread.join();
        collected += domain.collect();
        CHECK(collected == reclaimed.size());
    }
    bool once = true;
    for (const auto& count : reclaimed) once = once && count == 1;
    CHECK(once);
}
