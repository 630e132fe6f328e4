/// SimDisk: a disk in memory that records what is done to it, fails on demand, and from whose record every state that a
/// crash may leave can be made (sim_crash).
/// Invariants: files() behaves as posix_file_system() does, to the error codes (sim_disk_test runs one table of tests
/// over both); but there are no links and no "..", a name is at most 255 bytes and a file at most 4 GiB, and locking writes nothing
/// into the lock file, lest each crash image had two more things that may be missing.
/// Threads: thread-safe. Lifetime: open files and locks outlive the disk; a moved-from disk may only be destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "sextant/io/file_system.hpp"
#include "support/sim_fault.hpp"
#include "support/sim_log.hpp"

namespace test_support {

class SimDisk {
public:
    static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

    /// An empty root directory. Paths with and without a leading '/' are the same.
    SimDisk();
    /// All of `state` counts as durable.
    explicit SimDisk(DiskState state);
    SimDisk(SimDisk&&) noexcept;
    SimDisk& operator=(SimDisk&&) noexcept;
    SimDisk(const SimDisk&) = delete;
    SimDisk& operator=(const SimDisk&) = delete;
    ~SimDisk();

    [[nodiscard]] sextant::FileSystem& files() noexcept;

    /// Puts a label into the log, so that an oracle knows what was promised by each point of it.
    void mark(std::uint64_t label);
    /// What happened so far; calls that failed without effect are not in it.
    [[nodiscard]] Recording recording() const;
    /// Entries of the log, marks included.
    [[nodiscard]] std::size_t log_size() const;
    /// Calls of any kind that could have failed, reads too: what Fault::at_call counts.
    [[nodiscard]] std::uint64_t op_count() const;

    void inject(const Fault& fault);
    void clear_faults();
    [[nodiscard]] std::uint64_t struck_count() const;

    /// Writing past the end, allocating and extending beyond it are resource_exhausted; a write first fills what is left.
    void set_capacity(std::uint64_t bytes);
    /// The sizes of all files that have a name or are open.
    [[nodiscard]] std::uint64_t used_bytes() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Flips a bit of the byte at `at` of a file.
inline void flip_byte(SimDisk& disk, const std::string& name, std::uint64_t at) {
    const auto file = disk.files().open(name, sextant::FileMode::read_write).value();
    std::byte byte{};
    sextant::read_exactly(*file, at, {&byte, 1}).value();
    byte ^= std::byte{1};
    file->write_at(at, {&byte, 1}).value();
}

}  // namespace test_support
