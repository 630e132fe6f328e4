#include "support/sim_disk.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/two_disks.hpp"

using namespace test_support;
using sextant::DirectoryEntry;
using sextant::ErrorCode;
using sextant::File;
using sextant::FileMode;

namespace {

std::vector<std::byte> pattern(std::size_t size, unsigned seed = 1) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 31 + seed) & 0xFFU);
    return bytes;
}

std::vector<std::byte> read(const File& file, std::uint64_t offset, std::size_t size) {
    std::vector<std::byte> bytes(size);
    bytes.resize(file.read_at(offset, bytes).value());
    return bytes;
}

void touch(sextant::FileSystem& files, const std::string& path, std::size_t size = 1) {
    files.open(path, FileMode::create).value()->write_at(0, pattern(size)).value();
}

/// One of the two file systems and a directory in it: every test that has one runs over both.
class Subject {
public:
    Subject() : simulated_(GENERATE(true, false)) {}
    [[nodiscard]] sextant::FileSystem& files() { return simulated_ ? disks_.simulated() : disks_.real(); }
    [[nodiscard]] std::string operator/(const std::string& name) const { return disks_ / name; }
    [[nodiscard]] const std::string& path() const { return disks_.path(); }

private:
    TwoDisks disks_;
    const bool simulated_;
};

}  // namespace

TEST_CASE("Both file systems ask of a file what the open mode says", "[support][sim_disk]") {
    Subject subject;
    auto& files = subject.files();
    const std::string path = subject / "a";
    CHECK(files.open(path, FileMode::read).error().code == ErrorCode::not_found);
    CHECK(files.open(path, FileMode::read_write).error().code == ErrorCode::not_found);
    REQUIRE(files.open(path, FileMode::create_new));
    CHECK(files.open(path, FileMode::create_new).error().code == ErrorCode::already_exists);
    touch(files, path, 4);
    for (const FileMode mode : {FileMode::create, FileMode::read_write, FileMode::read}) {
        CHECK(files.open(path, mode).value()->size().value() == 4);
    }
    const auto file = files.open(path, FileMode::read).value();
    CHECK(file->path() == path);
    CHECK(file->write_at(0, pattern(4)).error().message.find(path + ": write 4 bytes at 0: ") == 0);
    CHECK(file->write_at(0, pattern(4)).error().code == ErrorCode::io_error);
    CHECK(file->truncate(1).error().code == ErrorCode::io_error);
    CHECK(file->allocate(100).error().code == ErrorCode::io_error);
    CHECK(file->sync());
    CHECK(read(*file, 0, 4) == pattern(4));
}

TEST_CASE("Both file systems refuse paths that lead nowhere", "[support][sim_disk]") {
    Subject subject;
    auto& files = subject.files();
    touch(files, subject / "a");
    CHECK(files.open(subject.path(), FileMode::read).error().code == ErrorCode::io_error);
    CHECK(files.open(subject.path(), FileMode::create).error().code == ErrorCode::io_error);
    CHECK(files.open(subject / "a/b", FileMode::create).error().code == ErrorCode::io_error);
    CHECK(files.open(subject / "b/a", FileMode::create).error().code == ErrorCode::not_found);
    CHECK_FALSE(files.exists(subject / "a/b").value());
    CHECK(files.exists(subject / std::string(300, 'n')).error().code == ErrorCode::io_error);
    CHECK(files.list(subject / "a").error().code == ErrorCode::io_error);
    CHECK(files.list(subject / "b").error().code == ErrorCode::not_found);
    for (const std::string& path : {std::string(), std::string("/tmp/a\0b", 8)}) {
        CHECK(files.open(path, FileMode::create).error().code == ErrorCode::invalid_argument);
        CHECK(files.exists(path).error().code == ErrorCode::invalid_argument);
        CHECK(files.list(path).error().code == ErrorCode::invalid_argument);
        CHECK(files.create_directory(path).error().code == ErrorCode::invalid_argument);
        CHECK(files.rename(path, subject / "c").error().code == ErrorCode::invalid_argument);
        CHECK(files.rename(subject / "c", path).error().code == ErrorCode::invalid_argument);
        CHECK(files.remove_file(path).error().code == ErrorCode::invalid_argument);
        CHECK(files.remove_directory(path).error().code == ErrorCode::invalid_argument);
        CHECK(files.sync_directory(path).error().code == ErrorCode::invalid_argument);
        CHECK(files.lock(path).error().code == ErrorCode::invalid_argument);
    }
    CHECK(files.exists("").error().message == "path: it is empty");
}

