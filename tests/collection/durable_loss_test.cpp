#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collection/collection_support.hpp"
#include "collection/store.hpp"
#include "sextant/io/file_system.hpp"
#include "sextant/wal/wal_files.hpp"
#include "support/catch.hpp"
#include "support/sim_crash.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 4;
constexpr const char* path = "points.sxt";

using Plain = Collection<SquaredL2, MappedStorage>;

Result<Plain> open_plain(SimDisk& disk, OnCorruption on_corruption = OnCorruption::fail) {
    OpenOptions options = inline_work();
    options.files = &disk.files();
    options.on_corruption = on_corruption;
    return Plain::open(path, {.dimension = dimension}, options);
}

std::vector<float> vector_of(std::uint64_t id) { return {static_cast<float>(id), 1.0F, 2.0F, 3.0F}; }

/// Points 1 .. count, each with a frame of its own; `large`: so much payload that two fill a log file.
void write_points(SimDisk& disk, std::uint64_t count, bool large = false) {
    auto collection = open_plain(disk).value();
    const std::string text(large ? 400'000 : 10, 'x');
    for (std::uint64_t id = 1; id <= count; ++id) {
        collection.upsert(PointId{id}, vector_of(id), {{"text", text}}).value();
    }
}

/// Every file below the directory but LOCK, as the file system has them now.
std::vector<std::string> files_of(SimDisk& disk, const std::string& directory = path) {
    std::vector<std::string> files;
    for (const auto& entry : disk.files().list(directory).value()) {
        const std::string inner = directory + "/" + entry.name;
        if (entry.is_directory) {
            const auto below = files_of(disk, inner);
            files.insert(files.end(), below.begin(), below.end());
        } else if (entry.name != "LOCK" && entry.name != "reserve") {
            files.push_back(inner);
        }
    }
    return files;
}

/// What a checkpoint would write, with nothing in segments.
void write_manifest(SimDisk& disk, std::uint64_t last) {
    sextant::detail::WantedOptions wanted;
    OpenOptions open;
    open.files = &disk.files();
    const auto store = sextant::detail::Store::open(path, wanted, open).value();
    format::Manifest manifest = store->manifest();
    manifest.last = last;
    store->write_manifest(manifest).value();
}

}  // namespace

TEST_CASE("a collection that lost any one of its files says so", "[durable]") {
    for (const bool large : {false, true}) {
        SimDisk whole;
        write_points(whole, 7, large);
        const auto files = files_of(whole);
        REQUIRE(files.size() >= (large ? 4U : 3U));
        for (const std::string& file : files) {
            SimDisk disk;
            write_points(disk, 7, large);
            disk.files().remove_file(file).value();
            INFO(file);
            const auto opened = open_plain(disk);
            REQUIRE_FALSE(opened);
            CHECK(opened.error().code == ErrorCode::corruption);
        }
    }
}

TEST_CASE("a copy that came without the empty directory of the segments is whole", "[durable]") {
    SimDisk disk;
    write_points(disk, 7);
    const std::string segments = std::string(path) + "/seg";
    disk.files().remove_directory(segments).value();
    {
        const auto salvaged = open_plain(disk, OnCorruption::read_only_salvage).value();
        CHECK(salvaged.count().value() == 7);
        CHECK(salvaged.stats().value().recovery.lost.empty());
        CHECK_FALSE(disk.files().exists(segments).value());
    }
    auto opened = open_plain(disk).value();
    CHECK(opened.count().value() == 7);
    opened.optimize().value();
    CHECK(opened.stats().value().segments.front().phase == SegmentPhase::sealed);
    opened.verify(Depth::full).value();
}

