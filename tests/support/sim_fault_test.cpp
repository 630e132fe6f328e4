#include "support/sim_fault.hpp"

#include <span>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/sim_crash.hpp"

using namespace test_support;
using sextant::ErrorCode;
using sextant::FileMode;

namespace {

std::vector<std::byte> letters(std::size_t size, char letter) {
    return std::vector<std::byte>(size, std::byte(letter));
}

std::string text_of(sextant::FileSystem& files, const std::string& path) {
    const auto file = files.open(path, FileMode::read).value();
    std::string text(static_cast<std::size_t>(file->size().value()), '?');
    CHECK(file->read_at(0, std::as_writable_bytes(std::span(text))).value() == text.size());
    return text;
}

/// A disk with the file "a" of ten letters, open.
struct Prepared {
    SimDisk disk;
    sextant::FileSystem& files = disk.files();
    std::unique_ptr<sextant::File> file = files.open("a", FileMode::create).value();

    Prepared() { file->write_at(0, letters(10, 'x')).value(); }
    void inject(FaultKind kind, bool lasting = false) { disk.inject({disk.op_count(), kind, lasting}); }
};

}  // namespace

TEST_CASE("A fault strikes the call it is for, once, or from then on", "[support][sim_fault]") {
    Prepared p;
    p.disk.inject({p.disk.op_count() + 1, FaultKind::io_error, false});
    CHECK(p.file->size());
    CHECK(p.file->size().error().code == ErrorCode::io_error);
    CHECK(p.file->size());
    p.inject(FaultKind::read_fails, true);
    std::byte byte{};
    CHECK(p.file->read_at(0, {&byte, 1}).error().code == ErrorCode::io_error);
    CHECK(p.file->write_at(0, letters(1, 'y')));
    CHECK(p.file->map().error().code == ErrorCode::io_error);
    CHECK(p.disk.struck_count() == 3);
    p.disk.clear_faults();
    CHECK(p.file->read_at(0, {&byte, 1}).value() == 1);
}

TEST_CASE("An error without effect leaves the disk as it was", "[support][sim_fault]") {
    Prepared p;
    p.inject(FaultKind::io_error, true);
    const std::size_t logged = p.disk.log_size();
    CHECK(p.file->write_at(0, letters(5, 'y')).error().code == ErrorCode::io_error);
    CHECK(p.file->truncate(0).error().code == ErrorCode::io_error);
    CHECK(p.file->allocate(100).error().code == ErrorCode::io_error);
    CHECK(p.files.rename("a", "b").error().code == ErrorCode::io_error);
    CHECK(p.files.remove_file("a").error().code == ErrorCode::io_error);
    CHECK(p.files.create_directory("d").error().code == ErrorCode::io_error);
    CHECK(p.files.open("new", FileMode::create).error().code == ErrorCode::io_error);
    CHECK(p.files.lock("new").error().code == ErrorCode::io_error);
    CHECK(p.files.list("/").error().code == ErrorCode::io_error);
    CHECK(p.files.exists("/").error().code == ErrorCode::io_error);
    CHECK(p.disk.log_size() == logged);
    p.disk.clear_faults();
    CHECK(text_of(p.files, "a") == "xxxxxxxxxx");
    CHECK(p.files.list("/").value().size() == 1);
}

TEST_CASE("A short write leaves its first half", "[support][sim_fault]") {
    Prepared p;
    p.inject(FaultKind::short_write);
    const auto refused = p.file->write_at(8, letters(6, 'y'));
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(refused.error().message.find("a: write 6 bytes at 8: ") == 0);
    CHECK(text_of(p.files, "a") == "xxxxxxxxyyy");
    CHECK(p.disk.recording().ops.back().bytes->size() == 3);
}

