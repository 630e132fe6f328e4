#include "sextant/io/file.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "io/test_directory.hpp"
#include "sextant/io/file_system.hpp"
#include "support/catch.hpp"

using sextant::ErrorCode;
using sextant::File;
using sextant::FileMode;
using sextant_test::TestDirectory;

namespace {

std::vector<std::byte> pattern(std::size_t size, unsigned seed = 1) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 31 + seed) & 0xFFU);
    return bytes;
}

std::unique_ptr<File> open(const std::string& path, FileMode mode = FileMode::create) {
    return sextant::posix_file_system()->open(path, mode).value();
}

std::vector<std::byte> read(const File& file, std::uint64_t offset, std::size_t size) {
    std::vector<std::byte> bytes(size);
    bytes.resize(file.read_at(offset, bytes).value());
    return bytes;
}

}  // namespace

TEST_CASE("What was written at an offset is read there", "[io][file]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    const auto bytes = pattern(100'000);
    REQUIRE(file->write_at(0, bytes));
    REQUIRE(file->write_at(50'000, pattern(10, 77)));
    CHECK(file->size().value() == 100'000);
    CHECK(read(*file, 0, 50'000) == std::vector<std::byte>(bytes.begin(), bytes.begin() + 50'000));
    CHECK(read(*file, 50'000, 10) == pattern(10, 77));
    CHECK(read(*file, 50'010, 49'990) == std::vector<std::byte>(bytes.begin() + 50'010, bytes.end()));
    CHECK(file->path() == directory / "a");
}

TEST_CASE("Reading stops at the end of the file and says how much there was", "[io][file]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    REQUIRE(file->write_at(0, pattern(10)));
    CHECK(read(*file, 7, 100).size() == 3);
    CHECK(read(*file, 10, 1).empty());
    CHECK(read(*file, 1'000'000, 1).empty());
    CHECK(read(*file, 0, 0).empty());
    REQUIRE(file->write_at(3, {}));
    CHECK(file->size().value() == 10);
}

TEST_CASE("read_exactly says which bytes are missing", "[io][file]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    REQUIRE(file->write_at(0, pattern(10)));
    std::array<std::byte, 8> into{};
    REQUIRE(sextant::read_exactly(*file, 2, into));
    CHECK(into[7] == pattern(10)[9]);
    const auto refused = sextant::read_exactly(*file, 6, into);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::corruption);
    CHECK(refused.error().message == (directory / "a") + ": 8 bytes wanted at offset 6, the file ends after 4");
}

TEST_CASE("Writing past the end leaves zeros between", "[io][file]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    REQUIRE(file->write_at(5, pattern(1)));
    CHECK(file->size().value() == 6);
    CHECK(read(*file, 0, 5) == std::vector<std::byte>(5));
}

TEST_CASE("truncate cuts and extends with zeros", "[io][file]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    REQUIRE(file->write_at(0, pattern(100)));
    REQUIRE(file->truncate(10));
    CHECK(file->size().value() == 10);
    REQUIRE(file->truncate(20));
    CHECK(read(*file, 9, 2) == std::vector<std::byte>{pattern(10)[9], std::byte{0}});
}

TEST_CASE("allocate backs the file with disk space and never shortens it", "[io][file]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    REQUIRE(file->write_at(0, pattern(10)));
    REQUIRE(file->allocate(1 << 20));
    CHECK(file->size().value() == 1 << 20);
    CHECK(read(*file, 0, 10) == pattern(10));
    struct stat status = {};
    REQUIRE(::stat((directory / "a").c_str(), &status) == 0);
    CHECK(static_cast<std::uint64_t>(status.st_blocks) * 512 >= 1 << 20);
    REQUIRE(file->allocate(100));
    CHECK(file->size().value() == 1 << 20);
    REQUIRE(file->allocate(0));
}

TEST_CASE("sync succeeds on a file that was written", "[io][file]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    REQUIRE(file->write_at(0, pattern(10)));
    CHECK(file->sync().has_value());
}

TEST_CASE("Offsets past the largest the system has are refused before anything happens", "[io][file]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::array<std::byte, 2> bytes{};
    for (const std::uint64_t offset : {most, most + 1, ~std::uint64_t{0}}) {
        const auto write = file->write_at(offset, bytes);
        REQUIRE_FALSE(write.has_value());
        CHECK(write.error().code == ErrorCode::invalid_argument);
        CHECK(write.error().message.find(directory / "a") == 0);
        CHECK(file->read_at(offset, bytes).error().code == ErrorCode::invalid_argument);
    }
    CHECK(file->truncate(most + 1).error().code == ErrorCode::invalid_argument);
    CHECK(file->allocate(~std::uint64_t{0}).error().code == ErrorCode::invalid_argument);
    CHECK(file->size().value() == 0);
}

TEST_CASE("Writing to a file opened for reading is an error that names it", "[io][file]") {
    const TestDirectory directory;
    REQUIRE(open(directory / "a")->write_at(0, pattern(4)));
    const auto file = open(directory / "a", FileMode::read);
    CHECK(read(*file, 0, 4) == pattern(4));
    const auto refused = file->write_at(0, pattern(4));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::io_error);
    CHECK(refused.error().message.find((directory / "a") + ": write 4 bytes at 0: ") == 0);
    CHECK_FALSE(file->truncate(1).has_value());
}

TEST_CASE("A disk that is full is resource_exhausted, and the part that fitted may be there", "[io][file]") {
    if (::access("/dev/full", W_OK) != 0) return;
    const auto full = open("/dev/full", FileMode::read_write);
    const auto refused = full->write_at(0, pattern(10));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(refused.error().message.find("/dev/full: write 10 bytes at 0: ") == 0);
}

TEST_CASE("A write that the system cuts short is finished or refused, never taken for done", "[io][file]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    struct sigaction ignore = {};
    struct sigaction old_action = {};
    ignore.sa_handler = SIG_IGN;
    REQUIRE(::sigaction(SIGXFSZ, &ignore, &old_action) == 0);
    rlimit old_limit{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
    rlimit low = old_limit;
    low.rlim_cur = 6'000;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &low) == 0);
    const auto refused = file->write_at(0, pattern(10'000));  // pwrite moves 6,000 bytes, then says EFBIG
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old_limit) == 0);
    ::sigaction(SIGXFSZ, &old_action, nullptr);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(file->size().value() <= 6'000);
    REQUIRE(file->write_at(0, pattern(10'000)));
    CHECK(read(*file, 0, 10'000) == pattern(10'000));
}

TEST_CASE("Signals during reads and writes are not errors", "[io][file][threads]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    struct sigaction action = {};
    struct sigaction old_action = {};
    action.sa_handler = [](int) {};  // without SA_RESTART: calls that can be interrupted are
    REQUIRE(::sigaction(SIGUSR1, &action, &old_action) == 0);
    std::atomic<bool> stop{false};
    const pthread_t target = ::pthread_self();
    std::thread noise([&] {
        while (!stop) {
            ::pthread_kill(target, SIGUSR1);
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    });
    const auto bytes = pattern(1 << 19);
    bool good = true;
    for (int round = 0; round < 8; ++round) {
        good = good && file->write_at(0, bytes).has_value() && read(*file, 0, bytes.size()) == bytes;
        good = good && file->truncate(1 << 20).has_value() && file->allocate(1 << 21).has_value();
    }
    stop = true;
    noise.join();
    ::sigaction(SIGUSR1, &old_action, nullptr);
    CHECK(good);
}

TEST_CASE("A mapping shows the bytes of the file and outlives it", "[io][file]") {
    const TestDirectory directory;
    auto file = open(directory / "a");
    const auto bytes = pattern(10'000);
    REQUIRE(file->write_at(0, bytes));
    const auto mapped = file->map();
    REQUIRE(mapped.has_value());
    file.reset();
    const auto seen = (*mapped)->bytes();
    CHECK(seen.size() == bytes.size());
    CHECK(std::equal(seen.begin(), seen.end(), bytes.begin()));
    CHECK(reinterpret_cast<std::uintptr_t>(seen.data()) % 4096 == 0);
}

TEST_CASE("Hints about a mapping change nothing of what it shows", "[io][file]") {
    const TestDirectory directory;
    for (const std::size_t size : {std::size_t{0}, std::size_t{10'000}}) {
        const auto file = open(directory / ("a" + std::to_string(size)));
        const auto bytes = pattern(size);
        REQUIRE(file->write_at(0, bytes));
        const auto mapped = file->map().value();
        mapped->expect_random_reads();
        mapped->will_need(0, size);
        mapped->will_need(size / 2 + 1, size / 4);
        mapped->will_need(size, 0);
        CHECK(std::equal(mapped->bytes().begin(), mapped->bytes().end(), bytes.begin(), bytes.end()));
    }
}

TEST_CASE("An empty file maps to no bytes", "[io][file]") {
    const TestDirectory directory;
    const auto mapped = open(directory / "a")->map();
    REQUIRE(mapped.has_value());
    CHECK((*mapped)->bytes().empty());
}

TEST_CASE("Threads write and read their own parts of one file", "[io][file][threads]") {
    const TestDirectory directory;
    const auto file = open(directory / "a");
    std::atomic<bool> good{true};
    std::vector<std::thread> threads;
    for (unsigned part = 0; part < 4; ++part) {
        threads.emplace_back([&, part] {
            for (unsigned round = 0; round < 50; ++round) {
                const auto bytes = pattern(4'000, part * 50 + round);
                const std::uint64_t offset = part * std::uint64_t{4'000};
                if (!file->write_at(offset, bytes) || read(*file, offset, 4'000) != bytes) good = false;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(good);
}
