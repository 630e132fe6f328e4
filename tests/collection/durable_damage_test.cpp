// Bits flipped, files cut, sectors lost and mixed up, files of another time, another collection or another name: in every
// file of a small collection. Each damage is found, healed, or in a place that nothing is read from.
#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "collection/damage_judge.hpp"
#include "sextant/format/file_header.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"

using namespace sextant;
using namespace test_support;

namespace {

using Tell = std::function<void(const DiskChange&)>;

const DamageScene& scene(bool closed) {
    static const DamageScene killed_scene = DamageScene::make(false);
    static const DamageScene closed_scene = DamageScene::make(true);
    return closed ? closed_scene : killed_scene;
}

/// Judges one of every `every` changes that `tell_all` tells of. Where that is not each of them, in one residency or the
/// other, and few of them thoroughly.
template <class C>
void judge_changes(const std::string& what, const DamageScene& scene, std::uint64_t every,
                   const std::function<void(const DamageScene&, const Tell&)>& tell_all) {
    DamageJudge<C> judge(scene);
    std::uint64_t number = 0;
    std::uint64_t turn = 0;
    tell_all(scene, [&](const DiskChange& change) {
        // Not in step with what repeats in a file.
        if ((number++ * 7919) % every != 0) return;
        const bool thorough = turn % 5 == 0;
        if (every == 1 || turn % 2 == 0) judge.judge(change, Residency::resident, thorough);
        if (every == 1 || turn % 2 == 1) judge.judge(change, Residency::mapped, thorough);
        ++turn;
    });
    const std::string title =
        what + ", of a collection that " + (scene.closed ? "was closed" : "ended with its process");
    judge.print(title);
    INFO(title << ": " << judge.complaints());
    CHECK(judge.wrong() == 0);
    CHECK(turn > 0);
}

void for_both(const std::string& what, std::uint64_t every,
              const std::function<void(const DamageScene&, const Tell&)>& tell_all) {
    judge_changes<CodedCollection>(what, scene(false), every, tell_all);
    judge_changes<PlainCollection>(what, scene(true), every, tell_all);
}

DiskChange changed(const std::string& file, const std::string& what, FileBytes bytes) {
    return {.kind = kind_of_file(file),
            .what = file + ": " + what,
            .touched = {file},
            .apply = [file, bytes = std::move(bytes)](SimDisk& disk) { put_file(disk, file, bytes); }};
}

void flip_bits(const DamageScene& scene, const Tell& tell) {
    // What nobody reads is tried here and there: that it is not read has a test of its own.
    constexpr std::uint64_t sparse = 4096;
    for (const auto& [file, bytes] : scene.files) {
        const std::uint64_t step = kind_of_file(file) == "reserve" ? sparse + 1 : 1;
        for (std::uint64_t bit = 0; bit < 8 * bytes.size(); bit += step) {
            tell({.kind = kind_of_file(file),
                  .what = file + ": bit " + std::to_string(bit),
                  .touched = {file},
                  .apply = [file = file, bit](SimDisk& disk) {
                      const auto opened = disk.files().open(file, FileMode::read_write).value();
                      std::byte byte{};
                      read_exactly(*opened, bit / 8, {&byte, 1}).value();
                      byte ^= std::byte{1} << (bit % 8);
                      opened->write_at(bit / 8, {&byte, 1}).value();
                  }});
        }
    }
}

void cut_files(const DamageScene& scene, const Tell& tell) {
    for (const auto& [file, bytes] : scene.files) {
        const std::size_t step = kind_of_file(file) == "reserve" ? 4099 : 1;
        for (std::size_t size = 0; size < bytes.size(); size += step) {
            tell({.kind = kind_of_file(file),
                  .what = file + ": cut to " + std::to_string(size),
                  .touched = {file},
                  .apply = [file = file, size](SimDisk& disk) {
                      disk.files().open(file, FileMode::read_write).value()->truncate(size).value();
                  }});
        }
        for (const std::size_t more : {std::size_t{1}, std::size_t{64}, std::size_t{4096}}) {
            FileBytes longer = bytes;
            longer.resize(bytes.size() + more, std::byte{0});
            tell(changed(file, "longer by " + std::to_string(more), longer));
        }
    }
}

void mix_sectors(const DamageScene& scene, const Tell& tell) {
    for (const auto& [file, bytes] : scene.files) {
        if (kind_of_file(file) == "reserve") continue;
        for (const std::size_t size : {std::size_t{512}, std::size_t{4096}}) {
            for (std::size_t at = 0; at < bytes.size(); at += size) {
                FileBytes zeroed = bytes;
                std::fill_n(zeroed.begin() + static_cast<std::ptrdiff_t>(at), std::min(size, bytes.size() - at),
                            std::byte{0});
                tell(changed(file, std::to_string(size) + " zeros at " + std::to_string(at), zeroed));
            }
        }
        constexpr std::size_t sector = 512;
        for (std::size_t a = 0; a + 2 * sector <= bytes.size(); a += sector) {
            for (std::size_t b = a + sector; b + sector <= bytes.size(); b += sector) {
                FileBytes swapped = bytes;
                const auto from = swapped.begin() + static_cast<std::ptrdiff_t>(a);
                std::swap_ranges(from, from + sector, swapped.begin() + static_cast<std::ptrdiff_t>(b));
                if (swapped == bytes) continue;
                tell(changed(file, "sectors at " + std::to_string(a) + " and " + std::to_string(b), swapped));
            }
        }
    }
}

/// Every content that lay under any name before, under that name again; and sectors of it within the newer file.
void put_back_older(const DamageScene& scene, const Tell& tell) {
    for (const auto& [file, contents] : scene.older) {
        const auto now = scene.files.find(file);
        for (const FileBytes& bytes : contents) {
            const std::string what = "as it was with " + std::to_string(bytes.size()) + " bytes";
            DiskChange change = changed(file, what, bytes);
            if (now == scene.files.end()) change.kind = "one that is gone";
            tell(change);
            if (now == scene.files.end()) continue;
            constexpr std::size_t sector = 512;
            for (std::size_t at = 0; at + sector <= std::min(bytes.size(), now->second.size()); at += sector) {
                FileBytes mixed = now->second;
                std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), sector,
                            mixed.begin() + static_cast<std::ptrdiff_t>(at));
                if (mixed == now->second) continue;
                tell(changed(file, "an older sector at " + std::to_string(at), mixed));
            }
        }
    }
}

