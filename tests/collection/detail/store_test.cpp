#include "collection/store.hpp"

#include <string>
#include <utility>
#include <vector>

#include "io/test_directory.hpp"
#include "sextant/core/hash.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_crash.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;
using sextant::detail::Store;
using sextant::detail::WantedOptions;

namespace {

constexpr const char* path = "points.sxt";

Result<std::unique_ptr<Store>> open_store(SimDisk& disk, OpenMode mode = OpenMode::open_or_create) {
    WantedOptions wanted;
    wanted.dimension = 4;
    OpenOptions open;
    open.mode = mode;
    open.files = &disk.files();
    return Store::open(path, wanted, open);
}

format::Manifest manifest_at(std::uint64_t last) {
    format::Manifest manifest;
    manifest.last = last;
    manifest.replay_from = last;
    return manifest;
}

void put_file(SimDisk& disk, const std::string& name, std::string_view text) {
    const auto file = disk.files().open(std::string(path) + "/" + name, FileMode::create).value();
    file->truncate(0).value();
    file->write_at(0, std::as_bytes(std::span(text.data(), text.size()))).value();
}

std::vector<std::string> names_in(SimDisk& disk, const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : disk.files().list(std::string(path) + "/" + directory).value()) {
        names.push_back(entry.name);
    }
    return names;
}

}  // namespace

TEST_CASE("after a loss of power at any moment there is one whole manifest, the last one or the one begun",
          "[durable][crash]") {
    SimDisk disk;
    constexpr std::uint64_t count = 4;
    {
        const auto store = open_store(disk).value();
        disk.mark(1);
        for (std::uint64_t number = 1; number <= count; ++number) {
            disk.mark(2 * number);
            store->write_manifest(manifest_at(number)).value();
            disk.mark(2 * number + 1);
            store->remove_unneeded().value();
        }
    }
    const Recording recording = disk.recording();
    CrashEnumerator crashes(recording);
    SeenImages seen;
    std::uint64_t label = 0;
    std::uint64_t images = 0;
    for (std::size_t op = 0; op < recording.ops.size(); ++op) {
        if (recording.ops[op].kind == OpKind::mark) label = recording.ops[op].offset;
        crashes.at(op, {.exhaustive_pending = 8, .random_subsets = 50}, seen, [&](SimDisk&& image, const CrashImage&) {
            ++images;
            INFO("after " << op << ": " << to_string(recording.ops[op]) << "\n" << crashes.pending());
            // What was made must be there; what was not yet may have to be made.
            const auto store = open_store(image, label == 0 ? OpenMode::open_or_create : OpenMode::open);
            INFO(store.error().message);
            REQUIRE(store);
            CHECK((*store)->manifest().last >= (label == 0 ? 0 : (label - 1) / 2));
            CHECK((*store)->manifest().last <= label / 2);
            CHECK(names_in(image, "wal").empty());
            (*store)->remove_unneeded().value();
            CHECK((*store)->write_manifest(manifest_at(count + 1)));
        });
    }
    CHECK(images > 50);
}

namespace {

/// Attempts to write manifests 2 and on, each with a call that fails, counted from its first; then manifest 4, which
/// succeeds. Every loss of power around that must leave a whole one. Returns the calls of an attempt.
std::uint64_t check_after_failures(const std::vector<Fault>& faults) {
    SimDisk disk;
    const auto store = open_store(disk).value();
    const std::uint64_t before = disk.op_count();
    store->write_manifest(manifest_at(1)).value();
    const std::uint64_t calls = disk.op_count() - before;
    std::uint64_t written = 1;
    for (std::size_t i = 0; i < faults.size(); ++i) {
        disk.inject({.at_call = disk.op_count() + faults[i].at_call, .kind = faults[i].kind});
        if (store->write_manifest(manifest_at(2 + i))) written = 2 + i;
        disk.clear_faults();
        // What either of them names must stay.
        store->remove_unneeded().value();
    }
    const std::size_t begun = disk.log_size();
    store->write_manifest(manifest_at(4)).value();
    const std::size_t named = disk.log_size();
    store->remove_unneeded().value();
    CrashEnumerator crashes(disk.recording());
    SeenImages seen;
    for (std::size_t op = begun - 1; op < crashes.log_size(); ++op) {
        const std::uint64_t least = op + 1 >= named ? 4 : written;
        crashes.at(op, {.exhaustive_pending = 8, .random_subsets = 20, .epoch = least}, seen,
                   [&](SimDisk&& image, const CrashImage&) {
                       INFO("after " << op << "\n" << crashes.pending());
                       const auto opened = open_store(image, OpenMode::open);
                       INFO(opened.error().message);
                       REQUIRE(opened);
                       CHECK((*opened)->manifest().last >= least);
                   });
    }
    return calls;
}

}  // namespace