TEST_CASE("Both file systems make, list and remove directories alike", "[support][sim_disk]") {
    Subject subject;
    auto& files = subject.files();
    CHECK(files.create_directory(subject / "c/d").error().code == ErrorCode::not_found);
    REQUIRE(files.create_directory(subject / "c"));
    CHECK(files.create_directory(subject / "c").error().code == ErrorCode::already_exists);
    touch(files, subject / "b");
    touch(files, subject / "a");
    touch(files, subject / "c/f");
    CHECK(files.list(subject.path()).value() == std::vector<DirectoryEntry>{{"a", false}, {"b", false}, {"c", true}});
    CHECK(files.remove_directory(subject / "c").error().code == ErrorCode::io_error);
    CHECK(files.remove_file(subject / "c").error().code == ErrorCode::io_error);
    CHECK(files.remove_directory(subject / "a").error().code == ErrorCode::io_error);
    CHECK(files.sync_directory(subject / "c"));
    CHECK(files.sync_directory(subject / "a").error().code == ErrorCode::io_error);
    REQUIRE(sextant::remove_tree(files, subject / "c"));
    CHECK(files.remove_directory(subject / "c").error().code == ErrorCode::not_found);
    CHECK(files.remove_file(subject / "c").error().code == ErrorCode::not_found);
    CHECK(files.sync_directory(subject / "c").error().code == ErrorCode::not_found);
}

TEST_CASE("Both file systems rename alike", "[support][sim_disk]") {
    Subject subject;
    auto& files = subject.files();
    touch(files, subject / "old", 8);
    touch(files, subject / "new", 3);
    const auto replaced = files.open(subject / "old", FileMode::read).value();
    REQUIRE(files.rename(subject / "new", subject / "old"));
    CHECK(files.open(subject / "old", FileMode::read).value()->size().value() == 3);
    CHECK(replaced->size().value() == 8);
    CHECK(files.rename(subject / "new", subject / "old").error().code == ErrorCode::not_found);
    CHECK(files.rename(subject / "old", subject / "no/old").error().code == ErrorCode::not_found);
    REQUIRE(files.rename(subject / "old", subject / "old"));
    REQUIRE(files.create_directory(subject / "d"));
    REQUIRE(files.create_directory(subject / "e"));
    touch(files, subject / "d/f");
    CHECK(files.rename(subject / "old", subject / "d").error().code == ErrorCode::io_error);
    CHECK(files.rename(subject / "d", subject / "old").error().code == ErrorCode::io_error);
    CHECK(files.rename(subject / "d", subject / "d/below").error().code == ErrorCode::io_error);
    CHECK(files.rename(subject / "e", subject / "d").error().code == ErrorCode::io_error);
    REQUIRE(files.rename(subject / "d", subject / "e"));
    CHECK(files.exists(subject / "e/f").value());
    CHECK_FALSE(files.exists(subject / "d").value());
}