void take_from_others(const DamageScene& scene, const DamageScene& other, const Tell& tell) {
    const auto foreign = [&](const std::set<std::string>& files) {
        DiskChange change{.kind = files.size() == 1 ? kind_of_file(*files.begin()) : "several", .may_cut_log = false};
        change.touched.assign(files.begin(), files.end());
        for (const std::string& file : files) change.what += file + " ";
        change.what += "of another collection";
        change.apply = [files, &other](SimDisk& disk) {
            for (const std::string& file : files) put_file(disk, file, other.files.at(file));
        };
        tell(change);
    };
    std::map<std::string, std::set<std::string>> groups;
    for (const auto& [file, bytes] : scene.files) {
        REQUIRE(other.files.count(file) == 1);
        foreign({file});
        const std::string root = file.substr(0, file.find('/') + 1);
        const std::string inner = file.substr(root.size());
        groups[inner.find('/') == std::string::npos ? "" : inner.substr(0, inner.find('/'))].insert(file);
        if (kind_of_file(file) == "CURRENT" || kind_of_file(file) == "MANIFEST") groups["named"].insert(file);
    }
    for (const auto& [group, files] : groups) foreign(files);
}

void lose_files(const DamageScene& scene, const Tell& tell) {
    for (const auto& [file, bytes] : scene.files) {
        tell({.kind = kind_of_file(file),
              .what = file + ": missing",
              .touched = {file},
              .apply = [file = file](SimDisk& disk) { disk.files().remove_file(file).value(); }});
    }
}

/// "000003.wal" as "000004.wal"; nothing where there is no number.
std::string with_next_number(const std::string& path, int step) {
    const std::size_t slash = path.rfind('/');
    std::size_t begin = path.find_first_of("0123456789", slash);
    std::string result = path;
    std::size_t end = begin;
    if (begin == std::string::npos) {
        // A file of a segment: as one of the next segment.
        begin = path.find("seg/");
        if (begin == std::string::npos) return {};
        begin += 4;
        end = begin;
    }
    while (end < path.size() && path[end] >= '0' && path[end] <= '9') ++end;
    const int number = std::stoi(path.substr(begin, end - begin)) + step;
    if (number < 0) return {};
    std::string digits = std::to_string(number);
    digits.insert(0, end - begin - std::min(end - begin, digits.size()), '0');
    return result.replace(begin, end - begin, digits);
}

