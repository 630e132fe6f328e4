// Recall of sealed segments, measured as rows die: what has dropped is rebuilt, and nothing else.
#include <algorithm>
#include <deque>
#include <functional>
#include <numeric>
#include <set>
#include <stop_token>
#include <string>

#include "collection/background_rules.hpp"
#include "collection/collection_support.hpp"
#include "collection/durable_support.hpp"
#include "collection/segment_recall.hpp"
#include "segment/segment_support.hpp"
#include "support/catch.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

/// So hard for so small a graph that much is missed.
constexpr std::size_t dimension = 32;
constexpr std::uint64_t row_count = 3300;
constexpr std::uint64_t erased_count = row_count * 28 / 100;  // below what vacuum asks for
const L2::Options weak{.dimension = dimension, .index = {.m = 4, .ef_construction = 8}};

class Recorder final : public EventSink {
public:
    void on_event(const Event& event) noexcept override {
        if (during && event.name == "segment.measured") during();
        names.emplace(event.name);
    }
    std::set<std::string> names;
    std::function<void()> during;
};

/// How often a point is among the ten nearest of another, and how often a search finds it there.
struct Found {
    std::vector<double> wanted = std::vector<double>(row_count);
    std::vector<double> found = std::vector<double>(row_count);

    [[nodiscard]] double recall() const {
        return std::accumulate(found.begin(), found.end(), 0.0) / std::accumulate(wanted.begin(), wanted.end(), 0.0);
    }
};

template <class C>
Found search_all(const C& collection, const Vectors& vectors, const std::vector<std::uint64_t>& queries) {
    Found all;
    for (const std::uint64_t query : queries) {
        const auto got = ids_of(collection.search({.vector = vectors[query], .k = 11}).value());
        for (const auto& hit : collection.search({.vector = vectors[query], .k = 11, .exact = true}).value()) {
            if (hit.id == PointId{query}) continue;
            ++all.wanted[hit.id.integer()];
            if (std::find(got.begin(), got.end(), hit.id) != got.end()) ++all.found[hit.id.integer()];
        }
    }
    return all;
}

std::vector<std::uint64_t> all_ids() {
    std::vector<std::uint64_t> ids(row_count);
    std::iota(ids.begin(), ids.end(), std::uint64_t{0});
    return ids;
}

/// Those that searches find best come first: without them, what is left is what they find badly.
std::vector<std::uint64_t> best_found_first(const Found& found) {
    auto ids = all_ids();
    std::stable_sort(ids.begin(), ids.end(), [&](std::uint64_t a, std::uint64_t b) {
        const auto missed = [&](std::uint64_t id) {
            return (found.wanted[id] - found.found[id] + 0.5) / (found.wanted[id] + 1.0);
        };
        return missed(a) < missed(b);
    });
    return ids;
}

template <class C>
void erase(C& collection, std::span<const std::uint64_t> ids) {
    WriteBatch batch;
    for (const std::uint64_t id : ids) batch.erase(PointId{id});
    collection.write(std::move(batch)).value();
}

/// Runs nothing until told to.
class HeldExecutor final : public Executor {
public:
    void submit(std::function<void()> job) override { jobs.push_back(std::move(job)); }
    [[nodiscard]] std::size_t parallelism() const noexcept override { return 1; }
    void run() {
        while (!jobs.empty()) {
            const auto job = std::move(jobs.front());
            jobs.pop_front();
            job();
        }
    }
    std::deque<std::function<void()>> jobs;
};

}  // namespace