TEST_CASE("a log that was cut short or replaced since the collection was closed is missed", "[durable]") {
    const std::string log = std::string(path) + "/wal/" + wal_name(2);
    const auto refused = [&](auto&& change) {
        SimDisk disk;
        write_points(disk, 3);
        open_plain(disk).value().upsert(PointId{4}, vector_of(4)).value();
        change(*disk.files().open(log, FileMode::read_write).value());
        const auto opened = open_plain(disk);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == ErrorCode::corruption);
        const auto salvaged = open_plain(disk, OnCorruption::read_only_salvage).value();
        CHECK(salvaged.count().value() == 3);
        CHECK(salvaged.stats().value().recovery.lost.size() == 1);
    };
    for (const std::uint64_t size : {std::uint64_t{64}, std::uint64_t{72}, std::uint64_t{100}}) {
        refused([&](File& file) { file.truncate(size).value(); });
    }
    // Destroyed from its first frame on to its end.
    refused([](File& file) {
        const std::vector<std::byte> zeros(static_cast<std::size_t>(file.size().value() - 64));
        file.write_at(64, zeros).value();
    });
}

TEST_CASE("payloads that were changed after the last checkpoint last through further openings and checkpoints",
          "[durable]") {
    SimDisk disk;
    {
        auto collection = open_plain(disk).value();
        for (std::uint64_t id = 1; id <= 20; ++id) collection.upsert(PointId{id}, vector_of(id), {{"n", 0}}).value();
        collection.optimize().value();
        collection.set_payload(PointId{1}, {{"n", 1}}).value();
    }
    {
        // The change is in the log alone; the manifest knows of it since the closing.
        auto collection = open_plain(disk).value();
        collection.set_payload(PointId{2}, {{"n", 2}}).value();
    }
    {
        // Sealing other rows makes a checkpoint, which lets the log go.
        auto collection = open_plain(disk).value();
        for (int round = 0; round < 100 && collection.stats().value().seals == 0; ++round) {
            WriteBatch batch;
            for (std::uint64_t id = 1000; id < 1500; ++id) batch.upsert(PointId{id}, vector_of(id));
            collection.write(std::move(batch)).value();
        }
        CHECK(collection.stats().value().seals == 1);
    }
    const auto collection = open_plain(disk).value();
    CHECK(collection.count().value() == 520);
    for (std::uint64_t id = 1; id <= 3; ++id) {
        const Record point = collection.get(PointId{id}).value();
        CHECK(point.payload.at("n") == (id < 3 ? id : 0));
    }
}

TEST_CASE("a log that is gone since the process was killed is missed though segments have all that the manifest knows",
          "[durable]") {
    SimDisk disk;
    auto collection = open_plain(disk).value();
    for (std::uint64_t id = 1; id <= 20; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
    collection.optimize().value();
    collection.upsert(PointId{21}, vector_of(21)).value();
    CrashEnumerator moments(disk.recording());
    SimDisk killed = moments.kill_image(moments.log_size() - 1);
    const std::string logs = std::string(path) + "/wal";
    for (const auto& entry : killed.files().list(logs).value()) {
        if (entry.name.ends_with(".wal")) killed.files().remove_file(logs + "/" + entry.name).value();
    }
    const auto opened = open_plain(killed);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::corruption);
    CHECK(mentions(opened.error(), "the manifest knows of"));
}

TEST_CASE("a log that ends before the last write that the manifest knows is damage", "[durable]") {
    SimDisk disk;
    write_points(disk, 3);
    write_manifest(disk, 3);
    CHECK(open_plain(disk).value().count().value() == 3);
    write_manifest(disk, 4);
    const auto opened = open_plain(disk);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::corruption);
    CHECK(mentions(opened.error(), "the manifest knows of write 4"));
    const auto salvaged = open_plain(disk, OnCorruption::read_only_salvage).value();
    CHECK(salvaged.count().value() == 3);
    REQUIRE(salvaged.stats().value().recovery.lost.size() == 1);
}

TEST_CASE("a damaged log is refused, and salvage says what is missing", "[durable]") {
    SimDisk disk;
    write_points(disk, 5);
    // The first frame: its header and a part of its payload are behind the file's header.
    flip_byte(disk, std::string(path) + "/wal/" + wal_name(1), 64 + 100);
    const auto opened = open_plain(disk);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::corruption);
    CHECK(mentions(opened.error(), wal_name(1)));
    const auto salvaged = open_plain(disk, OnCorruption::read_only_salvage).value();
    CHECK(salvaged.count().value() == 0);
    const auto lost = salvaged.stats().value().recovery.lost;
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].find(wal_name(1)) != std::string::npos);
    CHECK(lost[0].find("behind it") != std::string::npos);
}