TEST_CASE("Both file systems read and write alike", "[support][sim_disk]") {
    Subject subject;
    const auto file = subject.files().open(subject / "a", FileMode::create).value();
    REQUIRE(file->write_at(5'000, pattern(10)));
    CHECK(file->size().value() == 5'010);
    CHECK(read(*file, 0, 5'000) == std::vector<std::byte>(5'000));
    CHECK(read(*file, 5'007, 100).size() == 3);
    CHECK(read(*file, 1'000'000, 1).empty());
    REQUIRE(file->write_at(7'000, {}));
    CHECK(file->size().value() == 5'010);
    REQUIRE(file->truncate(5'001));
    REQUIRE(file->truncate(9'000));
    CHECK(read(*file, 5'000, 2) == std::vector<std::byte>{pattern(1)[0], std::byte{0}});
    REQUIRE(file->allocate(1 << 20));
    CHECK(file->size().value() == 1 << 20);
    REQUIRE(file->allocate(100));
    REQUIRE(file->allocate(0));
    CHECK(file->size().value() == 1 << 20);
    std::array<std::byte, 2> bytes{};
    for (const std::uint64_t offset : {std::uint64_t{0x7FFFFFFFFFFFFFFF}, ~std::uint64_t{0}}) {
        CHECK(file->write_at(offset, bytes).error().code == ErrorCode::invalid_argument);
        CHECK(file->read_at(offset, bytes).error().code == ErrorCode::invalid_argument);
    }
    CHECK(file->truncate(~std::uint64_t{0}).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("Both file systems map what a file holds", "[support][sim_disk]") {
    Subject subject;
    auto file = subject.files().open(subject / "a", FileMode::create).value();
    CHECK(file->map().value()->bytes().empty());
    REQUIRE(file->write_at(0, pattern(10'000)));
    const auto mapped = file->map().value();
    file.reset();
    const auto bytes = mapped->bytes();
    CHECK(std::vector<std::byte>(bytes.begin(), bytes.end()) == pattern(10'000));
    CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % 4096 == 0);
}

TEST_CASE("In both file systems an open file outlives its name", "[support][sim_disk]") {
    Subject subject;
    auto& files = subject.files();
    const auto file = files.open(subject / "a", FileMode::create).value();
    REQUIRE(files.rename(subject / "a", subject / "b"));
    REQUIRE(file->write_at(0, pattern(10)));
    CHECK(read(*files.open(subject / "b", FileMode::read).value(), 0, 10) == pattern(10));
    REQUIRE(files.remove_file(subject / "b"));
    REQUIRE(file->write_at(10, pattern(10)));
    CHECK(file->size().value() == 20);
    CHECK_FALSE(files.exists(subject / "b").value());
}

TEST_CASE("In both file systems a lock is for one holder at a time", "[support][sim_disk]") {
    Subject subject;
    auto& files = subject.files();
    const std::string path = subject / "LOCK";
    {
        const auto first = files.lock(path);
        REQUIRE(first.has_value());
        const auto second = files.lock(path);
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error().code == ErrorCode::busy);
        CHECK(second.error().message == path + ": locked by process " + std::to_string(::getpid()));
    }
    CHECK(files.exists(path).value());
    CHECK(files.lock(path).has_value());
    CHECK(files.lock(subject.path()).error().code == ErrorCode::io_error);
}

TEST_CASE("Files and locks outlive the simulated disk", "[support][sim_disk]") {
    std::unique_ptr<File> file;
    std::unique_ptr<sextant::FileLock> lock;
    {
        SimDisk disk;
        SimDisk moved = std::move(disk);
        file = moved.files().open("a", FileMode::create).value();
        lock = moved.files().lock("/LOCK").value();
    }
    REQUIRE(file->write_at(0, pattern(100)));
    CHECK(read(*file, 0, 100) == pattern(100));
}

TEST_CASE("The log holds what changed the disk, with bytes and marks", "[support][sim_disk]") {
    SimDisk disk;
    auto& files = disk.files();
    disk.mark(7);
    const auto file = files.open("a", FileMode::create).value();
    REQUIRE(file->write_at(3, pattern(5)));
    REQUIRE(file->allocate(4));  // shorter than it is: nothing changes
    REQUIRE(file->truncate(4));
    REQUIRE(file->sync());
    REQUIRE(files.rename("a", "b"));
    CHECK_FALSE(files.remove_file("a"));
    REQUIRE(files.remove_file("b"));
    REQUIRE(files.create_directory("d"));
    REQUIRE(files.sync_directory("/"));
    REQUIRE(files.remove_directory("d"));
    const Recording recording = disk.recording();
    std::vector<OpKind> kinds;
    for (const SimOp& op : recording.ops) kinds.push_back(op.kind);
    CHECK(kinds == std::vector<OpKind>{OpKind::mark, OpKind::create_file, OpKind::write, OpKind::truncate, OpKind::sync,
                                       OpKind::rename, OpKind::remove_file, OpKind::create_directory,
                                       OpKind::sync_directory, OpKind::remove_directory});
    CHECK(recording.ops[0].offset == 7);
    CHECK(*recording.ops[2].bytes == pattern(5));
    CHECK(recording.ops[2].offset == 3);
    CHECK(to_string(recording.ops[2]) == "write node 1: 5 bytes at 3");
    CHECK(to_string(recording.ops[5]) == "rename node 1: 'a' in 0 to 'b' in 0");
    CHECK(disk.log_size() == kinds.size());
    CHECK(disk.op_count() == kinds.size() + 1);  // and allocate and the failed removal, but not the mark
}

TEST_CASE("Threads use a simulated disk at once", "[support][sim_disk][threads]") {
    SimDisk disk;
    auto& files = disk.files();
    const auto shared = files.open("shared", FileMode::create).value();
    std::atomic<bool> good{true};
    std::vector<std::thread> threads;
    for (unsigned part = 0; part < 4; ++part) {
        threads.emplace_back([&, part] {
            const std::string name = "file" + std::to_string(part);
            for (unsigned round = 0; round < 50; ++round) {
                const auto bytes = pattern(3'000, part * 50 + round);
                const std::uint64_t offset = part * std::uint64_t{3'000};
                if (!shared->write_at(offset, bytes) || read(*shared, offset, 3'000) != bytes) good = false;
                const auto own = files.open(name, FileMode::create);
                if (!own || !(*own)->write_at(0, bytes) || !(*own)->sync()) good = false;
                if (!files.rename(name, name + "x") || !files.remove_file(name + "x")) good = false;
                if (!files.sync_directory("/") || !files.list("/") || !(*own)->map()) good = false;
                disk.mark(round);
                if (disk.recording().ops.empty()) good = false;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(good);
    CHECK(disk.used_bytes() == 12'000);
}
