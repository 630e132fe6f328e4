#include "sextant/collection/task.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

class Recorder final : public EventSink {
public:
    void on_event(const Event& event) noexcept override {
        const std::lock_guard lock(mutex_);
        names_.emplace(event.name);
    }
    [[nodiscard]] bool saw(const std::string& name) const {
        const std::lock_guard lock(mutex_);
        return names_.count(name) != 0;
    }

private:
    mutable std::mutex mutex_;
    std::set<std::string> names_;
};

}  // namespace

TEST_CASE("optimize leaves one sealed segment with nothing dead", "[task]") {
    Recorder events;
    auto c =
        L2Codes::open({.dimension = 8}, {.executor = std::make_shared<InlineExecutor>(), .events = &events}).value();
    const Vectors vectors = normal_vectors(2000, 8, 1);
    fill(c, vectors);
    c.optimize().value();
    fill(c, vectors, 1500);
    for (std::uint64_t i = 0; i < 100; ++i) c.erase(PointId{i}).value();
    Task task = c.start_optimize().value();
    task.wait().value();
    task.wait().value();
    CHECK(task.done());
    CHECK(task.progress() == 1.0);
    const Stats stats = c.stats().value();
    REQUIRE(stats.segments.size() == 1);
    CHECK(stats.live_rows == 1900);
    CHECK(stats.dead_rows == 0);
    CHECK(stats.tail_rows == 0);
    CHECK(stats.segments[0].phase == SegmentPhase::sealed);
    CHECK(events.saw("collection.optimized"));
    task.cancel();  // too late: nothing happens
    CHECK(task.wait().has_value());
}

