/// WalWriter: appends frames to a log and makes them last; docs/format/wal.md has the order of its steps and why.
/// Invariants: (1) synced() <= appended(); (2) a file gets a successor only after all its frames are on disk; (3) a name
/// ending in .wal is never seen before its header and its size are on disk; (4) once broken(), nothing is written again.
/// Threads: append(), leave_file(), close(): one caller at a time. Beside it, and beside one another, sync() and release() from any
/// thread, and the numbers.
/// Lifetime: the file system outlives it. The destructor closes the file and nothing else: what was not synced may be
/// lost with the power, as after a kill.
/// Cost: append() copies the payload once and makes one system call; a change of files writes a file of zeros, unless
/// one can be used again.
/// Why zeros are written ahead: syncing then needs no change of the file's metadata, which costs a second write.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sextant/core/mutex.hpp"
#include "sextant/core/result.hpp"
#include "sextant/format/wal_frame.hpp"
#include "sextant/wal/wal_files.hpp"
#include "sextant/wal/wal_options.hpp"

namespace sextant::inline v1 {

class WalWriter {
public:
    /// Makes and syncs file `number` (written with zeros, header, directory), whose first effect will be `next`. Both as
    /// replay_wal, with sync_tail, gave them: next_file_number and last + 1. Removes what was being prepared before.
    /// already_exists when there is a file of that number or a later one: a number is never used twice.
    [[nodiscard]] static Result<std::unique_ptr<WalWriter>> create(const WalPlace& place, const WalOptions& options,
                                                                   std::uint64_t number, std::uint64_t next);
    WalWriter(const WalWriter&) = delete;
    WalWriter& operator=(const WalWriter&) = delete;
    ~WalWriter() = default;

    /// Writes one frame to the operating system. If it does not fit into the file, first changes files: syncs this one,
    /// makes the next (or uses one again), smaller where the disk is nearly full, with room for at least this frame.
    /// invalid_argument, and nothing done: effects that do not begin with appended() + 1, a count of 0, a payload past
    /// limits::max_wal_payload; a clean close with a count or a payload. After resource_exhausted, and after errors while
    /// the next file is prepared, the log is as before and append may be tried again. Any other error of the write, of a
    /// sync, or of syncing the directory makes the log broken(), and is io_error where it was for want of something.
    [[nodiscard]] Result<void> append(format::WalFrameKind kind, std::uint64_t first, std::uint32_t count,
                                      std::span<const std::byte> payload);

    /// Everything appended before the call is on disk when it returns. A failure is final: broken() from then on, and
    /// each later call says read_only with the first failure's text.
    [[nodiscard]] Result<void> sync();

