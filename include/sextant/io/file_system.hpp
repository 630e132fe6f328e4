/// FileSystem: the only way of this library to the disk, so that a test can drop, tear, reorder or refuse any operation.
/// Threads: thread-safe.
/// Errors name the path and what the system said: not_found, already_exists, busy (locked), resource_exhausted (disk or
/// file handles used up), read_only (mounted so), invalid_argument (an empty path, a zero byte in it), else io_error.
/// Why not <filesystem>: it can neither sync, lock, nor read at an offset, and cannot be replaced by a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "sextant/io/file.hpp"

namespace sextant::inline v1 {

enum class FileMode : std::uint8_t {
    read,        ///< must exist; writing is an error
    read_write,  ///< must exist
    create,      ///< read and write; made empty if it does not exist
    create_new,  ///< read and write; already_exists if it does
};

struct DirectoryEntry {
    std::string name = {};      ///< without the directory
    bool is_directory = false;  ///< false for a link to one

    friend bool operator==(const DirectoryEntry&, const DirectoryEntry&) = default;
};

/// Held from lock() to its destruction, or the end of the process, however it ends.
class FileLock {
public:
    virtual ~FileLock() = default;
};

class FileSystem {
public:
    virtual ~FileSystem() = default;

    [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, FileMode mode) = 0;
    [[nodiscard]] virtual Result<bool> exists(const std::string& path) = 0;
    /// Files and directories in `path`, without "." and "..", sorted by the bytes of their names.
    [[nodiscard]] virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;
    /// One level. already_exists if there is anything of that name.
    [[nodiscard]] virtual Result<void> create_directory(const std::string& path) = 0;
    /// Atomic; replaces a file at `to`. Lasting once the directories of both are synced.
    [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
    /// A file, or a link (not what it leads to).
    [[nodiscard]] virtual Result<void> remove_file(const std::string& path) = 0;
    /// An empty directory.
    [[nodiscard]] virtual Result<void> remove_directory(const std::string& path) = 0;
    /// Returns once names created, renamed and removed in this directory would survive a loss of power.
    /// resource_exhausted: nothing was tried, as no handle was to be had. io_error: nobody knows which names will last.
    [[nodiscard]] virtual Result<void> sync_directory(const std::string& path) = 0;
    /// Makes the file if need be, and takes it for this process alone; busy names the process that has it, where known.
    /// A second lock() in the same process is refused, too. The file stays when the lock is gone.
    [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

/// All bytes of a file. corruption when it has more than `most`, before anything is allocated.
[[nodiscard]] Result<std::vector<std::byte>> read_file(FileSystem& files, const std::string& path, std::uint64_t most);

/// Removes `path` with all that is in it, following no links; no error if it does not exist. Stops at the first error.
/// `stop` is asked before each file: cancelled, and the rest is still there.
[[nodiscard]] Result<void> remove_tree(FileSystem& files, const std::string& path, const std::stop_token& stop = {});

/// How File::read_batch() reads.
enum class BatchReads : std::uint8_t {
    automatic,   ///< io_uring where the kernel has it and lets this process use it, else as `threads`
    threads,     ///< by some threads, started with the first batch
    one_by_one,  ///< in the thread that asks
};

/// The file system of the machine (POSIX calls).
[[nodiscard]] std::unique_ptr<FileSystem> posix_file_system(BatchReads reads = BatchReads::automatic);

}  // namespace sextant::inline v1
