// What a durable collection does for itself: it heals, tries again, and keeps few files.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "collection/background_rules.hpp"
#include "collection/durable_support.hpp"
#include "collection/held_executor.hpp"
#include "collection/rate_limit.hpp"
#include "io/test_directory.hpp"
#include "sextant/io/file_system.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_crash.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

using Plain = Collection<SquaredL2, MappedStorage>;
using Coded = Collection<Cosine, MappedStorage, ScalarQuantizer>;

constexpr std::size_t dimension = 4;

std::vector<float> vector_of(std::uint64_t id) { return seeded_vector(id, dimension); }

std::size_t entries(const std::string& path) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path)) ++count;
    return count;
}

}  // namespace

TEST_CASE("what was made anew at an opening is whole at the next one", "[durable]") {
    for (const char* const part : {"graph", "codes", "codebook"}) {
        INFO(part);
        const sextant_test::TestDirectory directory;
        const std::string path = directory / "points.sxt";
        Contents expected;
        {
            auto collection = Coded::open(path, {.dimension = dimension}, inline_work()).value();
            for (std::uint64_t id = 1; id <= 40; ++id) {
                collection.upsert(PointId{id}, vector_of(id), {{"n", id}}).value();
            }
            collection.optimize().value();
            // In files beside the segment's own …
            collection.erase(PointId{1}).value();
            collection.set_payload(PointId{2}, {{"more", 1}}).value();
            for (std::uint64_t id = 41; id <= 44; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
            // … and in the log.
            collection.erase(PointId{3}).value();
            expected = contents(collection);
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
            if (entry.path().filename() == part) std::filesystem::resize_file(entry.path(), entry.file_size() - 1);
        }
        {
            auto healed = Coded::open(path, {}, inline_work()).value();
            CHECK(healed.stats().value().recovery.rebuilt.size() == 1);
            check_same(contents(healed), expected);
            healed.verify().value();
        }
        auto whole = Coded::open(path, {}, inline_work()).value();
        CHECK(whole.stats().value().recovery.rebuilt.empty());
        check_same(contents(whole), expected);
        whole.verify().value();
        CHECK(entries(path + "/seg") == 1);
    }
}

TEST_CASE("a damaged part that cannot be written anew is healed in memory, and nothing is removed", "[durable]") {
    SimDisk disk;
    Contents expected;
    {
        auto collection = Plain::open("points.sxt", {.dimension = dimension}, inline_on(disk.files())).value();
        for (std::uint64_t id = 1; id <= 40; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
        collection.optimize().value();
        expected = contents(collection);
    }
    const std::string segments = "points.sxt/seg";
    const std::string segment = segments + "/" + disk.files().list(segments).value().at(0).name;
    disk.files().open(segment + "/v0/graph", FileMode::read_write).value()->truncate(10).value();
    HookedFiles files(disk.files());
    files.hooks.after_write = [](const std::string& name) -> std::optional<Error> {
        if (name.find(".tmp/") == std::string::npos) return std::nullopt;
        return Error{ErrorCode::resource_exhausted, name + ": the disk is full"};
    };
    {
        auto healed = Plain::open("points.sxt", {}, inline_on(files)).value();
        CHECK(healed.stats().value().recovery.rebuilt.size() == 1);
        check_same(contents(healed), expected);
        CHECK(healed.search({.vector = vector_of(7), .k = 1}).value()[0].id == PointId{7});
    }
    files.hooks = {};
    auto whole = Plain::open("points.sxt", {}, inline_on(files)).value();
    CHECK(whole.stats().value().recovery.rebuilt.size() == 1);
    check_same(contents(whole), expected);
    whole.verify().value();
}

TEST_CASE("a checkpoint that fails again and again names the right files when it succeeds", "[durable]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    bool refuse = false;
    files.hooks.after_write = [&](const std::string& name) -> std::optional<Error> {
        if (!refuse || name.find("MANIFEST") == std::string::npos) return std::nullopt;
        return Error{ErrorCode::resource_exhausted, name + ": the disk is full"};
    };
    Contents expected;
    {
        auto collection = Plain::open("points.sxt", {.dimension = dimension}, inline_on(files)).value();
        std::uint64_t id = 0;
        for (int round = 0; round < 6; ++round) {
            for (int i = 0; i < 20; ++i) {
                ++id;
                collection.upsert(PointId{id}, vector_of(id), {{"round", round}}).value();
            }
            collection.erase(PointId{id - 5}).value();
            refuse = round % 3 != 2;
            CHECK(collection.optimize().has_value() != refuse);
            collection.set_payload(PointId{id - 1}, {{"late", round}}).value();
            CHECK(collection.search({.vector = vector_of(id), .k = 1}).value()[0].id == PointId{id});
        }
        expected = contents(collection);
    }
    files.hooks = {};
    auto collection = Plain::open("points.sxt", {}, inline_on(files)).value();
    check_same(contents(collection), expected);
    collection.verify().value();
}

TEST_CASE("a collection that is opened again and again for one write keeps few log files", "[durable]") {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    std::size_t most = 0;
    for (std::uint64_t id = 1; id <= 80; ++id) {
        auto collection = Plain::open(path, {.dimension = dimension}, inline_work()).value();
        CHECK(collection.count().value() == id - 1);
        collection.upsert(PointId{id}, vector_of(id)).value();
        collection.close().value();
        most = std::max(most, entries(path + "/wal"));
    }
    CHECK(most > 10);
    CHECK(most < 40);
}

TEST_CASE("background work that is limited takes its time, and stops when it is told to", "[durable]") {
    const auto seconds = [](auto&& work) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    detail::RateLimit limit(1'000'000);
    CHECK(seconds([&] {
              limit.spend(50'000, {});
              limit.spend(50'000, {});
          }) >= 0.09);
    std::stop_source stop;
    stop.request_stop();
    detail::RateLimit slow(1);
    slow.spend(1'000'000'000, stop.get_token());  // thirty years, otherwise
    const sextant_test::TestDirectory directory;
    OpenOptions options = inline_work();
    options.background_bytes_per_second = 1'000'000;
    auto collection = Plain::open(directory / "points.sxt", {.dimension = dimension}, options).value();
    for (std::uint64_t id = 1; id <= 600; ++id) {
        collection.upsert(PointId{id}, vector_of(id), {}, Durability::None).value();
    }
    // At least the graph: 128 bytes a row.
    CHECK(seconds([&] { collection.optimize().value(); }) >= 600 * 128 / 1e6);
}

TEST_CASE("a task that is cancelled while it removes files stops, and they go later", "[durable]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    const auto executor = std::make_shared<HeldExecutor>();
    OpenOptions options;
    options.files = &files;
    options.executor = executor;
    auto collection = Plain::open("points.sxt", {.dimension = dimension}, options).value();
    const auto write = [&] {
        for (std::uint64_t id = 0; id < 50; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
    };
    const auto segments = [&] { return files.list("points.sxt/seg").value().size(); };
    write();
    Task first = collection.start_optimize().value();
    executor->run();
    REQUIRE(first.wait().has_value());
    REQUIRE(segments() == 1);
    write();
    Task second = collection.start_optimize().value();
    int manifests = 0;
    std::vector<int> removals;  // of the old segment's files: how many manifests there had been
    files.hooks.after_sync = [&](const std::string& path) -> std::optional<Error> {
        if (path.find("/MANIFEST-") != std::string::npos) ++manifests;
        return std::nullopt;
    };
    files.hooks.after_removal = [&](const std::string& path) {
        if (path.find("/seg/000001/") == std::string::npos) return;
        removals.push_back(manifests);
        second.cancel();
    };
    executor->run();
    files.hooks = {};
    CHECK(second.wait().has_value());  // all was done that it was asked for
    REQUIRE(removals.size() > 2);
    CHECK(removals[0] == 1);
    CHECK(removals[1] == 2);
    CHECK(segments() == 1);
    CHECK(collection.count().value() == 50);
    CHECK(collection.verify(Depth::full));
}

TEST_CASE("a rebuild that writes not yet on the disk made needless is not asked for again and again",
          "[durable][threads]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    const auto executor = std::make_shared<HeldExecutor>();
    OpenOptions options;
    options.files = &files;
    options.executor = executor;
    const Plain::Options graph{.dimension = dimension, .index = {.m = 4, .ef_construction = 4}};
    auto collection = Plain::open("points.sxt", graph, options).value();
    const auto add = [&](std::uint64_t first, std::uint64_t last) {
        WriteBatch batch;
        for (std::uint64_t id = first; id < last; ++id) batch.upsert(PointId{id}, vector_of(id));
        collection.write(std::move(batch)).value();
    };
    // One dead row less than what a growing segment is sealed early for; with 500 more rows it takes more of them.
    constexpr auto rows = static_cast<std::uint64_t>(detail::seal_dead_rows / detail::seal_dead_share) - 50;
    constexpr std::uint64_t dead = detail::seal_dead_rows;
    add(0, rows);
    WriteBatch most;
    for (std::uint64_t id = 0; id < dead - 1; ++id) most.erase(PointId{id});
    collection.write(std::move(most)).value();
    executor->run();
    REQUIRE(collection.stats().value().seals == 0);
    // The last one is shown while the rows that tip the scale back still wait for the disk.
    std::latch added(1);
    std::latch held(1);
    std::latch shown(1);
    std::latch ran(1);
    std::atomic<int> writes{0};
    std::atomic<int> syncs{0};
    std::thread adding;
    files.hooks.after_write = [&](const std::string& name) -> std::optional<Error> {
        if (name.ends_with(".wal") && ++writes == 2) added.count_down();
        return std::nullopt;
    };
    files.hooks.after_sync = [&](const std::string& name) -> std::optional<Error> {
        if (!name.ends_with(".wal")) return std::nullopt;
        const int number = ++syncs;
        if (number == 1) {
            adding = std::thread([&] { add(rows, rows + 500); });
            added.wait();
        } else if (number == 2) {
            held.count_down();
            ran.wait();
        }
        return std::nullopt;
    };
    std::thread erasing([&] {
        collection.erase(PointId{dead - 1}).value();
        shown.count_down();
    });
    held.wait();
    shown.wait();
    // Far more than it takes; only a lane that never ends is given up.
    auto lanes = std::async(std::launch::async, [&] { return executor->run(); });
    CHECK(lanes.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
    ran.count_down();
    CHECK(lanes.get() > 0);
    erasing.join();
    adding.join();
    files.hooks = {};
    executor->run();
    CHECK(collection.count().value() == rows + 500 - dead);
    CHECK(collection.stats().value().seals == 0);
}

TEST_CASE("a checkpoint whose manifest could not be named is made later, and no loss of power meanwhile loses anything",
          "[durable][crash]") {
    for (const FaultKind kind : {FaultKind::rename_fails, FaultKind::sync_fails, FaultKind::no_handles}) {
        SimDisk disk;
        HookedFiles files(disk.files());
        std::uint64_t drafts = 0;
        // After the two of the opening. The rename follows, then the sync of the directory.
        files.hooks.after_sync = [&](const std::string& name) -> std::optional<Error> {
            if (name.ends_with("CURRENT.tmp") && ++drafts == 3) {
                disk.inject({.at_call = disk.op_count(), .kind = kind, .lasting = true});
            }
            return std::nullopt;
        };
        auto collection = Plain::open("points.sxt", {.dimension = dimension}, inline_on(files)).value();
        for (std::uint64_t id = 1; id <= 20; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
        CHECK_FALSE(collection.optimize());
        REQUIRE(disk.struck_count() > 0);
        CHECK(collection.stats().value().background_error.has_value());
        disk.clear_faults();
        collection.upsert(PointId{21}, vector_of(21)).value();
        collection.erase(PointId{1}).value();
        const Contents expected = contents(collection);
        const auto check_crashes = [&] {
            SeenImages seen;
            enumerate_crashes(disk, disk.log_size() - 1, {}, seen, [&](SimDisk&& image, const CrashImage&) {
                const auto opened = Plain::open("points.sxt", {}, inline_on(image.files()));
                INFO(opened.error().message);
                REQUIRE(opened);
                check_same(contents(*opened), expected);
                opened->verify().value();
            });
            CHECK(seen.unique_count() > 0);
        };
        check_crashes();
        collection.optimize().value();
        CHECK_FALSE(collection.stats().value().background_error.has_value());
        CHECK(disk.files().list("points.sxt/seg").value().size() == 1);
        check_crashes();
        check_same(contents(collection), expected);
    }
}
