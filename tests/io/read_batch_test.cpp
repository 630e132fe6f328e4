// Many reads of one file at once: each way to do it gives the same bytes and the same errors.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "io/detail/batch_reader.hpp"
#include "io/detail/posix_file.hpp"
#include "io/detail/uring.hpp"
#include "io/test_directory.hpp"
#include "sextant/io/file_system.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"

using sextant::BatchReads;
using sextant::ErrorCode;
using sextant::File;
using sextant::FileMode;
using sextant::ReadRequest;
using sextant::detail::BatchReader;
using sextant_test::TestDirectory;

namespace {

constexpr std::size_t file_size = 3'000'017;
constexpr BatchReads all_ways[] = {BatchReads::automatic, BatchReads::threads, BatchReads::one_by_one};

std::byte byte_at(std::uint64_t offset) { return static_cast<std::byte>((offset * 2'654'435'761U) >> 13U); }

std::string written_file(const TestDirectory& directory) {
    std::vector<std::byte> bytes(file_size);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(i);
    std::string path = directory / "a";
    const auto file = sextant::posix_file_system()->open(path, FileMode::create).value();
    file->write_at(0, bytes).value();
    file->sync().value();
    return path;
}

/// So that the next read waits for the disk, where the system lets go of the pages.
void forget(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY);
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    ::close(descriptor);
}

/// Requests of any size at any offset, and room for them.
class Batch {
public:
    Batch(std::size_t count, std::size_t most_size, std::uint64_t seed) {
        std::mt19937_64 random(seed);
        std::size_t total = 0;
        std::vector<std::size_t> sizes(count);
        for (std::size_t& size : sizes) total += size = random() % (most_size + 1);
        room_.resize(total);
        std::size_t at = 0;
        for (const std::size_t size : sizes) {
            requests_.push_back({random() % (file_size - size), std::span(room_).subspan(at, size)});
            at += size;
        }
    }
    [[nodiscard]] std::span<const ReadRequest> requests() const { return requests_; }
    [[nodiscard]] bool right() const {
        for (const ReadRequest& request : requests_) {
            for (std::size_t i = 0; i < request.into.size(); ++i) {
                if (request.into[i] != byte_at(request.offset + i)) return false;
            }
        }
        return true;
    }
    void add(const ReadRequest& request) { requests_.push_back(request); }

private:
    std::vector<std::byte> room_;
    std::vector<ReadRequest> requests_;
};

/// A file of which the test knows how batches of it are read.
struct OpenFile {
    OpenFile(const std::string& path, BatchReads reads)
        : reader(std::make_shared<BatchReader>(reads)),
          file(sextant::detail::open_descriptor(path, O_RDONLY).value(), path, reader) {}
    std::shared_ptr<BatchReader> reader;
    sextant::detail::PosixFile file;
};

}  // namespace

TEST_CASE("A batch has the bytes of its requests, wherever they lie", "[io][read_batch]") {
    const TestDirectory directory;
    const std::string path = written_file(directory);
    for (const BatchReads way : all_ways) {
        OpenFile open(path, way);
        open.file.expect_random_reads();
        if (way != BatchReads::automatic) CHECK_FALSE(open.reader->has_ring());
        // 1,000 are more than are under way at once; rows of 3,136 bytes straddle pages.
        for (const std::size_t count : {0U, 1U, 2U, 31U, 128U, 129U, 1000U}) {
            for (const std::size_t most : {1U, 3136U, 100'000U}) {
                INFO(static_cast<int>(way) << ": " << count << " of at most " << most);
                if (count * most > 20'000'000) continue;
                Batch batch(count, most, count + most);
                forget(path);
                REQUIRE(open.file.read_batch(batch.requests()).has_value());
                CHECK(batch.right());
            }
        }
    }
}

TEST_CASE("A batch past the end of a file names the place, and reads the rest all the same", "[io][read_batch]") {
    const TestDirectory directory;
    const std::string path = written_file(directory);
    std::array<std::byte, 100> beyond{};
    for (const BatchReads way : all_ways) {
        const auto files = sextant::posix_file_system(way);
        const auto file = files->open(path, FileMode::read).value();
        for (const std::uint64_t offset : {file_size - 40, file_size, file_size + 70'000}) {
            Batch batch(40, 5000, offset);
            batch.add({offset, beyond});
            const auto read = file->read_batch(batch.requests());
            REQUIRE_FALSE(read.has_value());
            CHECK(read.error().code == ErrorCode::corruption);
            const std::size_t there = offset < file_size ? file_size - offset : 0;
            CHECK(read.error().message == path + ": 100 bytes wanted at offset " + std::to_string(offset) +
                                              ", the file ends after " + std::to_string(there));
        }
        Batch batch(2, 10, 1);
        batch.add({~std::uint64_t{0} - 5, beyond});
        CHECK(file->read_batch(batch.requests()).error().code == ErrorCode::invalid_argument);
        Batch again(40, 5000, 77);  // what failed leaves nothing behind
        REQUIRE(file->read_batch(again.requests()).has_value());
        CHECK(again.right());
    }
}

TEST_CASE("A batch that the system cannot read is an error with path and offset", "[io][read_batch]") {
    const TestDirectory directory;
    const std::string path = written_file(directory);
    for (const BatchReads way : all_ways) {
        OpenFile open(path, way);
        // A descriptor that cannot be read from stands for a disk that breaks.
        sextant::detail::PosixFile closed(sextant::detail::open_descriptor(path, O_WRONLY).value(), path, open.reader);
        Batch batch(20, 5000, 3);
        const auto read = closed.read_batch(batch.requests());
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == ErrorCode::io_error);
        CHECK(read.error().message.find(path + ": read ") == 0);
        REQUIRE(open.file.read_batch(batch.requests()).has_value());
        CHECK(batch.right());
    }
}

TEST_CASE("Batches of many threads do not mix", "[io][read_batch][threads]") {
    const TestDirectory directory;
    const std::string path = written_file(directory);
    for (const BatchReads way : all_ways) {
        const auto files = sextant::posix_file_system(way);
        const auto file = files->open(path, FileMode::read).value();
        forget(path);
        std::atomic<int> wrong{0};
        std::vector<std::thread> threads;
        for (std::uint64_t t = 0; t < 8; ++t) {
            threads.emplace_back([&, t] {
                for (std::uint64_t round = 0; round < 20; ++round) {
                    Batch batch(1 + (t * 7 + round * 13) % 60, 4000, t * 1000 + round);
                    if (!file->read_batch(batch.requests()) || !batch.right()) ++wrong;
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(wrong == 0);
    }
}

namespace {
void nothing(int) {}
}  // namespace

TEST_CASE("A batch that signals interrupt is read whole", "[io][read_batch]") {
    const TestDirectory directory;
    const std::string path = written_file(directory);
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = nothing;  // without SA_RESTART: calls that wait end with EINTR
    ::sigaction(SIGUSR1, &action, &before);
    for (const BatchReads way : all_ways) {
        const auto file = sextant::posix_file_system(way)->open(path, FileMode::read).value();
        std::atomic<bool> done{false};
        const pthread_t reader = ::pthread_self();
        std::thread disturber([&] {
            while (!done) {
                ::pthread_kill(reader, SIGUSR1);
                std::this_thread::sleep_for(std::chrono::microseconds(50));
            }
        });
        int good = 0;
        for (std::uint64_t round = 0; round < 30; ++round) {
            forget(path);
            Batch batch(200, 5000, round);
            good += file->read_batch(batch.requests()).has_value() && batch.right() ? 1 : 0;
        }
        done = true;
        disturber.join();
        CHECK(good == 30);
    }
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("A child of fork() does not read through its parent's ring", "[io][read_batch][fork]") {
    const TestDirectory directory;
    OpenFile open(written_file(directory), BatchReads::automatic);
    Batch first(50, 5000, 1);
    REQUIRE(open.file.read_batch(first.requests()).has_value());
    const pid_t child = ::fork();
    if (child == 0) {
        Batch batch(200, 5000, 2);
        ::_exit(open.file.read_batch(batch.requests()).has_value() && batch.right() ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    Batch batch(200, 5000, 3);
    REQUIRE(open.file.read_batch(batch.requests()).has_value());
    CHECK(batch.right());
}

#if defined(__linux__) && defined(__x86_64__)
namespace {

/// Makes a system call fail with `number` for the rest of this process.
bool forbid(unsigned call, unsigned number) {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the call's number is the first of what a filter sees
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | number),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{4, program};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// How a child ends in which a call is forbidden: 0, all was read; 1, wrongly; 2, the ring is still there; 3, calls cannot
/// be forbidden here.
int child_without(const std::string& path, unsigned call, unsigned number, bool after_first) {
    const pid_t child = ::fork();
    if (child != 0) {
        int status = 0;
        if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
        return WEXITSTATUS(status);
    }
    int result = 0;
    {
        OpenFile open(path, BatchReads::automatic);
        if (after_first) {
            Batch first(50, 5000, 1);
            if (!open.file.read_batch(first.requests()) || !first.right()) result = 1;
        }
        if (!forbid(call, number)) ::_exit(3);
        for (std::uint64_t round = 0; round < 3; ++round) {
            Batch batch(300, 5000, round);
            if (!open.file.read_batch(batch.requests()) || !batch.right()) result = 1;
        }
        if (!after_first && open.reader->has_ring()) result = 2;
    }
    ::_exit(result);
}

constexpr unsigned setup_call = 425;
constexpr unsigned enter_call = 426;
constexpr unsigned register_call = 427;

}  // namespace

TEST_CASE("Where io_uring is forbidden threads read", "[io][read_batch][fork]") {
    const TestDirectory directory;
    const std::string path = written_file(directory);
    if (child_without(path, setup_call, EPERM, false) == 3) return;  // no filters of system calls here
    CHECK(child_without(path, setup_call, EPERM, false) == 0);
    CHECK(child_without(path, setup_call, ENOSYS, false) == 0);
    CHECK(child_without(path, setup_call, EMFILE, false) == 0);     // no handle just now
    CHECK(child_without(path, register_call, EINVAL, false) == 0);  // a kernel that cannot say what it can do
    CHECK(child_without(path, enter_call, ENXIO, false) != 1);
    CHECK(child_without(path, enter_call, ENXIO, true) == 0);  // a ring that breaks
}
#endif

TEST_CASE("Files without a way of their own read batches one by one", "[io][read_batch]") {
    const TestDirectory directory;
    const auto inner = sextant::posix_file_system();
    test_support::HookedFiles files(*inner);
    const auto file = files.open(written_file(directory), FileMode::read).value();
    std::size_t calls = 0;
    files.hooks.on_read = [&](const std::string&) { ++calls; };
    std::array<std::byte, 100> one{};
    std::array<std::byte, 3000> two{};
    const ReadRequest requests[] = {{9000, one}, {50, two}};
    REQUIRE(file->read_batch(requests).has_value());
    CHECK(calls == 2);
    CHECK(one[0] == byte_at(9000));
    CHECK(two[2999] == byte_at(3049));
    const ReadRequest beyond[] = {{file_size - 10, one}, {50, two}};
    CHECK(file->read_batch(beyond).error().code == ErrorCode::corruption);
    CHECK(calls == 3);
}

TEST_CASE("A mapping says which of its bytes are in memory", "[io][read_batch]") {
    const TestDirectory directory;
    const std::string path = written_file(directory);
    const auto file = sextant::posix_file_system()->open(path, FileMode::read).value();
    const auto mapped = file->map().value();
    std::byte sum{};
    for (const std::byte byte : mapped->bytes()) sum ^= byte;
    CHECK(sum != std::byte{1});  // read, so that the loop is one
    CHECK(mapped->in_memory(0, 1));
    CHECK(mapped->in_memory(4095, 2));
    CHECK(mapped->in_memory(file_size - 1, 1));
    CHECK(mapped->in_memory(100'001, 60'000));
    CHECK_FALSE(mapped->in_memory(0, file_size));  // more than it looks at
}
