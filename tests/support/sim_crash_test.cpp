#include "support/sim_crash.hpp"

#include <atomic>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace test_support;
using sextant::FileMode;

namespace {

using Texts = std::set<std::string>;

void write(sextant::FileSystem& files, const std::string& path, std::uint64_t offset, const std::string& text) {
    files.open(path, FileMode::create).value()->write_at(offset, std::as_bytes(std::span(text))).value();
}
void sync(sextant::FileSystem& files, const std::string& path) {
    files.open(path, FileMode::read_write).value()->sync().value();
}
void sync_root(sextant::FileSystem& files) { files.sync_directory("/").value(); }

/// "a=text b/ b/c=" with zero bytes as dots and runs of one letter as a count.
std::string dump(sextant::FileSystem& files, const std::string& path = "") {
    std::string text;
    for (const auto& entry : files.list(path + "/").value()) {
        const std::string name = path.empty() ? entry.name : path + "/" + entry.name;
        if (!text.empty()) text += ' ';
        if (entry.is_directory) {
            const std::string below = dump(files, name);
            text += name + "/" + (below.empty() ? "" : " ") + below;
            continue;
        }
        const auto file = files.open(name, FileMode::read).value();
        std::string bytes(static_cast<std::size_t>(file->size().value()), '?');
        CHECK(file->read_at(0, std::as_writable_bytes(std::span(bytes))).value() == bytes.size());
        text += name + "=";
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t end = std::min(bytes.find_first_not_of(bytes[at], at), bytes.size());
            if (end - at > 9) text += std::to_string(end - at);
            const char letter = bytes[at] == '\0' ? '.' : bytes[at];
            text += std::string(end - at > 9 ? 1 : end - at, letter);
            at = end;
        }
    }
    return text;
}

Texts images_of(const SimDisk& disk, const CrashOptions& options = {}) {
    Texts texts;
    SeenImages seen;
    const auto counts = enumerate_crashes(disk, disk.log_size() - 1, options, seen, [&](SimDisk&& image, const auto&) {
        CHECK(texts.insert(dump(image.files())).second);  // equal images come once
    });
    CHECK(counts.shown == texts.size());
    CHECK(seen.unique_count() == texts.size());
    CHECK(counts.generated >= counts.shown);
    return texts;
}

}  // namespace

TEST_CASE("What was synced is in every image", "[support][sim_crash]") {
    SimDisk disk;
    write(disk.files(), "a", 0, "text");
    sync(disk.files(), "a");
    sync_root(disk.files());
    CHECK(images_of(disk) == Texts{"a=text"});
}

TEST_CASE("A name, the size and the data are lost one without the other", "[support][sim_crash]") {
    SimDisk disk;
    write(disk.files(), "a", 0, "text");
    CHECK(images_of(disk) == Texts{"", "a=", "a=....", "a=text"});
    sync(disk.files(), "a");
    CHECK(images_of(disk) == Texts{"", "a=text"});
    SimDisk other;
    write(other.files(), "a", 0, "text");
    sync_root(other.files());
    CHECK(images_of(other) == Texts{"a=", "a=....", "a=text"});
}

