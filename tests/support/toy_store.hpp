/// toy_store: a small store in the manner of real ones (a log, snapshots, a pointer to the current pair) with a bug of
/// choice: what the crash enumerator must catch, and must not complain of without a bug.
/// Files: CURRENT names a generation N by number; snap-N is the state at its beginning; log-N holds what came after;
/// `free` is an old log whose file the next generation takes, with the old records still in it.
/// Threads: confined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sextant/io/file_system.hpp"

namespace test_support {

enum class ToyBug : std::uint8_t {
    none,
    no_snapshot_sync,
    no_pointer_sync,
    no_directory_sync_before_rename,
    no_directory_sync_after_rename,
    no_record_checksum,
    acknowledges_before_sync,
    removes_old_files_too_early,
    accepts_zeros,
    accepts_stale_records,
    trusts_second_sync,
};

class ToyStore {
public:
    /// Makes the store if there is none. REQUIRES: `files` outlives the store.
    [[nodiscard]] static sextant::Result<ToyStore> open(sextant::FileSystem& files, ToyBug bug);

    /// Writes number count() + 1 to count() + `writes`, with one sync.
    [[nodiscard]] sextant::Result<void> put(std::size_t writes = 1);
    /// The next generation.
    [[nodiscard]] sextant::Result<void> rotate();
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    /// Whether it holds just what the first count() writes leave, byte for byte.
    [[nodiscard]] bool is_sound() const;

private:
    ToyStore(sextant::FileSystem& files, ToyBug bug) : files_(&files), bug_(bug) {}
    [[nodiscard]] bool has(ToyBug bug) const noexcept { return bug_ == bug; }
    [[nodiscard]] sextant::Result<void> load();
    [[nodiscard]] sextant::Result<void> load_snapshot();
    [[nodiscard]] sextant::Result<void> load_log();
    [[nodiscard]] sextant::Result<void> remove_leftovers();
    [[nodiscard]] sextant::Result<void> write_snapshot(std::uint64_t generation);
    [[nodiscard]] sextant::Result<void> open_log(std::uint64_t generation);
    [[nodiscard]] sextant::Result<void> point_to(std::uint64_t generation);
    [[nodiscard]] sextant::Result<void> retire(std::uint64_t generation);
    [[nodiscard]] sextant::Result<void> append(std::uint64_t number);
    [[nodiscard]] sextant::Result<void> sync_log();

    sextant::FileSystem* files_;
    ToyBug bug_;
    std::uint64_t generation_ = 0;
    std::uint64_t count_ = 0;
    std::map<std::uint64_t, std::vector<std::byte>> values_;
    std::unique_ptr<sextant::File> log_;
    std::uint64_t log_end_ = 0;
    bool dead_ = false;  ///< after an error: what is on the disk is not known any more
};

}  // namespace test_support