TEST_CASE("progress rises to 1 while writes and searches go on", "[task][threads]") {
    auto c = L2::open({.dimension = 16}, threads(2)).value();
    const Vectors vectors = clustered_vectors(12'000, 16, 1);
    fill(c, vectors);
    Task task = c.start_optimize().value();
    double last = 0.0;
    std::uint64_t during = 0;
    while (!task.done()) {
        const double now = task.progress();
        REQUIRE(now >= last);
        REQUIRE(now <= 1.0);
        if (const auto left = task.remaining_seconds()) REQUIRE(*left >= 0.0);
        last = now;
        const PointId id{20'000 + during};
        c.upsert(id, vectors[during % vectors.size()], {{"during", true}}).value();
        c.set_payload(PointId{during % 12'000}, {{"changed", during}}).value();
        c.erase(PointId{11'999 - during}).value();
        REQUIRE(c.get(id).has_value());
        REQUIRE(c.search({.vector = vectors[0], .k = 5}).value().size() == 5);
        ++during;
    }
    task.wait().value();
    CHECK(task.remaining_seconds() == 0.0);
    CHECK(c.count(field("during") == true).value() == during);
    CHECK(c.count().value() == 12'000);
    for (std::uint64_t i = 0; i < during; ++i) {
        if (i < 12'000 - during) REQUIRE(c.get(PointId{i}).value().payload == Payload{{"changed", i}});
        REQUIRE_FALSE(c.get(PointId{11'999 - i}).has_value());
    }
    c.verify().value();
}

TEST_CASE("a cancelled optimize leaves the collection as it was", "[task][threads]") {
    MemoryAccount memory("test");
    auto c =
        L2::open({.dimension = 64}, {.executor = std::make_shared<ThreadPoolExecutor>(2), .memory = &memory}).value();
    const Vectors vectors = clustered_vectors(20'000, 64, 1);
    fill(c, vectors);
    c.wait_until_indexed().value();
    const std::uint64_t used = memory.used();
    Task task = c.start_optimize().value();
    while (task.progress() == 0.0 && !task.done()) std::this_thread::yield();
    const auto begin = std::chrono::steady_clock::now();
    task.cancel();
    const auto result = task.wait();
    const auto took = std::chrono::steady_clock::now() - begin;
    if (!result.has_value()) {  // else it was done before
        CHECK(result.error().code == ErrorCode::cancelled);
        CHECK(took < std::chrono::seconds(5));
        const Stats stats = c.stats().value();
        REQUIRE(stats.segments.size() == 1);
        CHECK(stats.segments[0].phase == SegmentPhase::growing);
        CHECK(memory.used() <= used + used / 50);
        CHECK_FALSE(stats.background_error.has_value());
    }
    CHECK(c.count().value() == 20'000);
    c.upsert(PointId{1}, vectors[5]).value();
    CHECK(c.get(PointId{1}, {.vector = true}).value().vector[0] == vectors[5][0]);
    c.optimize().value();
    CHECK(c.stats().value().segments.size() == 1);
}

TEST_CASE("a task outlives its collection and says that it was closed", "[task][threads]") {
    std::optional<Task> task;
    {
        auto c = L2::open({.dimension = 64}, threads(1)).value();
        fill(c, normal_vectors(10'000, 64, 1));
        task = c.start_optimize().value();
    }
    const auto result = task->wait();
    if (!result.has_value()) CHECK(result.error().code == ErrorCode::closed);
    CHECK(task->done());
}

TEST_CASE("several optimizes at once all end", "[task][threads]") {
    auto c = L2::open({.dimension = 8}, threads(2)).value();
    fill(c, normal_vectors(3000, 8, 1));
    std::vector<Task> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(c.start_optimize().value());
    for (auto& task : tasks) task.wait().value();
    CHECK(c.stats().value().segments.size() == 1);
}

TEST_CASE("an optimize without memory fails, says so and changes nothing", "[task]") {
    MemoryAccount memory("test");
    Recorder events;
    auto c = L2::open({.dimension = 32},
                      {.executor = std::make_shared<InlineExecutor>(), .memory = &memory, .events = &events})
                 .value();
    const Vectors vectors = normal_vectors(3000, 32, 1);
    fill(c, vectors);
    const std::uint64_t used = memory.used();
    std::uint64_t refusals = 0;
    for (std::uint64_t granted = 0;; ++granted) {
        memory.refuse_after(granted);
        const auto result = c.optimize();
        memory.refuse_after(MemoryAccount::unlimited);
        if (result.has_value()) break;
        ++refusals;
        REQUIRE(result.error().code == ErrorCode::resource_exhausted);
        REQUIRE(c.stats().value().background_error.has_value());
        REQUIRE(memory.used() == used);
        REQUIRE(c.count().value() == 3000);
    }
    CHECK(refusals > 5);
    CHECK(events.saw("rebuild.failed"));
    CHECK_FALSE(c.stats().value().background_error.has_value());
    c.verify().value();
}

TEST_CASE("linking without memory is told to who waits for it, and searches go on", "[task]") {
    MemoryAccount memory("test");
    auto c = L2::open({.dimension = 16}, {.executor = std::make_shared<InlineExecutor>(), .memory = &memory}).value();
    const Vectors vectors = normal_vectors(900, 16, 1);
    fill(c, vectors);
    memory.refuse_after(0);
    const auto waited = c.wait_until_indexed();
    REQUIRE_FALSE(waited.has_value());
    CHECK(waited.error().code == ErrorCode::resource_exhausted);
    CHECK(c.stats().value().background_error.has_value());
    CHECK(c.search({.vector = vectors[5], .k = 1}).value()[0].id == PointId{5});
    memory.refuse_after(MemoryAccount::unlimited);
    c.wait_until_indexed().value();
    CHECK(c.stats().value().tail_rows == 0);
    CHECK_FALSE(c.stats().value().background_error.has_value());
}

TEST_CASE("segments with many dead rows are rebuilt without being asked for", "[task]") {
    auto c = L2::open({.dimension = 8}, inline_work()).value();
    fill(c, normal_vectors(6000, 8, 1));
    c.optimize().value();
    for (std::uint64_t i = 0; i < 1100; ++i) c.erase(PointId{i}).value();
    CHECK(c.stats().value().dead_rows == 1100);  // 18 %
    for (std::uint64_t i = 1100; i < 1300; ++i) c.erase(PointId{i}).value();
    CHECK(c.stats().value().dead_rows < 200);
    CHECK(c.stats().value().merges == 2);
    c.erase(Filter::all()).value();
    CHECK(c.stats().value().segments.empty());
    CHECK(c.count().value() == 0);
}

TEST_CASE("own threads do all of it when no executor is given", "[task][threads]") {
    auto c = L2::open({.dimension = 8}).value();
    const Vectors vectors = normal_vectors(4000, 8, 1);
    fill(c, vectors);
    c.wait_until_indexed().value();
    CHECK(c.stats().value().tail_rows == 0);
    c.optimize().value();
    CHECK(c.search({.vector = vectors[7], .k = 1}).value()[0].id == PointId{7});
}
