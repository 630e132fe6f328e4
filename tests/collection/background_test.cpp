// Background work seen from outside: when it sets in, how it pushes back, and executors that behave badly.
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>

#include "collection/background_rules.hpp"
#include "collection/collection_support.hpp"
#include "collection/durable_support.hpp"
#include "collection/held_executor.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

/// Throws instead of running anything.
class BrokenExecutor final : public Executor {
public:
    void submit(std::function<void()>) override { throw std::bad_alloc(); }
    [[nodiscard]] std::size_t parallelism() const noexcept override { return 2; }
};

const L2::Options small{.dimension = 4, .index = {.m = 4, .ef_construction = 8}};

}  // namespace

TEST_CASE("points are found while nothing links them", "[background]") {
    const auto executor = std::make_shared<HeldExecutor>();
    auto c = L2::open(small, {.executor = executor}).value();
    const Vectors vectors = normal_vectors(5000, 4, 1);
    fill(c, vectors);
    CHECK(c.stats().value().tail_rows == 5000);
    CHECK(c.stats().value().linking);
    for (std::uint64_t i = 0; i < 5000; i += 100) {
        CHECK(c.search({.vector = vectors[i], .k = 1}).value()[0].id == PointId{i});
    }
    CHECK(executor->run() > 0);
    CHECK(c.stats().value().tail_rows < 1024);
    CHECK_FALSE(c.stats().value().linking);
}

TEST_CASE("segments that become one begin with the largest, and the others keep their order", "[background]") {
    const std::uint64_t rows[] = {10, 40, 30, 40, 20};
    const auto rows_of = [&](std::size_t i) { return rows[i]; };
    std::vector<std::size_t> segments = {4, 0, 2, 3};
    sextant::detail::put_largest_first(segments, rows_of);
    CHECK(segments == std::vector<std::size_t>{3, 0, 2, 4});
    segments = {2};
    sextant::detail::put_largest_first(segments, rows_of);
    CHECK(segments == std::vector<std::size_t>{2});
    segments.clear();
    sextant::detail::put_largest_first(segments, rows_of);
    CHECK(segments.empty());
}

