// What opens in spite of damage, on a disk that cannot be written, or in less memory than its log takes.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "collection/durable_support.hpp"
#include "collection/store.hpp"
#include "io/test_directory.hpp"
#include "sextant/format/wal_effects.hpp"
#include "sextant/wal/wal_writer.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 4;
constexpr const char* path = "points.sxt";

using Plain = Collection<SquaredL2, MappedStorage>;

Result<Plain> open_plain(FileSystem& files, OnCorruption on_corruption = OnCorruption::fail) {
    OpenOptions options = inline_on(files);
    options.on_corruption = on_corruption;
    return Plain::open(path, {.dimension = dimension}, options);
}

std::vector<float> vector_of(std::uint64_t id) { return {static_cast<float>(id), 1.0F, 2.0F, 3.0F}; }

/// Points 1 .. count in a segment, and one more in the log.
void write_points(FileSystem& files, std::uint64_t count) {
    auto collection = open_plain(files).value();
    for (std::uint64_t id = 1; id <= count; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
    collection.optimize().value();
    collection.upsert(PointId{count + 1}, vector_of(count + 1)).value();
}

std::vector<std::string> manifests(FileSystem& files) {
    std::vector<std::string> names;
    for (const auto& entry : files.list(path).value()) {
        if (entry.name.starts_with("MANIFEST-")) names.push_back(std::string(path) + "/" + entry.name);
    }
    return names;
}

void flip(FileSystem& files, const std::string& name, std::uint64_t offset) {
    const auto file = files.open(name, FileMode::read_write).value();
    std::byte byte{};
    REQUIRE(file->read_at(offset, {&byte, 1}).value() == 1);
    byte ^= std::byte{1};
    file->write_at(offset, {&byte, 1}).value();
}

std::size_t sealed_segments(const Plain& collection) {
    const Stats stats = collection.stats().value();
    return static_cast<std::size_t>(
        std::count_if(stats.segments.begin(), stats.segments.end(),
                      [](const SegmentStats& segment) { return segment.phase == SegmentPhase::sealed; }));
}

/// What `act` returns in a process that may not write; 77: this machine cannot do that.
int in_child(const std::function<int()>& act) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(act());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/// 0: all that a reader needs works in `directory`, and writing is refused.
int read_there(const std::string& directory, std::uint64_t expected) {
    OpenOptions options = inline_work();
    options.mode = OpenMode::read_only;
    auto opened = Plain::open(directory, {.dimension = dimension}, options);
    if (!opened) return 1;
    if (opened->count().value() != expected || !opened->verify(Depth::full)) return 2;
    if (opened->upsert(PointId{99}, vector_of(99)).error().code != ErrorCode::read_only) return 3;
    opened->close().ignore("checked by the next");
    options.mode = OpenMode::open;
    options.on_corruption = OnCorruption::read_only_salvage;
    return Plain::open(directory, {.dimension = dimension}, options) ? 0 : 4;
}

}  // namespace

TEST_CASE("salvage finds its manifest where CURRENT is damaged or missing", "[durable]") {
    for (const bool missing : {false, true}) {
        SimDisk disk;
        write_points(disk.files(), 5);
        const std::string current = std::string(path) + "/CURRENT";
        if (missing) {
            disk.files().remove_file(current).value();
        } else {
            flip(disk.files(), current, 12);
        }
        const auto before = manifests(disk.files());
        CHECK(open_plain(disk.files()).error().code == ErrorCode::corruption);
        const auto salvaged = open_plain(disk.files(), OnCorruption::read_only_salvage);
        INFO(salvaged.error().message);
        REQUIRE(salvaged);
        CHECK(salvaged->count().value() == 6);
        CHECK(salvaged->verify(Depth::structure));
        const auto lost = salvaged->stats().value().recovery.lost;
        REQUIRE(lost.size() == 1);
        CHECK(lost[0].find("CURRENT") != std::string::npos);
        CHECK(lost[0].find("is taken instead") != std::string::npos);
        CHECK(manifests(disk.files()) == before);
    }
}

TEST_CASE("of several manifests salvage takes the newest that is whole", "[durable]") {
    SimDisk disk;
    write_points(disk.files(), 5);
    const auto names = manifests(disk.files());
    REQUIRE(names.size() == 1);
    const auto newest = read_file(disk.files(), names[0], 1U << 20U).value();
    // What two crashes in a row can leave: an older one, and a later one that was cut off.
    const auto put = [&](std::uint64_t number, std::span<const std::byte> bytes) {
        const auto file = disk.files().open(std::string(path) + "/" + format::manifest_name(number), FileMode::create);
        (*file)->write_at(0, bytes).value();
    };
    put(900, std::span(newest).first(newest.size() - 1));
    {
        detail::WantedOptions wanted;
        OpenOptions open;
        open.files = &disk.files();
        const auto store = detail::Store::open(path, wanted, open).value();
        format::Manifest empty;
        empty.options = store->manifest().options;
        put(1, format::encode_manifest({store->wal().collection, format::FileKind::manifest, 1}, empty));
    }
    disk.files().remove_file(std::string(path) + "/CURRENT").value();
    {
        const auto salvaged = open_plain(disk.files(), OnCorruption::read_only_salvage).value();
        CHECK(salvaged.count().value() == 6);
        const std::string taken = names[0].substr(std::string(path).size() + 1) + " is taken instead";
        CHECK(salvaged.stats().value().recovery.lost.at(0).find(taken) != std::string::npos);
    }
    disk.files().remove_file(names[0]).value();
    flip(disk.files(), std::string(path) + "/" + format::manifest_name(1), 80);
    const auto refused = open_plain(disk.files(), OnCorruption::read_only_salvage);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::corruption);
}