    /// Last Lsn handed to the operating system, and known to be on disk.
    [[nodiscard]] std::uint64_t appended() const noexcept { return appended_.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint64_t synced() const noexcept { return synced_.load(std::memory_order_acquire); }
    [[nodiscard]] bool broken() const noexcept { return broken_.load(std::memory_order_acquire); }

    /// Effects up to `flushed` are in segments, on disk: files that hold nothing newer are put aside to be used again
    /// (up to keep_recycled, and `spare` bytes) or removed. Never touches the current file. Not an error if nothing can
    /// go. After an error it may be tried again; the log goes on.
    [[nodiscard]] Result<void> release(std::uint64_t flushed,
                                       std::uint64_t spare = std::numeric_limits<std::uint64_t>::max());

    /// Goes on in a new file where the current one takes more than `spare` bytes and holds nothing past `flushed`, so that
    /// release() can let go of it. As append(): one caller at a time, and the same errors.
    [[nodiscard]] Result<void> leave_file(std::uint64_t flushed, std::uint64_t spare);

    /// Syncs, appends a clean close, gives back what was made for frames to come, and syncs that. Later calls of append
    /// and sync say closed.
    [[nodiscard]] Result<void> close();

    /// Of all files of the log, those that wait to be used again included.
    [[nodiscard]] std::uint64_t disk_bytes() const noexcept { return disk_bytes_.load(std::memory_order_relaxed); }
    /// Files that hold effects, the current one included: each opening begins one.
    [[nodiscard]] std::uint64_t file_count() const noexcept { return file_count_.load(std::memory_order_relaxed); }
    /// Of the current file.
    [[nodiscard]] std::uint64_t file_number() const noexcept { return file_number_.load(std::memory_order_relaxed); }

private:
    struct OldFile {
        std::uint64_t number = 0;
        std::string name = {};
        std::uint64_t size = 0;
        std::uint64_t end = 0;  ///< its effects are below this Lsn
    };
    struct RecycledFile {
        std::string name = {};
        std::uint64_t size = 0;
    };
    struct PreparedFile {
        std::unique_ptr<File> file;
        std::string path = {};
        std::uint64_t size = 0;
    };

    WalWriter(const WalPlace& place, const WalOptions& options, std::uint64_t next);

    Result<void> adopt(const WalListing& listing, std::uint64_t next);
    Result<void> change_files(std::uint64_t frame_size);
    Result<void> open_next(std::uint64_t number, std::uint64_t least_size, std::uint64_t usual);
    Result<void> publish(const PreparedFile& prepared, std::uint64_t number);
    Result<PreparedFile> prepare(std::uint64_t number, std::uint64_t least_size) SEXTANT_REQUIRES(files_mutex_);
    Result<PreparedFile> prepare_recycled(const RecycledFile& recycled, std::uint64_t number);
    Result<PreparedFile> prepare_new(std::uint64_t number, std::uint64_t size);
    Result<void> write_header(File& file, std::uint64_t number) const;
    Result<void> put_aside(std::vector<OldFile> going, std::uint64_t spare) SEXTANT_REQUIRES(files_mutex_);
    void drop_recycled(std::uint64_t spare) SEXTANT_REQUIRES(files_mutex_);
    [[nodiscard]] std::uint64_t recycled_bytes() const SEXTANT_REQUIRES(files_mutex_);
    /// Of the next file, if no frame needs more.
    [[nodiscard]] std::uint64_t usual_size();
    void give_back_rest();
    void count_disk_bytes() SEXTANT_REQUIRES(files_mutex_);
    void remove_quietly(const std::string& path) const;
    Result<void> write_frame(const format::WalFrame& frame);
    Result<void> sync_file(bool always);
    Result<void> check_usable() const;
    /// Makes the log broken, and gives the error back.
    Error fail(Error error);

    const WalPlace place_;
    const WalOptions options_;

    // Of the appending thread; file_size_ is written under files_mutex_, as release() reads it.
    std::uint64_t position_ = 0;      ///< where the next frame begins
    std::uint64_t file_size_ = 0;     ///< of the current file, written with zeros
    bool must_change_files_ = false;  ///< the next file may have got its name: nothing may go into this one any more
    std::vector<std::byte> buffer_;

    /// Held while the disk works: two syncs at once would share one report of a failure, and one of them not hear of it.
    Mutex sync_mutex_{LockRank::wal_file};
    /// Held while files are made, renamed and removed. Never together with sync_mutex_.
    Mutex files_mutex_{LockRank::wal_file};
    std::vector<OldFile> old_files_ SEXTANT_GUARDED_BY(files_mutex_);  ///< by number
    std::vector<RecycledFile> recycled_ SEXTANT_GUARDED_BY(files_mutex_);

    mutable Mutex state_mutex_{LockRank::leaf};
    std::shared_ptr<File> file_ SEXTANT_GUARDED_BY(state_mutex_);
    std::string failure_ SEXTANT_GUARDED_BY(state_mutex_);
    std::atomic<std::uint64_t> appended_;  ///< written under state_mutex_, with file_
    std::atomic<std::uint64_t> synced_;
    std::atomic<std::uint64_t> disk_bytes_{0};
    std::atomic<std::uint64_t> file_count_{1};
    std::atomic<std::uint64_t> file_number_{0};
    std::atomic<bool> broken_{false};
    std::atomic<bool> closed_{false};
};

}  // namespace sextant::inline v1
