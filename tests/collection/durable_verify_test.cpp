// An audit of a durable collection reads its files again, also those that nothing else reads while it is open.
#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "collection/damage_scene.hpp"
#include "collection/durable_support.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

Result<CodedCollection> open_scene(SimDisk& disk) {
    return CodedCollection::open(DamageScene::path, {.dimension = DamageScene::dimension}, inline_on(disk.files()));
}

}  // namespace

TEST_CASE("an audit finds files that went bad while the collection is open", "[durable][verify]") {
    const DamageScene scene = DamageScene::make(false);
    SimDisk disk(scene.state);
    const CodedCollection collection = open_scene(disk).value();
    REQUIRE(collection.verify(Depth::full));
    std::set<std::string> kinds;
    const auto check = [&](const std::string& file, std::size_t at) {
        INFO(file << ", byte " << at);
        flip_byte(disk, file, at);
        const auto sound = collection.verify(Depth::full);
        flip_byte(disk, file, at);
        REQUIRE_FALSE(sound);
        CHECK(sound.error().code == ErrorCode::corruption);
        const std::string kind = kind_of_file(file);
        const bool named = mentions(sound.error(), file) || (kind == "CURRENT" && mentions(sound.error(), kind)) ||
                           (kind == "log" && mentions(sound.error(), std::string(DamageScene::path) + "/wal")) ||
                           (kind == "MANIFEST" && mentions(sound.error(), file.substr(file.rfind('/') + 1)));
        CHECK(named);
        CHECK(collection.verify(Depth::structure));
        kinds.insert(kind);
    };
    for (const LiveFrame& frame : scene.frames) check(frame.path, frame.begin + 8);
    for (const auto& [file, bytes] : all_files(disk, DamageScene::path)) {
        const std::string kind = kind_of_file(file);
        if (kind == "log" || kind == "log, put aside" || kind == "LOCK" || kind == "reserve") continue;
        check(file, bytes.size() / 2);
    }
    for (const char* kind : {"CURRENT", "MANIFEST", "log", "tombstones", "changed payloads", "vectors", "ids"}) {
        CHECK(kinds.count(kind) == 1);
    }
    CHECK(collection.verify(Depth::full));
}

TEST_CASE("an audit misses files that were removed while the collection is open", "[durable][verify]") {
    const DamageScene scene = DamageScene::make(false);
    SimDisk disk(scene.state);
    const CodedCollection collection = open_scene(disk).value();
    for (const auto& [file, bytes] : all_files(disk, DamageScene::path)) {
        const std::string kind = kind_of_file(file);
        if (kind == "log, put aside" || kind == "LOCK" || kind == "reserve") continue;
        if (kind == "log" && file != scene.frames.front().path && file != scene.frames.back().path) continue;
        INFO(file);
        disk.files().remove_file(file).value();
        const auto sound = collection.verify(Depth::full);
        REQUIRE_FALSE(sound);
        CHECK(sound.error().code == ErrorCode::corruption);
        put_file(disk, file, bytes);
    }
    CHECK(collection.verify(Depth::full));
}

TEST_CASE("an audit that is asked for while others write finds nothing", "[durable][verify][threads]") {
    SimDisk disk;
    OpenOptions options;
    options.files = &disk.files();
    auto collection = CodedCollection::open(DamageScene::path, {.dimension = DamageScene::dimension}, options).value();
    const auto write = [&](std::uint64_t first) {
        for (std::uint64_t id = first; id < first + 400; ++id) {
            collection.upsert(PointId{id % 300}, seeded_vector(id, DamageScene::dimension), {}).value();
            if (id % 3 == 0) collection.set_payload(PointId{id % 300}, {{"n", id}}).value();
            if (id % 97 == 0) collection.optimize().value();
        }
    };
    std::atomic<int> writing{2};
    std::vector<std::thread> writers;
    for (const std::uint64_t first : {std::uint64_t{1}, std::uint64_t{1000}}) {
        writers.emplace_back([&, first] {
            write(first);
            --writing;
        });
    }
    std::uint64_t audits = 0;
    std::string wrong;
    while (writing > 0 || audits == 0) {
        const auto sound = collection.verify(Depth::full);
        if (!sound && wrong.empty()) wrong = sound.error().message;
        ++audits;
    }
    for (std::thread& writer : writers) writer.join();
    CHECK(wrong == "");
    CHECK(audits > 0);
}

TEST_CASE("an audit is not told that points were lost with a segment that is replaced under it", "[durable][verify]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    auto collection =
        CodedCollection::open(DamageScene::path, {.dimension = DamageScene::dimension}, inline_on(files)).value();
    const auto fill = [&](std::uint64_t first, std::uint64_t last) {
        for (std::uint64_t id = first; id < last; ++id) {
            collection.upsert(PointId{id}, seeded_vector(id, DamageScene::dimension), {}, Durability::None).value();
        }
    };
    fill(0, 100);
    collection.optimize().value();
    fill(100, 1600);
    collection.wait_until_indexed().value();
    bool changed = false;
    files.hooks.on_read = [&](const std::string& file) {
        if (changed || file.find("/seg/") == std::string::npos) return;
        changed = true;  // between the look at the rows and that at their graphs
        std::vector<PointId> ids;
        for (std::uint64_t id = 100; id < 1600; id += 3) ids.push_back(PointId{id});
        collection.erase(ids).value();
        CHECK(collection.stats().value().repairs_waiting == 0);  // they are out of the graph
        collection.optimize().value();
    };
    const auto sound = collection.verify(Depth::full);
    files.hooks = {};
    INFO(sound.error().message);
    CHECK(sound);
    REQUIRE(changed);
}