TEST_CASE("No space and no handles refuse what needs them and nothing else", "[support][sim_fault]") {
    Prepared p;
    p.inject(FaultKind::no_space, true);
    CHECK(p.file->write_at(0, letters(1, 'y')).error().code == ErrorCode::resource_exhausted);
    CHECK(p.file->allocate(1'000).error().code == ErrorCode::resource_exhausted);
    CHECK(p.files.open("b", FileMode::create).error().code == ErrorCode::resource_exhausted);
    CHECK(p.files.lock("b").error().code == ErrorCode::resource_exhausted);
    CHECK(p.files.create_directory("d").error().code == ErrorCode::resource_exhausted);
    CHECK(p.files.open("a", FileMode::create));
    CHECK(p.files.rename("a", "b"));
    CHECK(p.file->truncate(3));
    p.disk.clear_faults();
    p.inject(FaultKind::no_handles, true);
    CHECK(p.files.open("b", FileMode::read).error().code == ErrorCode::resource_exhausted);
    CHECK(p.files.lock("b").error().code == ErrorCode::resource_exhausted);
    CHECK(p.files.list("/").error().code == ErrorCode::resource_exhausted);
    CHECK(p.files.sync_directory("/").error().code == ErrorCode::resource_exhausted);
    CHECK(p.file->write_at(0, letters(1, 'y')));
    CHECK(p.files.create_directory("d"));
}

TEST_CASE("A rename that fails renames nothing", "[support][sim_fault]") {
    Prepared p;
    p.inject(FaultKind::rename_fails);
    CHECK(p.files.rename("a", "b").error().code == ErrorCode::io_error);
    CHECK(p.files.exists("a").value());
    CHECK(p.files.rename("a", "b"));
}

TEST_CASE("What a failed sync left unsynced no later sync brings to the disk", "[support][sim_fault]") {
    Prepared p;
    REQUIRE(p.files.sync_directory("/"));
    REQUIRE(p.file->sync());
    REQUIRE(p.file->write_at(0, letters(1, 'y')));
    p.inject(FaultKind::sync_fails);
    CHECK(p.file->sync().error().code == ErrorCode::io_error);
    CHECK(text_of(p.files, "a") == "yxxxxxxxxx");  // the system's memory still has it
    REQUIRE(p.file->write_at(9, letters(1, 'z')));
    REQUIRE(p.file->sync());
    std::vector<std::string> found;
    SeenImages seen;
    enumerate_crashes(p.disk, p.disk.log_size() - 1, {}, seen,
                      [&](SimDisk&& image, const CrashImage&) { found.push_back(text_of(image.files(), "a")); });
    CHECK(found == std::vector<std::string>{"xxxxxxxxxz", "yxxxxxxxxz"});
}

TEST_CASE("A capacity counts the bytes of files and is given back", "[support][sim_fault]") {
    Prepared p;
    p.disk.set_capacity(100);
    CHECK(p.disk.used_bytes() == 10);
    const auto second = p.files.open("b", FileMode::create).value();
    REQUIRE(second->allocate(80));
    CHECK(second->allocate(91).error().code == ErrorCode::resource_exhausted);
    CHECK(second->truncate(91).error().code == ErrorCode::resource_exhausted);
    CHECK(second->size().value() == 80);
    REQUIRE(second->write_at(0, letters(80, 'b')));
    CHECK(p.file->write_at(5, letters(20, 'y')).error().code == ErrorCode::resource_exhausted);
    CHECK(text_of(p.files, "a") == "xxxxxyyyyyyyyyyyyyyy");  // what fitted
    CHECK(p.disk.used_bytes() == 100);
    REQUIRE(p.file->write_at(0, letters(20, 'z')));
    REQUIRE(p.file->truncate(15));
    REQUIRE(p.file->write_at(15, letters(5, 'z')));
    REQUIRE(p.files.remove_file("b"));
    CHECK(p.disk.used_bytes() == 100);  // still open
    const auto third = p.files.open("c", FileMode::create).value();
    CHECK_FALSE(third->write_at(0, letters(1, 'c')));
    REQUIRE(p.files.rename("c", "a"));  // replaces a file that is open
    CHECK(p.disk.used_bytes() == 100);
    p.file.reset();
    CHECK(p.disk.used_bytes() == 80);
    CHECK(third->write_at(0, letters(20, 'c')));
}