TEST_CASE("a segment whose recall drops is rebuilt, and recall is back", "[background][recall]") {
    const auto executor = std::make_shared<HeldExecutor>();
    Recorder events;
    auto c = L2::open(weak, {.executor = executor, .events = &events}).value();
    const Vectors vectors = normal_vectors(row_count, dimension, 1);
    fill(c, vectors);
    Task sealed = c.start_optimize().value();
    executor->run();
    sealed.wait().value();

    const Found built = search_all(c, vectors, all_ids());
    const auto order = best_found_first(built);
    const std::vector<std::uint64_t> left(order.begin() + erased_count, order.end());
    erase(c, std::span(order).first(erased_count));
    const double dropped = search_all(c, vectors, left).recall();
    CHECK(dropped < built.recall() - 0.05);
    CHECK(c.stats().value().recall_measurements == 0);

    bool seen = false;
    events.during = [&] {
        const Stats stats = c.stats().value();
        seen = true;
        CHECK(stats.rebuilding);
        CHECK(stats.job == BackgroundJob::measure);
        CHECK(stats.rebuild_progress == 1.0);
        REQUIRE(stats.segments.at(0).recall.has_value());
        // Of 256 queries: about what all of them show.
        CHECK(stats.segments[0].recall->as_built == Approx(built.recall()).margin(0.05));
        CHECK(stats.segments[0].recall->now == Approx(dropped).margin(0.05));
        CHECK(stats.segments[0].recall->dead_rows == erased_count);
    };
    executor->run();
    events.during = {};
    CHECK(seen);
    CHECK(events.names.count("segment.rebuilt") == 1);
    const Stats stats = c.stats().value();
    CHECK(stats.recall_measurements == 1);
    CHECK(stats.recall_rebuilds == 1);
    CHECK(stats.job == BackgroundJob::none);
    CHECK(stats.dead_rows == 0);
    CHECK(stats.live_rows == row_count - erased_count);
    REQUIRE(stats.segments.size() == 1);
    CHECK_FALSE(stats.segments[0].recall.has_value());  // of the new one nothing was erased
    CHECK(search_all(c, vectors, left).recall() > built.recall());
    c.verify().value();
}

TEST_CASE("where recall does not drop, nothing is rebuilt, and nothing is measured twice", "[background][recall]") {
    auto c = L2::open(weak, inline_work()).value();
    const Vectors vectors = normal_vectors(row_count, dimension, 1);
    fill(c, vectors);
    c.optimize().value();
    const std::uint64_t merges = c.stats().value().merges;
    const std::uint64_t step = detail::recall_step_rows;
    std::uint64_t erased = 0;
    const auto erase_up_to = [&](std::uint64_t count) {
        std::vector<std::uint64_t> ids(count - erased);
        std::iota(ids.begin(), ids.end(), erased);
        erase(c, ids);
        erased = count;
    };
    erase_up_to(step - 1);
    CHECK(c.stats().value().recall_measurements == 0);
    for (std::uint64_t measured = 1; measured <= 3; ++measured) {
        erase_up_to(measured * step);
        for (int again = 0; again < 2; ++again) {
            const Stats stats = c.stats().value();
            CHECK(stats.recall_measurements == measured);
            CHECK(stats.recall_rebuilds == 0);
            CHECK(stats.merges == merges);
            REQUIRE(stats.segments.at(0).recall.has_value());
            CHECK(stats.segments[0].recall->now > stats.segments[0].recall->as_built - detail::recall_margin);
            CHECK(stats.segments[0].recall->dead_rows == measured * step);
            erase_up_to(erased + 20);
        }
    }
    c.verify().value();
}

TEST_CASE("what is opened is not measured before more of it has died", "[background][recall][durable]") {
    using Stored = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
    const Vectors vectors = normal_vectors(row_count, dimension, 1);
    const auto ids = all_ids();
    SimDisk disk;
    OpenOptions options = inline_on(disk.files());
    options.residency = Residency::mapped;
    {
        auto c = Stored::open("points.sxt", {.dimension = dimension}, options).value();
        fill(c, vectors);
        c.optimize().value();
        erase(c, std::span(ids).first(400));
        CHECK(c.stats().value().recall_measurements == 1);
    }
    const std::string segments = "points.sxt/seg";
    const std::string vectors_file = segments + "/" + disk.files().list(segments).value().at(0).name + "/v0/vectors";
    {
        // Whoever read all of the vectors would meet it.
        const auto file = disk.files().open(vectors_file, FileMode::read_write).value();
        const std::uint64_t at = file->size().value() - 64;
        std::array<std::byte, 1> byte{};
        CHECK(file->read_at(at, byte).value() == 1);
        byte[0] ^= std::byte{1};
        file->write_at(at, byte).value();
        file->sync().value();
    }
    auto c = Stored::open("points.sxt", {}, options).value();
    erase(c, std::span(ids).subspan(400, 10));
    Stats stats = c.stats().value();
    CHECK(stats.recall_measurements == 0);
    CHECK_FALSE(stats.background_error.has_value());
    // Enough for another look, which meets it, says so, and changes nothing.
    erase(c, std::span(ids).subspan(410, 200));
    stats = c.stats().value();
    CHECK(stats.recall_measurements == 0);
    REQUIRE(stats.background_error.has_value());
    CHECK(stats.background_error->code == ErrorCode::corruption);
    CHECK(mentions(*stats.background_error, "v0/vectors"));
    CHECK(stats.job == BackgroundJob::none);
    CHECK(c.count().value() == row_count - 610);
    CHECK(c.optimize().error().code == ErrorCode::corruption);
}