void copy_files(const DamageScene& scene, const Tell& tell) {
    for (const auto& [file, bytes] : scene.files) {
        std::set<std::string> names{file + ".tmp", file + ".bak", file.substr(0, file.rfind('/') + 1) + "other"};
        for (const int step : {-1, 1, 2}) names.insert(with_next_number(file, step));
        if (file.ends_with(".wal") || file.ends_with(".old")) {
            const std::string stem = file.substr(0, file.size() - 4);
            names.insert({stem + ".wal", stem + ".old", stem + ".tmp"});
            names.insert(file.substr(0, file.rfind('/') + 1) + "0" + file.substr(file.rfind('/') + 1));
        }
        if (file.ends_with("/MANIFEST-000001")) names.insert(DamageScene::path + std::string("/CURRENT.tmp"));
        names.erase("");
        for (const std::string& name : names) {
            if (scene.files.count(name) != 0) continue;
            const bool may_refuse = kind_of_file(name) == "log";
            tell({.kind = kind_of_file(file),
                  .what = file + ": copied to " + name,
                  .touched = {name},
                  .apply = [name, bytes = bytes](SimDisk& disk) { put_file(disk, name, bytes); },
                  .may_refuse = may_refuse});
        }
    }
    // One file of a collection in the place of another.
    for (const auto& [file, bytes] : scene.files) {
        for (const auto& [other, held] : scene.files) {
            if (bytes == held || kind_of_file(other) == "reserve") continue;
            DiskChange change = changed(file, "with the bytes of " + other, held);
            change.may_cut_log = held.size() < format::file_header_size;  // as a log file whose making was cut off
            tell(change);
        }
    }
}

/// Opens, reads, audits, writes and rebuilds, and looks at which files were read.
template <class C>
void check_reads(const DamageScene& scene) {
    for (const Residency residency : {Residency::resident, Residency::mapped}) {
        SimDisk disk(scene.state);
        HookedFiles files(disk.files());
        std::set<std::string> read;
        files.hooks.on_read = [&](const std::string& path) { read.insert(kind_of_file(path)); };
        OpenOptions options = inline_on(files);
        options.residency = residency;
        auto collection = C::open(DamageScene::path, {}, options).value();
        check_same(contents(collection), scene.truth());
        collection.verify(Depth::full).value();
        collection.upsert(PointId{50}, seeded_vector(50, DamageScene::dimension)).value();
        collection.optimize().value();
        collection.close().value();
        CHECK(read.count("vectors") == 1);
        CHECK(read.count("log") == 1);
        for (const char* kind : {"LOCK", "reserve", "log, put aside"}) CHECK(read.count(kind) == 0);
    }
}

}  // namespace

TEST_CASE("the collections that are damaged hold a file of every kind", "[durable][damage]") {
    std::set<std::string> kinds;
    for (const bool closed : {false, true}) {
        for (const auto& [file, bytes] : scene(closed).files) kinds.insert(kind_of_file(file));
        CHECK(scene(closed).frames.size() > 6);
    }
    CHECK(scene(true).frames.front().path != scene(true).frames.back().path);
    const std::set<std::string> expected{
        "CURRENT", "LOCK",    "MANIFEST", "reserve", "log",   "log, put aside", "meta",       "footer",
        "ids",     "payload", "graph",    "vectors", "codes", "codebook",       "tombstones", "changed payloads"};
    CHECK(kinds == expected);
}

TEST_CASE("what is said to carry nothing is never read", "[durable][damage]") {
    check_reads<CodedCollection>(scene(false));
    check_reads<PlainCollection>(scene(true));
}

TEST_CASE("a flipped bit is found or healed, or lies where nothing is read", "[durable][damage]") {
    for_both("a bit flipped", 101, flip_bits);
}

TEST_CASE("a file that is cut or grown is noticed", "[durable][damage]") { for_both("a file cut", 29, cut_files); }

TEST_CASE("sectors that are lost, mixed up or older are noticed", "[durable][damage]") {
    for_both("sectors zeroed and swapped", 3, mix_sectors);
    for_both("older files put back", 2, put_back_older);
}

TEST_CASE("files of another collection, missing files and copies are noticed or passed over", "[durable][damage]") {
    const std::pair<DamageScene, DamageScene> others{DamageScene::make(false), DamageScene::make(true)};
    for_both("files of another collection", 1, [&](const DamageScene& damaged, const Tell& tell) {
        take_from_others(damaged, damaged.closed ? others.second : others.first, tell);
    });
    for_both("files missing", 1, lose_files);
    for_both("files copied", 5, copy_files);
}

TEST_CASE("every flipped bit of every file", "[.][soak][damage]") { for_both("a bit flipped", 1, flip_bits); }

TEST_CASE("every file cut at every length", "[.][soak][damage]") { for_both("a file cut", 1, cut_files); }

TEST_CASE("every sector lost, mixed up or older; every file copied", "[.][soak][damage]") {
    for_both("sectors zeroed and swapped", 1, mix_sectors);
    for_both("older files put back", 1, put_back_older);
    for_both("files copied", 1, copy_files);
}
