// Changed payloads of sealed segments: they become the segment's own when they are many.
#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "collection/background_rules.hpp"
#include "collection/collection_support.hpp"
#include "collection/durable_support.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

using Stored = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;

constexpr std::size_t dimension = 8;
constexpr std::uint64_t row_count = 2000;
constexpr const char* path = "points.sxt";

class Recorder final : public EventSink {
public:
    void on_event(const Event& event) noexcept override { names.emplace(event.name); }
    std::set<std::string> names;
};

template <class C>
void change(C& c, std::uint64_t first, std::uint64_t last, int value) {
    WriteBatch batch;
    for (std::uint64_t id = first; id < last; ++id) {
        batch.set_payload(PointId{id}, {{"changed", value}, {"text", std::string(20, 'x')}});
    }
    c.write(std::move(batch)).value();
}

template <class C>
std::vector<std::uint64_t> answers(const C& c, const Vectors& vectors) {
    std::vector<std::uint64_t> ids;
    for (std::size_t i = 0; i < vectors.size(); i += 40) {
        for (const auto& hit : c.search({.vector = vectors[i]}).value()) ids.push_back(hit.id.integer());
    }
    return ids;
}

/// Files of the only segment whose names begin so.
std::size_t files_of_segment(SimDisk& disk, const std::string& prefix) {
    const std::string segments = std::string(path) + "/seg";
    const auto listed = disk.files().list(segments).value();
    REQUIRE(listed.size() == 1);
    std::size_t count = 0;
    for (const auto& entry : disk.files().list(segments + "/" + listed[0].name).value()) {
        count += entry.name.rfind(prefix, 0) == 0 ? 1U : 0U;
    }
    return count;
}

}  // namespace

TEST_CASE("many changed payloads become the segment's own", "[background][compaction]") {
    MemoryAccount memory("test");
    Recorder events;
    OpenOptions options = inline_work();
    options.memory = &memory;
    options.events = &events;
    auto c = L2::open({.dimension = dimension}, options).value();
    const Vectors vectors = normal_vectors(row_count, dimension, 1);
    fill(c, vectors, 0, true);
    c.optimize().value();
    for (std::uint64_t id = 0; id < 100; ++id) c.erase(PointId{id * 7}).value();
    const std::uint64_t merges = c.stats().value().merges;

    change(c, 0, row_count / 2 - 1, 1);
    CHECK(c.stats().value().compactions == 0);
    CHECK(c.stats().value().segments.at(0).changed_payloads > 800);
    const auto found = answers(c, vectors);
    change(c, row_count / 2 - 1, row_count * 6 / 10, 1);  // … and now it is more than a thousand
    const Stats stats = c.stats().value();
    CHECK(stats.compactions == 1);
    CHECK(stats.merges == merges + 1);
    CHECK(events.names.count("segment.compacted") == 1);
    REQUIRE(stats.segments.size() == 1);
    CHECK(stats.segments[0].changed_payloads == 0);
    // Nothing else was made anew: who was dead still is, and searches go the way they went.
    CHECK(stats.segments[0].dead_rows == 100);
    CHECK(answers(c, vectors) == found);
    CHECK(c.count(field("changed") == 1).value() == row_count * 6 / 10 - 100);
    CHECK(c.get(PointId{3}).value().payload["changed"] == 1);
    CHECK(c.get(PointId{3}).value().payload["n"] == 3);
    CHECK_FALSE(c.get(PointId{7}).has_value());
    CHECK(memory.used() == stats.memory_used);
    c.verify().value();
    c.optimize().value();
    CHECK(c.stats().value().dead_rows == 0);
    c.verify().value();
}