TEST_CASE("a measurement that fails says so, and the next one makes up for it", "[background][recall]") {
    const auto executor = std::make_shared<HeldExecutor>();
    MemoryAccount memory("test");
    auto c = L2::open(weak, {.executor = executor, .memory = &memory}).value();
    fill(c, normal_vectors(row_count, dimension, 1));
    Task sealed = c.start_optimize().value();
    executor->run();
    sealed.wait().value();
    const auto ids = all_ids();
    erase(c, std::span(ids).first(300));
    memory.refuse_after(0);
    executor->run();
    memory.refuse_after(MemoryAccount::unlimited);
    Stats stats = c.stats().value();
    CHECK(stats.recall_measurements == 0);
    REQUIRE(stats.background_error.has_value());
    CHECK(stats.background_error->code == ErrorCode::resource_exhausted);
    // Not before some thousand writes were made, nor for what was passed over.
    erase(c, std::span(ids).subspan(300, 250));
    executor->run();
    CHECK(c.stats().value().recall_measurements == 0);
    for (std::uint64_t i = 0; i < detail::rebuild_retry_writes; ++i) c.set_payload(PointId{3000}, {{"i", i}}).value();
    executor->run();
    stats = c.stats().value();
    CHECK(stats.recall_measurements == 1);
    CHECK_FALSE(stats.background_error.has_value());
}

TEST_CASE("measuring can be cancelled, and says the same for the same state", "[background][recall]") {
    SegmentBench bench;
    for (std::uint64_t id = 0; id < 3000; ++id) bench.add(PointId{id});
    const SegmentState growing = bench.state();
    const SegmentSealer sealer({&growing, 1}, bench.at());
    InlineExecutor executor;
    const auto sealed =
        sealer
            .build({.fields = bench.fields, .account = &bench.account, .executor = &executor, .stop = {}},
                   [](double) {})
            .value();
    std::vector<std::uint32_t> dead;
    for (std::uint32_t row = 0; row < 900; ++row) dead.push_back(row * 3);
    bench.kill(*sealed, dead);
    const SegmentState state = sealed->state(sealed);
    const auto measure = [&](const std::stop_token& stop, FunctionRef<void(double)> progress) {
        return detail::measure_segment_recall(state, 4, bench.account, stop, progress);
    };
    double last = 0.0;
    const auto first = measure({}, [&](double done) {
        CHECK(done > last);
        last = done;
    });
    CHECK(last == 1.0);
    CHECK(first.value().as_built > 0.95);
    CHECK(first.value().now > 0.95);
    CHECK_FALSE(first.value().dropped());
    const auto second = measure({}, [](double) {});
    CHECK(second.value().as_built == first.value().as_built);
    CHECK(second.value().now == first.value().now);

    for (const double stop_at : {0.0, 0.1, 0.55}) {
        std::stop_source stop;
        if (stop_at == 0.0) stop.request_stop();
        const auto cancelled = measure(stop.get_token(), [&](double done) {
            if (done >= stop_at) stop.request_stop();
        });
        REQUIRE_FALSE(cancelled.has_value());
        CHECK(cancelled.error().code == ErrorCode::cancelled);
    }
}

TEST_CASE("a drop counts when it is large, and larger than chance", "[background][recall]") {
    const auto dropped = [](double drop, double error) {
        return detail::SegmentRecall{.as_built = 0.95, .now = 0.95 - drop, .standard_error = error}.dropped();
    };
    CHECK(dropped(0.03, 0.01));
    CHECK(dropped(0.06, 0.029));
    CHECK_FALSE(dropped(0.019, 0.0));
    CHECK_FALSE(dropped(0.03, 0.016));
    CHECK_FALSE(dropped(-0.1, 0.01));
    CHECK(detail::recall_step(249, 1000) == 0);
    CHECK(detail::recall_step(250, 1000) == 1);
    CHECK(detail::recall_step(4999, 100'000) == 0);
    CHECK(detail::recall_step(19'999, 100'000) == 3);
}