TEST_CASE("A write is torn at sectors, at offsets of the file", "[support][sim_crash]") {
    SimDisk disk;
    write(disk.files(), "a", 0, std::string(1'536, 'o'));
    sync(disk.files(), "a");
    sync_root(disk.files());
    write(disk.files(), "a", 500, std::string(600, 'n'));  // the ends of two sectors and the whole of one
    CHECK(images_of(disk) == Texts{"a=1536o", "a=500o600n436o", "a=500o12n1024o", "a=512o512n512o", "a=1024o76n436o",
                                   "a=500o524n512o", "a=512o588n436o", "a=500o12n512o76n436o"});
}

TEST_CASE("A torn write that makes the file longer leaves it at any of its sizes", "[support][sim_crash]") {
    SimDisk disk;
    disk.files().open("a", FileMode::create).value()->sync().value();
    sync_root(disk.files());
    write(disk.files(), "a", 0, std::string(1'000, 'n'));
    CHECK(images_of(disk) == Texts{"a=", "a=1000.", "a=512n", "a=512n488.", "a=512.488n", "a=1000n"});
}

TEST_CASE("Of a large write a part, all but one sector, and some sectors at random are there", "[support][sim_crash]") {
    SimDisk disk;
    disk.files().open("a", FileMode::create).value()->truncate(1 << 16).value();
    sync(disk.files(), "a");
    sync_root(disk.files());
    write(disk.files(), "a", 0, std::string(1 << 16, 'n'));
    const Texts texts = images_of(disk);
    CHECK(texts.count("a=65536.") == 1);
    CHECK(texts.count("a=65536n") == 1);
    CHECK(texts.count("a=512n65024.") == 1);
    CHECK(texts.count("a=512.65024n") == 1);
    CHECK(texts.count("a=65024n512.") == 1);
    CHECK(texts.size() >= 10);
}

TEST_CASE("Truncating and allocating are lost like writes", "[support][sim_crash]") {
    SimDisk disk;
    write(disk.files(), "a", 0, "text");
    sync(disk.files(), "a");
    sync_root(disk.files());
    const auto file = disk.files().open("a", FileMode::read_write).value();
    REQUIRE(file->truncate(2));
    CHECK(images_of(disk) == Texts{"a=text", "a=te"});
    REQUIRE(file->allocate(6));
    CHECK(images_of(disk) == Texts{"a=text", "a=te", "a=text..", "a=te...."});
    REQUIRE(file->sync());
    CHECK(images_of(disk) == Texts{"a=te...."});
}

TEST_CASE("Writes to different files reach the disk in any order", "[support][sim_crash]") {
    SimDisk disk;
    for (const char* name : {"a", "b"}) {
        write(disk.files(), name, 0, "0");
        sync(disk.files(), name);
    }
    sync_root(disk.files());
    write(disk.files(), "a", 0, "1");
    write(disk.files(), "b", 0, "2");
    CHECK(images_of(disk) == Texts{"a=0 b=0", "a=1 b=0", "a=0 b=2", "a=1 b=2"});
}

TEST_CASE("A rename is there or not, with or without the data of its file", "[support][sim_crash]") {
    SimDisk disk;
    auto& files = disk.files();
    write(files, "old", 0, "o");
    sync(files, "old");
    sync_root(files);
    write(files, "new", 0, "n");
    REQUIRE(files.rename("new", "old"));
    CHECK(images_of(disk) == Texts{"old=o", "new= old=o", "new=. old=o", "new=n old=o", "old=", "old=.", "old=n"});
    sync(files, "old");
    CHECK(images_of(disk) == Texts{"old=o", "new=n old=o", "old=n"});
    sync_root(files);
    CHECK(images_of(disk) == Texts{"old=n"});
}

TEST_CASE("A rename between directories is durable once both are synced, and always atomic", "[support][sim_crash]") {
    SimDisk disk;
    auto& files = disk.files();
    REQUIRE(files.create_directory("d"));
    REQUIRE(files.open("a", FileMode::create));
    sync_root(files);
    REQUIRE(files.rename("a", "d/a"));
    const Texts both{"a= d/", "d/ d/a="};
    CHECK(images_of(disk) == both);
    sync_root(files);
    CHECK(images_of(disk) == both);
    REQUIRE(files.rename("d/a", "d/b"));
    REQUIRE(files.sync_directory("d"));  // now the first one is durable, too
    CHECK(images_of(disk) == Texts{"d/ d/b="});
}

TEST_CASE("A synced name in a directory whose own name is lost is lost with it", "[support][sim_crash]") {
    SimDisk disk;
    auto& files = disk.files();
    REQUIRE(files.create_directory("d"));
    write(files, "d/a", 0, "text");
    sync(files, "d/a");
    REQUIRE(files.sync_directory("d"));
    CHECK(images_of(disk) == Texts{"", "d/ d/a=text"});
    sync_root(files);
    CHECK(images_of(disk) == Texts{"d/ d/a=text"});
}

TEST_CASE("Removals are lost until the directory is synced, and what they removed is then whole",
          "[support][sim_crash]") {
    SimDisk disk;
    auto& files = disk.files();
    REQUIRE(files.create_directory("d"));
    write(files, "d/a", 0, "text");
    sync(files, "d/a");
    REQUIRE(files.sync_directory("d"));
    sync_root(files);
    REQUIRE(files.remove_file("d/a"));
    REQUIRE(files.remove_directory("d"));
    CHECK(images_of(disk) == Texts{"", "d/", "d/ d/a=text"});
    sync_root(files);
    CHECK(images_of(disk) == Texts{""});
    REQUIRE(files.create_directory("d"));
    CHECK(images_of(disk) == Texts{"", "d/"});
}

TEST_CASE("A name that is given again leads to the old file or the new one", "[support][sim_crash]") {
    SimDisk disk;
    auto& files = disk.files();
    write(files, "a", 0, "old");
    sync(files, "a");
    sync_root(files);
    REQUIRE(files.remove_file("a"));
    write(files, "a", 0, "new");
    sync(files, "a");
    CHECK(images_of(disk) == Texts{"a=old", "", "a=new"});
}

TEST_CASE("After a failed sync of a directory its names stay in doubt", "[support][sim_crash]") {
    SimDisk disk;
    auto& files = disk.files();
    REQUIRE(files.open("a", FileMode::create));
    disk.inject({disk.op_count(), FaultKind::sync_fails, false});
    CHECK_FALSE(files.sync_directory("/"));
    REQUIRE(files.open("b", FileMode::create));
    sync_root(files);
    CHECK(images_of(disk) == Texts{"b=", "a= b="});
}

TEST_CASE("A killed process leaves all it wrote", "[support][sim_crash]") {
    SimDisk disk;
    write(disk.files(), "a", 0, "text");
    const std::size_t first = disk.log_size() - 1;
    write(disk.files(), "a", 2, "ilor");
    REQUIRE(disk.files().rename("a", "b"));
    CrashEnumerator enumerator(disk.recording());
    SimDisk last = enumerator.kill_image(disk.log_size() - 1);
    SimDisk earlier = enumerator.kill_image(first);
    CHECK(dump(last.files()) == "b=teilor");
    CHECK(dump(earlier.files()) == "a=text");
}

TEST_CASE("An image is a disk, all of it durable, that crashes in turn", "[support][sim_crash]") {
    SimDisk disk;
    write(disk.files(), "a", 0, "text");
    SeenImages seen;
    std::set<Texts> inside;
    enumerate_crashes(disk, disk.log_size() - 1, {}, seen, [&](SimDisk&& image, const CrashImage&) {
        CHECK(image.log_size() == 0);
        write(image.files(), "b", 0, "c");
        sync(image.files(), "b");
        inside.insert(images_of(image));
    });
    CHECK(inside == std::set<Texts>{{"", "b=c"}, {"a=", "a= b=c"}, {"a=....", "a=.... b=c"}, {"a=text", "a=text b=c"}});
}

TEST_CASE("An image is shown again when more was promised, and once for each promise", "[support][sim_crash]") {
    SimDisk disk;
    write(disk.files(), "a", 0, "text");
    disk.mark(1);
    disk.mark(2);
    CrashEnumerator enumerator(disk.recording());
    SeenImages seen;
    const auto shown = [&](std::size_t op, std::optional<std::uint64_t> epoch = {}) {
        CrashOptions options;
        options.epoch = epoch;
        return enumerator.at(op, options, seen, [](SimDisk&&, const CrashImage&) {}).shown;
    };
    CHECK(shown(0) == 2);
    CHECK(shown(1) == 2);
    CHECK(shown(2) == 4);
    CHECK(shown(3) == 4);
    CHECK(shown(3) == 0);
    CHECK(shown(2) == 0);
    CHECK(shown(3, 1) == 0);
    CHECK(seen.unique_count() == 4);
}

TEST_CASE("Too many things for all combinations are sampled, the telling ones among them", "[support][sim_crash]") {
    SimDisk disk;
    std::string names;
    for (char name = 'a'; name < 'q'; ++name) {
        write(disk.files(), std::string(1, name), 0, "0");
        sync(disk.files(), std::string(1, name));
    }
    sync_root(disk.files());
    for (char name = 'a'; name < 'q'; ++name) write(disk.files(), std::string(1, name), 0, "1");
    const auto bits = [](const std::string& dumped) {
        std::string found;
        for (std::size_t at = 2; at < dumped.size(); at += 4) found += dumped[at];
        return found;
    };
    Texts found;
    for (const std::string& text : images_of(disk)) found.insert(bits(text));
    for (std::size_t i = 0; i < 16; ++i) {
        std::string one(16, '0');
        one[i] = '1';
        CHECK(found.count(one) == 1);
        std::string others(16, '1');
        others[i] = '0';
        CHECK(found.count(others) == 1);
        CHECK(found.count(std::string(i, '1') + std::string(16 - i, '0')) == 1);
    }
    CHECK(found.count(std::string(16, '1')) == 1);
    CHECK(found.size() > 200);
    CrashOptions few;
    few.random_subsets = 0;
    CHECK(images_of(disk, few).size() == 2 + 16 + 16 + 13);
    CrashOptions all;
    all.exhaustive_pending = 16;
    CHECK(images_of(disk, all).size() == 65'536);
}

TEST_CASE("Threads share a recording and what was seen, and show each image once", "[support][sim_crash][threads]") {
    SimDisk disk;
    for (char name = 'a'; name < 'h'; ++name) write(disk.files(), std::string(1, name), 0, std::string(9'000, name));
    SeenImages alone;
    std::atomic<std::uint64_t> shown{0};
    const auto enumerate_all = [recording = disk.recording(), &shown](SeenImages& seen) {
        CrashEnumerator enumerator(recording);
        for (std::size_t op = 0; op < enumerator.log_size(); ++op) {
            enumerator.at(op, {}, seen, [&](SimDisk&& image, const CrashImage&) {
                write(image.files(), "a", 5'000, "x");  // in a page that other images share
                ++shown;
            });
        }
    };
    enumerate_all(alone);
    CHECK(shown == alone.unique_count());
    shown = 0;
    SeenImages together;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { enumerate_all(together); });
    for (auto& thread : threads) thread.join();
    CHECK(shown == alone.unique_count());
    CHECK(together.unique_count() == alone.unique_count());
}