TEST_CASE("folding payloads in leaves no files of them, and gives the same collection", "[durable][compaction]") {
    const auto residency = GENERATE(Residency::resident, Residency::mapped);
    SimDisk disk;
    OpenOptions options = inline_on(disk.files());
    options.residency = residency;
    const Vectors vectors = normal_vectors(row_count, dimension, 1);
    Contents expected;
    std::vector<std::uint64_t> found;
    {
        auto c = Stored::open(path, {.dimension = dimension}, options).value();
        fill(c, vectors, 0, true);
        c.optimize().value();
        for (std::uint64_t id = 0; id < 100; ++id) c.erase(PointId{id * 7}).value();
        change(c, 0, 900, 1);
        for (int round = 0; round < 10; ++round) change(c, 1, 10, round);
        // A growing segment that comes and goes: the checkpoint of it writes the changes beside the sealed one.
        for (std::uint64_t first = 10'000; first < 15'000; first += 500) {
            WriteBatch batch;
            for (std::uint64_t id = first; id < first + 500; ++id) batch.upsert(PointId{id}, vectors[id % row_count]);
            c.write(std::move(batch)).value();
        }
        WriteBatch batch;
        for (std::uint64_t id = 10'000; id < 15'000; ++id) batch.erase(PointId{id});
        c.write(std::move(batch)).value();
        c.close().value();
        CHECK(files_of_segment(disk, "payload-") == 1);
    }
    {
        auto c = Stored::open(path, {}, options).value();
        CHECK(c.stats().value().segments.at(0).changed_payloads == 800);
        found = answers(c, vectors);
        change(c, 900, 1200, 2);
        const Stats stats = c.stats().value();
        CHECK(stats.compactions == 1);
        CHECK(stats.segments.at(0).changed_payloads == 0);
        CHECK(stats.segments.at(0).dead_rows == 100);
        expected = contents(c);
        CHECK(answers(c, vectors) == found);
        c.verify().value();
        CHECK(files_of_segment(disk, "payload-") == 0);
        CHECK(files_of_segment(disk, "del-") == 1);
        change(c, 1, 5, 9);
        c.erase(PointId{8}).value();
        for (std::uint64_t id = 1; id < 5; ++id) {
            auto& point = expected[PointId{id}];
            const Record record = c.get(PointId{id}).value();
            point.payload["changed"] = 9;
            point.version = record.version;
        }
        expected.erase(PointId{8});
    }
    auto c = Stored::open(path, {}, options).value();
    check_same(contents(c), expected);
    c.verify().value();
}

TEST_CASE("an optimize of one segment without dead rows folds payloads in and leaves the graph", "[compaction]") {
    auto c = L2::open({.dimension = dimension, .index = {.m = 4, .ef_construction = 8}}, inline_work()).value();
    const Vectors vectors = normal_vectors(row_count, dimension, 1);
    fill(c, vectors);
    c.optimize().value();
    const auto found = answers(c, vectors);
    change(c, 5, 9, 1);
    c.optimize().value();
    CHECK(c.stats().value().segments.at(0).changed_payloads == 0);
    CHECK(c.get(PointId{6}).value().payload["changed"] == 1);
    CHECK(answers(c, vectors) == found);
    c.verify().value();
}

TEST_CASE("a compaction that fails says so, and is made up for", "[durable][compaction]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    auto c = Stored::open(path, {.dimension = dimension}, inline_on(files)).value();
    const Vectors vectors = normal_vectors(row_count, dimension, 1);
    fill(c, vectors, 0, true);
    c.optimize().value();
    BackgroundJob job = BackgroundJob::none;
    double progress = 0.0;
    bool estimated = false;
    files.hooks.after_write = [&](const std::string& name) -> std::optional<Error> {
        if (name.find(".tmp/") == std::string::npos) return std::nullopt;
        const Stats stats = c.stats().value();
        job = stats.job;
        progress = std::max(progress, stats.rebuild_progress);
        estimated = estimated || stats.rebuild_remaining_seconds.has_value();
        if (name.find("graph") == std::string::npos) return std::nullopt;
        return Error{ErrorCode::resource_exhausted, name + ": the disk is full"};
    };
    change(c, 0, 1200, 1);
    CHECK(job == BackgroundJob::compact);
    CHECK(progress > 0.1);
    CHECK(progress < 1.0);
    CHECK(estimated);
    Stats stats = c.stats().value();
    CHECK(stats.compactions == 0);
    CHECK(stats.segments.at(0).changed_payloads == 1200);
    REQUIRE(stats.background_error.has_value());
    CHECK(mentions(*stats.background_error, "the disk is full"));
    CHECK(stats.job == BackgroundJob::none);
    CHECK(c.optimize().error().code == ErrorCode::resource_exhausted);
    CHECK(job == BackgroundJob::optimize);
    const Contents expected = contents(c);
    files.hooks = {};
    c.optimize().value();
    stats = c.stats().value();
    CHECK_FALSE(stats.background_error.has_value());
    CHECK(stats.segments.at(0).changed_payloads == 0);
    check_same(contents(c), expected);
}