TEST_CASE("writers are slowed past the cap of the tail, and stats says so", "[background]") {
    const auto executor = std::make_shared<HeldExecutor>();
    auto c = L2::open(small, {.executor = executor}).value();
    const Vectors vectors = normal_vectors(14'000, 4, 1);
    CHECK(c.stats().value().tail_cap == 10'000);
    for (std::size_t i = 0; i < vectors.size(); i += 2000) {
        WriteBatch batch;
        for (std::size_t j = i; j < i + 2000; ++j) batch.upsert(PointId{j}, vectors[j]);
        c.write(std::move(batch)).value();
        CHECK(c.stats().value().writers_slowed == (i + 2000 > 10'000));
    }
    const double waited = c.stats().value().slowed_seconds;
    CHECK(waited > 0.0);
    CHECK(waited < 2.0);
    executor->run();
    c.upsert(PointId{0}, vectors[1]).value();
    CHECK_FALSE(c.stats().value().writers_slowed);
    CHECK(c.stats().value().slowed_seconds == waited);
}

TEST_CASE("a collection closes though its executor never runs its jobs, and the jobs then do nothing", "[background]") {
    const auto executor = std::make_shared<HeldExecutor>();
    std::optional<Task> task;
    {
        auto c = L2::open(small, {.executor = executor}).value();
        fill(c, normal_vectors(3000, 4, 1));
        task = c.start_optimize().value();
    }
    CHECK(task->wait().error().code == ErrorCode::closed);
    CHECK(executor->run() > 0);
}

TEST_CASE("an executor that takes no jobs costs speed, not data", "[background]") {
    auto c = L2::open(small, {.executor = std::make_shared<BrokenExecutor>()}).value();
    const Vectors vectors = normal_vectors(3000, 4, 1);
    fill(c, vectors);
    CHECK(c.count().value() == 3000);
    CHECK(c.search({.vector = vectors[77], .k = 1}).value()[0].id == PointId{77});
    c.verify().value();
}

TEST_CASE("a task that was cancelled before it began does nothing", "[background]") {
    const auto executor = std::make_shared<HeldExecutor>();
    auto c = L2::open(small, {.executor = executor}).value();
    fill(c, normal_vectors(500, 4, 1));
    Task task = c.start_optimize().value();
    CHECK_FALSE(task.done());
    CHECK(task.progress() == 0.0);
    task.cancel();
    executor->run();
    CHECK(task.wait().error().code == ErrorCode::cancelled);
    CHECK(c.stats().value().segments.at(0).phase == SegmentPhase::growing);
}

TEST_CASE("the clock that is given is the one that is read", "[background]") {
    ManualClock clock;
    const auto executor = std::make_shared<HeldExecutor>();
    auto c = L2::open(small, {.executor = executor, .clock = &clock}).value();
    fill(c, normal_vectors(12'000, 4, 1));
    CHECK(c.stats().value().writers_slowed);
    CHECK(c.stats().value().slowed_seconds == 0.0);  // it stands still
    executor->run();
}

TEST_CASE("small sealed segments are merged, no more than four stay", "[background]") {
    // Half dead twice over: each round of rewriting seals what is mostly dead.
    auto c = L2::open(small, inline_work()).value();
    const Vectors vectors = normal_vectors(6000, 4, 1);
    for (int round = 0; round < 8; ++round) {
        WriteBatch batch;
        for (std::uint64_t i = 0; i < 1500; ++i) {
            batch.upsert(PointId{static_cast<std::uint64_t>(round) * 10'000 + i}, vectors[i]);
        }
        c.write(std::move(batch)).value();
        fill(c, vectors);
        fill(c, vectors);
    }
    const Stats stats = c.stats().value();
    CHECK(stats.live_rows == 6000 + 7 * 1500);  // the first round writes ids that fill() writes again
    std::size_t sealed = 0;
    for (const auto& segment : stats.segments) sealed += segment.phase == SegmentPhase::sealed ? 1U : 0U;
    CHECK(sealed >= 1);
    CHECK(sealed <= 4);
    CHECK(stats.seals >= 2);
    c.verify().value();
}

TEST_CASE("stale repairs of a segment that went do not reach another", "[background]") {
    auto c = L2::open(small, inline_work()).value();
    const Vectors vectors = normal_vectors(3000, 4, 1);
    for (int round = 0; round < 10; ++round) {
        fill(c, vectors);
        c.wait_until_indexed().value();
        for (std::uint64_t i = 0; i < 20; ++i) c.erase(PointId{i}).value();  // too few to be repaired at once
        c.optimize().value();
        CHECK(c.stats().value().repairs_waiting == 0);
    }
    c.verify().value();
}

namespace {

/// Takes no job.
class RefusingExecutor final : public Executor {
public:
    void submit(std::function<void()>) override { throw std::runtime_error("no threads left"); }
    [[nodiscard]] std::size_t parallelism() const noexcept override { return 1; }
};

}  // namespace

TEST_CASE("who waits for work that the executor refuses is told, and nothing is lost", "[background]") {
    auto c = L2::open({.dimension = 4}, {.executor = std::make_shared<RefusingExecutor>()}).value();
    const Vectors vectors = normal_vectors(2000, 4, 5);
    fill(c, vectors);
    const auto indexed = c.wait_until_indexed();
    REQUIRE_FALSE(indexed.has_value());
    CHECK(indexed.error().code == ErrorCode::resource_exhausted);
    CHECK(mentions(indexed.error(), "no threads left"));
    const auto optimized = c.optimize();
    REQUIRE_FALSE(optimized.has_value());
    CHECK(mentions(optimized.error(), "no threads left"));
    CHECK(c.stats().value().background_error.has_value());
    CHECK(c.count().value() == 2000);
    CHECK(ids_of(c.search({.vector = vectors[77], .k = 1}).value()) == std::vector{PointId{77}});
}

TEST_CASE("a full audit beside linking finds no damage", "[background][threads]") {
    auto c = L2::open({.dimension = 8}, threads(1)).value();
    const Vectors vectors = normal_vectors(12'000, 8, 6);
    std::atomic<bool> done{false};
    std::thread writer([&] {
        fill(c, vectors);
        for (std::uint64_t i = 0; i < 3000; ++i) c.erase(PointId{i * 3}).value();
        done = true;
    });
    while (!done) {
        const auto sound = c.verify(Depth::full);
        if (!sound.has_value()) FAIL_CHECK(sound.error().message);
    }
    writer.join();
    CHECK(c.verify(Depth::full).has_value());
}

namespace {

/// A millisecond passes whenever it is read.
class TickingClock final : public Clock {
public:
    [[nodiscard]] std::chrono::nanoseconds monotonic() const noexcept override {
        return std::chrono::milliseconds(++ticks_);
    }
    [[nodiscard]] std::chrono::nanoseconds wall() const noexcept override { return monotonic(); }

private:
    mutable std::atomic<std::int64_t> ticks_{0};
};

}  // namespace

TEST_CASE("stats say how long linking the tail will take", "[background]") {
    TickingClock clock;
    const auto executor = std::make_shared<HeldExecutor>();
    auto c = L2::open(small, {.executor = executor, .clock = &clock}).value();
    const Vectors vectors = normal_vectors(6000, 4, 1);
    CHECK_FALSE(c.stats().value().link_remaining_seconds.has_value());
    fill(c, vectors);
    Stats stats = c.stats().value();
    CHECK(stats.linking);
    CHECK_FALSE(stats.link_remaining_seconds.has_value());  // nothing was linked yet
    executor->run();
    CHECK_FALSE(c.stats().value().link_remaining_seconds.has_value());  // nothing is
    fill(c, vectors, 1000);
    stats = c.stats().value();
    CHECK(stats.linking);
    CHECK(stats.tail_rows >= 5000);
    REQUIRE(stats.link_remaining_seconds.has_value());
    CHECK(*stats.link_remaining_seconds > 0.0);
    executor->run();
}

TEST_CASE("stats say which job is at work, how far it is and for how long still", "[background][durable]") {
    using Stored = Collection<SquaredL2, MappedStorage>;
    SimDisk disk;
    HookedFiles files(disk.files());
    TickingClock clock;
    OpenOptions options = inline_on(files);
    options.clock = &clock;
    auto c = Stored::open("points.sxt", {.dimension = 4, .index = {.m = 4, .ef_construction = 8}}, options).value();
    std::set<BackgroundJob> seen;
    files.hooks.after_write = [&](const std::string& name) -> std::optional<Error> {
        if (name.find(".tmp/") == std::string::npos) return std::nullopt;
        const Stats stats = c.stats().value();
        seen.insert(stats.job);
        CHECK(stats.rebuilding);
        CHECK(stats.rebuild_progress >= 0.9);
        CHECK(stats.rebuild_progress < 1.0);
        REQUIRE(stats.rebuild_remaining_seconds.has_value());
        CHECK(*stats.rebuild_remaining_seconds > 0.0);
        return std::nullopt;
    };
    const Vectors vectors = normal_vectors(6000, 4, 1);
    // Each round of rewriting seals what is mostly dead.
    for (std::uint64_t round = 0; round < 8; ++round) {
        WriteBatch batch;
        for (std::uint64_t i = 0; i < 1500; ++i) batch.upsert(PointId{round * 10'000 + i}, vectors[i]);
        c.write(std::move(batch)).value();
        fill(c, vectors);
        fill(c, vectors);
    }
    c.optimize().value();
    for (std::uint64_t round = 1; round < 4; ++round) {
        WriteBatch batch;
        for (std::uint64_t i = 0; i < 1400; ++i) batch.erase(PointId{round * 10'000 + i});
        c.write(std::move(batch)).value();
    }
    CHECK(seen == std::set{BackgroundJob::seal, BackgroundJob::vacuum, BackgroundJob::merge, BackgroundJob::optimize});
    const Stats stats = c.stats().value();
    CHECK(stats.job == BackgroundJob::none);
    CHECK(stats.rebuild_progress == 0.0);
    CHECK_FALSE(stats.rebuild_remaining_seconds.has_value());
}

TEST_CASE("a checkpoint that failed is made up for by the next one", "[background][durable]") {
    using Stored = Collection<SquaredL2, MappedStorage>;
    SimDisk disk;
    HookedFiles files(disk.files());
    auto c = Stored::open("points.sxt", {.dimension = 4}, inline_on(files)).value();
    const Vectors vectors = normal_vectors(100, 4, 1);
    fill(c, vectors);
    files.hooks.after_write = [](const std::string& name) -> std::optional<Error> {
        if (name.find("MANIFEST") == std::string::npos) return std::nullopt;
        return Error{ErrorCode::io_error, name + ": broken"};
    };
    CHECK(c.optimize().error().code == ErrorCode::io_error);
    REQUIRE(c.stats().value().background_error.has_value());
    CHECK(mentions(*c.stats().value().background_error, "MANIFEST"));
    files.hooks = {};
    // It is tried again when some thousand writes were made, and nothing else is to be done then.
    const std::uint64_t merges = c.stats().value().merges;
    for (std::uint64_t i = 0; i < detail::rebuild_retry_writes; ++i) {
        c.set_payload(PointId{1}, {{"i", i}}, Durability::None).value();
    }
    CHECK_FALSE(c.stats().value().background_error.has_value());
    CHECK(c.stats().value().merges == merges);
}