TEST_CASE("salvage says which changes a gap in the log took", "[durable]") {
    SimDisk disk;
    {
        auto collection = open_plain(disk.files()).value();
        for (std::uint64_t id = 1; id <= 7; ++id) {
            collection.upsert(PointId{id}, vector_of(id), {{"text", std::string(400'000, 'x')}}).value();
        }
    }
    const std::string logs = std::string(path) + "/wal";
    REQUIRE(disk.files().list(logs)->size() >= 3);
    disk.files().remove_file(logs + "/" + wal_name(2)).value();
    const auto salvaged = open_plain(disk.files(), OnCorruption::read_only_salvage).value();
    const std::uint64_t kept = salvaged.count().value();
    REQUIRE(kept > 0);
    const auto lost = salvaged.stats().value().recovery.lost;
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].find("changes " + std::to_string(kept + 1) + " to 7 are lost") != std::string::npos);
}

TEST_CASE("a log frame that changes an id twice is damage", "[durable]") {
    SimDisk disk;
    open_plain(disk.files()).value().upsert(PointId{1}, vector_of(1)).value();
    {
        detail::WantedOptions wanted;
        OpenOptions open;
        open.files = &disk.files();
        const auto store = detail::Store::open(path, wanted, open).value();
        const auto log = WalWriter::create(store->wal(), {}, 9, 2).value();
        std::vector<std::byte> effects;
        format::EffectsWriter writer(effects);
        const auto vector = vector_of(2);
        for (int i = 0; i < 2; ++i) {
            writer.add({.kind = format::LoggedKind::upsert, .id = PointId{2}, .vector = vector});
        }
        log->append(format::WalFrameKind::effects, 2, 2, effects).value();
        log->close().value();
    }
    const auto opened = open_plain(disk.files());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::corruption);
    CHECK(opened.error().message.find("id 2: it is changed twice") != std::string::npos);
}

TEST_CASE("a collection can be read by who may not write to it", "[durable]") {
    const sextant_test::TestDirectory directory;
    REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
    const std::string name = directory / "points.sxt";
    {
        auto collection = Plain::open(name, {.dimension = dimension}).value();
        for (std::uint64_t id = 1; id <= 5; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
        collection.optimize().value();
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(name)) {
        REQUIRE(::chmod(entry.path().c_str(), entry.is_directory() ? 0555 : 0444) == 0);
    }
    REQUIRE(::chmod(name.c_str(), 0555) == 0);
    CHECK(in_child([&] {
              constexpr uid_t nobody = 65534;
              if (::getuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) return 78;
              return read_there(name, 5);
          }) == 0);
    REQUIRE(::chmod(name.c_str(), 0755) == 0);  // so that the test can remove it
    for (const auto& entry : std::filesystem::recursive_directory_iterator(name)) {
        if (entry.is_directory()) REQUIRE(::chmod(entry.path().c_str(), 0755) == 0);
    }
}

TEST_CASE("a collection can be read on a disk that cannot be written", "[durable]") {
    for (const bool with_lock : {true, false}) {
        const sextant_test::TestDirectory directory;
        const std::string name = directory / "points.sxt";
        {
            auto collection = Plain::open(name, {.dimension = dimension}).value();
            for (std::uint64_t id = 1; id <= 5; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
        }
        if (!with_lock) std::filesystem::remove(name + "/LOCK");
        const int result = in_child([&] {
            if (::unshare(CLONE_NEWNS) != 0) return 77;
            if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
            if (::mount(name.c_str(), name.c_str(), nullptr, MS_BIND, nullptr) != 0) return 77;
            if (::mount("none", name.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) return 77;
            return read_there(name, 5);
        });
        if (result == 77) {
            WARN("mounting is not permitted here: reading from a disk that cannot be written is not tested");
            return;
        }
        CHECK(result == 0);
    }
}

TEST_CASE("a log longer than memory is sealed while it is read", "[durable]") {
    constexpr std::size_t wide = 256;
    constexpr std::uint64_t count = 4'000;
    SimDisk disk;
    OpenOptions options = inline_on(disk.files());
    {
        auto collection = Plain::open(path, {.dimension = wide}, options).value();
        for (std::uint64_t id = 0; id < count; id += 500) {
            WriteBatch batch;
            for (std::uint64_t i = id; i < id + 500; ++i) batch.upsert(PointId{i}, seeded_vector(i, wide));
            collection.write(std::move(batch)).value();
        }
        REQUIRE(sealed_segments(collection) == 0);
    }
    MemoryAccount account("test", 3U << 20U);  // the vectors alone are 4 MB
    options.memory = &account;
    options.residency = Residency::mapped;
    for (int turn = 0; turn < 2; ++turn) {
        auto collection = Plain::open(path, {.dimension = wide}, options);
        INFO(collection.error().message);
        REQUIRE(collection);
        CHECK(collection->count().value() == count);
        CHECK(collection->get(PointId{count - 1}, {.vector = true})->vector == seeded_vector(count - 1, wide));
        CHECK(collection->get(PointId{3}, {.vector = true})->vector == seeded_vector(3, wide));
        CHECK(sealed_segments(*collection) > 0);
        CHECK(collection->verify(Depth::full));
        collection->close().value();
    }
}