TEST_CASE("a collection that is closed while it folds payloads in keeps them", "[durable][compaction][threads]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    const Vectors vectors = normal_vectors(row_count, dimension, 1);
    Contents expected;
    std::atomic<bool> writing{false};
    std::atomic<bool> closing{false};
    {
        OpenOptions options = threads(2);
        options.files = &files;
        auto c = Stored::open(path, {.dimension = dimension}, options).value();
        fill(c, vectors, 0, true);
        c.optimize().value();
        files.hooks.after_write = [&](const std::string& name) -> std::optional<Error> {
            if (name.find(".tmp/") == std::string::npos) return std::nullopt;
            writing = true;
            while (!closing) std::this_thread::yield();
            return std::nullopt;
        };
        change(c, 0, 1200, 1);
        while (!writing) std::this_thread::yield();
        expected = contents(c);
        closing = true;
        c.close().value();
    }
    files.hooks = {};
    auto c = Stored::open(path, {}, inline_on(files)).value();
    check_same(contents(c), expected);
    c.verify().value();
}

TEST_CASE("payloads are folded in and recall is measured beside searches and writes", "[compaction][recall][threads]") {
    constexpr std::uint64_t many = 4000;
    auto c = L2::open({.dimension = dimension, .index = {.m = 4, .ef_construction = 8}}, threads(2)).value();
    const Vectors vectors = normal_vectors(many, dimension, 1);
    fill(c, vectors);
    c.optimize().value();
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> wrong{0};
    std::atomic<std::uint64_t> rounds{0};
    std::thread reader([&] {
        while (!done || rounds == 0) {
            for (std::uint64_t id = many - 100; id < many; ++id) {
                const bool found = c.search({.vector = vectors[id], .k = 1}).value()[0].id == PointId{id};
                if (!found || !c.get(PointId{id}).has_value()) ++wrong;
            }
            if (!c.stats().has_value()) ++wrong;
            ++rounds;
        }
    });
    // 15 %: less than vacuum asks for, enough for two measurements.
    std::uint64_t erased = 0;
    int value = 0;
    const auto enough = [&] {
        const Stats stats = c.stats().value();
        return stats.recall_measurements >= 2 && stats.compactions >= 2;
    };
    while (!enough()) {
        change(c, erased, many, ++value);
        for (int i = 0; i < 50 && erased < many * 15 / 100; ++i) c.erase(PointId{erased++}).value();
    }
    done = true;
    reader.join();
    INFO(rounds << " rounds");
    CHECK(wrong == 0);
    CHECK(c.count(field("changed") == value).value() == many - erased);
    CHECK(c.count().value() == many - erased);
    c.verify().value();
}

TEST_CASE("compacting is worth it when much is folded in for what is written", "[compaction]") {
    const auto worth = [](const detail::OverlaySize& size) { return detail::is_worth_compacting(size); };
    const std::uint64_t mib = std::uint64_t{1} << 20U;
    CHECK(worth({.rows = 3000, .changed_rows = 1000, .changed_bytes = 100'000}));
    CHECK_FALSE(worth({.rows = 3000, .changed_rows = 999, .changed_bytes = 100'000}));
    CHECK_FALSE(worth({.rows = 4000, .changed_rows = 1000, .changed_bytes = 100'000}));
    CHECK_FALSE(worth({.rows = 3000, .changed_rows = 1000, .changed_bytes = 100'000, .written_bytes = 2 * mib}));
    CHECK(worth({.rows = 100'000, .payload_bytes = 4 * mib, .changed_rows = 500, .changed_bytes = 4 * mib}));
    CHECK_FALSE(worth({.rows = 100'000, .payload_bytes = 5 * mib, .changed_rows = 500, .changed_bytes = 4 * mib}));
    CHECK_FALSE(worth({.rows = 100'000, .changed_rows = 500, .changed_bytes = 4 * mib, .written_bytes = 65 * mib}));
}
