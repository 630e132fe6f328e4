#include "sextant/core/executor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using sextant::Executor;
using sextant::InlineExecutor;
using sextant::parallel_for;
using sextant::ThreadPoolExecutor;

namespace {

/// Accepts jobs and runs them only when told: the busiest executor there can be.
class LaterExecutor final : public Executor {
public:
    void submit(std::function<void()> job) override { jobs.push_back(std::move(job)); }
    [[nodiscard]] std::size_t parallelism() const noexcept override { return 4; }
    std::vector<std::function<void()>> jobs;
};

void check_covers(Executor& executor, std::size_t count, std::size_t grain) {
    const std::size_t workers = std::max<std::size_t>(executor.parallelism(), 1);
    std::vector<std::atomic<int>> hits(count);
    std::atomic<bool> good{true};
    parallel_for(executor, count, grain, [&](std::size_t worker, std::size_t begin, std::size_t end) {
        if (worker >= workers || begin >= end || end > count || end - begin > std::max<std::size_t>(grain, 1))
            good = false;
        for (std::size_t i = begin; i < end; ++i) hits[i].fetch_add(1, std::memory_order_relaxed);
    });
    CHECK(good);
    CHECK(std::all_of(hits.begin(), hits.end(), [](const auto& hit) { return hit == 1; }));
}

}  // namespace

TEST_CASE("The inline executor runs a job before submit returns", "[core][executor]") {
    InlineExecutor executor;
    bool ran = false;
    executor.submit([&] { ran = true; });
    CHECK(ran);
    CHECK(executor.parallelism() == 0);
}

TEST_CASE("A thread pool runs every job, also those that jobs submit while it ends", "[core][executor][threads]") {
    std::atomic<int> ran{0};
    {
        ThreadPoolExecutor executor(3);
        CHECK(executor.parallelism() == 3);
        for (int i = 0; i < 100; ++i) {
            executor.submit([&] {
                ++ran;
                executor.submit([&] { ++ran; });
            });
        }
    }
    CHECK(ran == 200);
}

TEST_CASE("A thread pool has at least one thread and frees what jobs held", "[core][executor][threads]") {
    auto held = std::make_shared<int>(1);
    {
        ThreadPoolExecutor executor(0);
        CHECK(executor.parallelism() == 1);
        executor.submit([held] { static_cast<void>(held); });
    }
    CHECK(held.use_count() == 1);
}

TEST_CASE("parallel_for covers each number once, in chunks of at most the grain", "[core][executor][threads]") {
    InlineExecutor in_place;
    ThreadPoolExecutor pool(3);
    constexpr std::array<std::size_t, 6> counts{0, 1, 2, 7, 64, 1000};
    constexpr std::array<std::size_t, 5> grains{0, 1, 3, 64, 5000};
    for (const std::size_t count : counts) {
        for (const std::size_t grain : grains) {
            check_covers(in_place, count, grain);
            check_covers(pool, count, grain);
        }
    }
}

TEST_CASE("parallel_for gives each worker number to one thread", "[core][executor][threads]") {
    ThreadPoolExecutor pool(4);
    std::mutex mutex;
    std::set<std::pair<std::size_t, std::thread::id>> pairs;
    parallel_for(pool, 400, 1, [&](std::size_t worker, std::size_t, std::size_t) {
        const std::lock_guard lock(mutex);
        pairs.emplace(worker, std::this_thread::get_id());
    });
    std::set<std::size_t> workers;
    for (const auto& [worker, thread] : pairs) workers.insert(worker);
    CHECK(workers.size() == pairs.size());
    CHECK(*workers.rbegin() < 4);
}

TEST_CASE("The caller of parallel_for sees what all workers wrote", "[core][executor][threads]") {
    ThreadPoolExecutor pool(4);
    for (int round = 0; round < 50; ++round) {
        std::vector<std::size_t> squares(1000);
        parallel_for(pool, squares.size(), 10, [&](std::size_t, std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) squares[i] = i * i;
        });
        bool right = true;
        for (std::size_t i = 0; i < squares.size(); ++i) right = right && squares[i] == i * i;
        REQUIRE(right);
    }
}

TEST_CASE("parallel_for inside pool jobs and inside itself does not deadlock", "[core][executor][threads]") {
    std::atomic<int> sum{0};
    {
        ThreadPoolExecutor pool(2);
        for (int job = 0; job < 4; ++job) {
            pool.submit([&] {
                parallel_for(pool, 8, 1, [&](std::size_t, std::size_t, std::size_t) {
                    parallel_for(pool, 16, 2, [&](std::size_t, std::size_t begin, std::size_t end) {
                        sum += static_cast<int>(end - begin);
                    });
                });
            });
        }
    }
    CHECK(sum == 4 * 8 * 16);
}

TEST_CASE("parallel_for finishes alone on a busy executor, and late helpers touch nothing", "[core][executor]") {
    LaterExecutor executor;
    {
        std::vector<int> hits(100);
        parallel_for(executor, hits.size(), 5, [&](std::size_t worker, std::size_t begin, std::size_t end) {
            CHECK(worker == 0);
            for (std::size_t i = begin; i < end; ++i) ++hits[i];
        });
        CHECK(std::count(hits.begin(), hits.end(), 1) == 100);
    }
    CHECK(executor.jobs.size() == 3);
    for (auto& job : executor.jobs) job();  // the vector is gone; a helper that called the body would be caught by ASan
}

TEST_CASE("parallel_for asks for no more helpers than there are chunks", "[core][executor]") {
    LaterExecutor executor;
    parallel_for(executor, 10, 5, [](std::size_t, std::size_t, std::size_t) {});
    CHECK(executor.jobs.size() == 1);
    parallel_for(executor, 5, 5, [](std::size_t, std::size_t, std::size_t) {});
    CHECK(executor.jobs.size() == 1);
}

TEST_CASE("parallel_for covers counts near the largest number without wrapping round", "[core][executor]") {
    InlineExecutor executor;
    const std::size_t count = ~std::size_t{0};
    std::size_t covered = 0;
    std::size_t calls = 0;
    parallel_for(executor, count, count / 2, [&](std::size_t, std::size_t begin, std::size_t end) {
        covered += end - begin;
        ++calls;
    });
    CHECK(covered == count);
    CHECK(calls == 3);
}