TEST_CASE("a manifest can be named after whichever call failed before, and a loss of power leaves one of them whole",
          "[durable][crash]") {
    const std::uint64_t calls = check_after_failures({});
    CHECK(calls > 8);
    for (std::uint64_t call = 0; call < calls; ++call) {
        for (const FaultKind kind : all_fault_kinds) check_after_failures({{.at_call = call, .kind = kind}});
        // What the first attempt left may be what the second one loses.
        for (std::uint64_t second = 0; second < calls; ++second) {
            check_after_failures({{.at_call = call}, {.at_call = second}});
        }
    }
}

TEST_CASE("a process that ends before a name is synced leaves nothing that the next one loses", "[durable][crash]") {
    std::uint64_t ended = 0;
    for (std::uint64_t call = 0; call < 60; ++call) {
        SimDisk disk;
        // Without handles nothing is synced, as if the process had ended, and nothing is known to be lost either.
        disk.inject({.at_call = call, .kind = FaultKind::no_handles, .lasting = true});
        {
            const auto first = open_store(disk);
            const bool done = first && (*first)->write_manifest(manifest_at(1)) && (*first)->remove_unneeded();
            ended += done ? 0U : 1U;
        }
        disk.clear_faults();
        const std::size_t begun = disk.log_size();
        auto store = open_store(disk).value();
        const std::uint64_t found = store->manifest().last;
        const std::size_t opened = disk.log_size();
        store->remove_unneeded().value();
        store->write_manifest(manifest_at(2)).value();
        const std::size_t named = disk.log_size();
        store->remove_unneeded().value();
        CrashEnumerator crashes(disk.recording());
        SeenImages seen;
        for (std::size_t op = begun == 0 ? 0 : begun - 1; op < crashes.log_size(); ++op) {
            const std::uint64_t least = op + 1 < opened ? 0 : op + 1 < named ? found : 2;
            crashes.at(op, {.exhaustive_pending = 8, .epoch = least + 3 * (op + 1 < opened ? 1U : 0U)}, seen,
                       [&](SimDisk&& image, const CrashImage&) {
                           INFO("ended at " << call << ", after " << op << "\n" << crashes.pending());
                           const bool made = op + 1 >= opened;
                           const auto again = open_store(image, made ? OpenMode::open : OpenMode::open_or_create);
                           INFO(again.error().message);
                           REQUIRE(again);
                           CHECK((*again)->manifest().last >= least);
                       });
        }
    }
    CHECK(ended > 10);
    CHECK(ended < 50);
}

TEST_CASE("a number is given once, also across openings", "[durable]") {
    SimDisk disk;
    std::uint64_t last = 0;
    for (int opening = 0; opening < 3; ++opening) {
        const auto store = open_store(disk).value();
        for (int i = 0; i < 3; ++i) {
            const std::uint64_t number = store->take_number();
            CHECK(number == last + 1);
            last = number;
        }
        store->write_manifest(manifest_at(1)).value();
        CHECK(store->manifest().next_number == last + 1);
    }
}

TEST_CASE("CURRENT names a manifest by its bytes, not by its name alone", "[durable]") {
    SimDisk disk;
    format::Manifest manifest;
    {
        const auto store = open_store(disk).value();
        store->write_manifest(manifest_at(1)).value();
        manifest = store->manifest();
    }
    const std::string name = format::manifest_name(2);
    const auto file = disk.files().open(std::string(path) + "/" + name, FileMode::read).value();
    std::vector<std::byte> bytes(static_cast<std::size_t>(file->size().value()));
    read_exactly(*file, 0, bytes).value();
    const auto identity = format::decode_manifest(bytes, 2, name).value().identity;
    // Whole, of this collection, with this number, and never named.
    manifest.last = 7;
    bytes = format::encode_manifest(identity, manifest);
    put_file(disk, name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    const auto store = open_store(disk);
    REQUIRE_FALSE(store);
    CHECK(store.error().code == ErrorCode::corruption);
}

TEST_CASE("what the manifest names stays, and nothing else", "[durable]") {
    SimDisk disk;
    const auto store = open_store(disk).value();
    for (int i = 0; i < 9; ++i) CHECK(store->take_number() != 0);
    format::Manifest manifest = manifest_at(1);
    manifest.segments.push_back({.number = 3, .tombstones_file = 6, .overlay_file = 7, .row_count = 1});
    manifest.segments.push_back({.number = 4, .row_count = 1});
    for (const char* directory : {"seg/000003", "seg/000004", "seg/000005", "seg/000006.tmp"}) {
        disk.files().create_directory(std::string(path) + "/" + directory).value();
        for (const char* name : {"meta", "del-000006", "del-000005", "payload-000007", "payload-000008", "x.tmp"}) {
            put_file(disk, std::string(directory) + "/" + name, "x");
        }
    }
    put_file(disk, "CURRENT.tmp", "x");
    put_file(disk, "MANIFEST-000009", "x");
    store->write_manifest(manifest).value();
    store->remove_unneeded().value();
    using Names = std::vector<std::string>;
    CHECK(names_in(disk, "") == Names{"CURRENT", "LOCK", "MANIFEST-000002", "seg", "wal"});
    CHECK(names_in(disk, "seg") == Names{"000003", "000004"});
    CHECK(names_in(disk, "seg/000003") == Names{"del-000006", "meta", "payload-000007"});
    CHECK(names_in(disk, "seg/000004") == Names{"meta"});
}

TEST_CASE("a directory that lost CURRENT is not made anew over what it holds", "[durable]") {
    for (const char* const held : {"wal/000001.wal", "seg/000001", "MANIFEST-000002"}) {
        SimDisk disk;
        open_store(disk).value();
        put_file(disk, held, "x");
        disk.files().remove_file(std::string(path) + "/CURRENT").value();
        for (const OpenMode mode : {OpenMode::open, OpenMode::open_or_create, OpenMode::create}) {
            const auto store = open_store(disk, mode);
            REQUIRE_FALSE(store);
            CHECK(store.error().code == ErrorCode::corruption);
        }
    }
}

TEST_CASE("a reserve that cannot grow is kept as it is", "[durable]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    bool full = false;
    files.hooks.before_allocate = [&](const std::string& name, std::uint64_t) -> std::optional<Error> {
        if (!full) return std::nullopt;
        return Error{ErrorCode::resource_exhausted, name + ": the disk is full"};
    };
    WantedOptions wanted;
    wanted.dimension = 4;
    OpenOptions open;
    open.files = &files;
    const auto store = Store::open(path, wanted, open).value();
    const auto size = [&]() -> std::uint64_t {
        const auto file = files.open(std::string(path) + "/reserve", FileMode::read);
        return file ? (*file)->size().value() : 0;
    };
    constexpr std::uint64_t least = 256U << 10U;
    full = true;
    store->keep_reserve(0);
    CHECK(size() == 0);
    full = false;
    store->keep_reserve(0);
    CHECK(size() == least);
    full = true;
    store->keep_reserve(64 * 4 * least);
    CHECK(size() == least);
    full = false;
    store->keep_reserve(64 * 4 * least);
    CHECK(size() == 4 * least);
    store->keep_reserve(0);
    CHECK(size() == least);
}

TEST_CASE("a reserve without memory is kept as it is", "[durable]") {
    if (!FailingAllocations::work()) return;
    const sextant_test::TestDirectory directory;
    WantedOptions wanted;
    wanted.dimension = 4;
    const auto store = Store::open(directory / "points.sxt", wanted, {}).value();
    constexpr std::uint64_t least = 256U << 10U;
    bool failed = true;
    for (std::uint64_t granted = 0; failed; ++granted) {
        store->keep_reserve(0);
        {
            const FailingAllocations few(granted, Shortage::lasting);
            store->keep_reserve(64 * 4 * least);
            failed = few.failed();
        }
        const auto file = store->files().open(directory / "points.sxt/reserve", FileMode::read).value();
        const std::uint64_t size = file->size().value();
        CHECK((size == least || size == 4 * least));
        bool released = false;
        bool short_then = false;
        {
            const FailingAllocations few(granted, Shortage::lasting);
            released = store->release_reserve();
            short_then = few.failed();
        }
        CHECK(released != short_then);
        failed = failed || short_then;
        REQUIRE(granted < 1000);
    }
}
