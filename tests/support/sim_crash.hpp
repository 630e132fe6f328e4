/// sim_crash: every disk that a crash at a point of a recorded log may leave.
/// The model, ext4 with data=ordered and weaker:
///   data      a write, truncate or allocate that no sync of the file followed is there or not, whatever other files
///             and later writes do; a write may be torn at sectors of 512 bytes, any of which may be missing, and the
///             size may have grown without the data, which are zeros then
///   names     what was made, renamed or removed is there or not until its directory is synced (a rename: until both
///             are), in the order of the log, each left out where it is impossible; syncing a file keeps its data, but
///             not its name
///   failures  what a failed sync left unsynced stays so for good, past later syncs that succeed
/// Threads: a CrashEnumerator is confined; SeenImages is thread-safe. Lifetime: neither needs the disk any more.
/// Cost: around 10 us an image, less for one that was seen; it does not grow with the log when points come in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

#include "support/sim_disk.hpp"

namespace test_support {

struct CrashOptions {
    /// All combinations are tried while there are at most 2^this; else, with at most so many things pending, all
    /// subsets of whole things, and samples of torn ones.
    std::size_t exhaustive_pending = 10;
    /// Drawn where not all are tried.
    std::size_t random_subsets = 200;
    std::uint64_t seed = 1;
    /// What the oracle demands at this point, as a number; default: how many marks came before. An image that was seen
    /// is shown again when this differs, since what was right before a write was acknowledged may be wrong after it.
    /// Recordings that share a SeenImages (recoveries of many images) need numbers of the caller's.
    std::optional<std::uint64_t> epoch = {};
};

/// One image, in the callback.
struct CrashImage {
    std::size_t op_index = 0;  ///< the last operation before the crash
    Digest digest = {};        ///< of all names and bytes: what was recovered from equal ones may be remembered
    std::string what = {};     ///< which pending things are there: a digit each, 0 none, 1 whole, more: torn
};

/// What was shown already, in all calls that share it.
class SeenImages {
public:
    /// Whether this image is new in this epoch.
    bool insert(const Digest& digest, std::uint64_t epoch);
    /// Different images, whatever the epoch.
    [[nodiscard]] std::size_t unique_count() const;

private:
    struct Hash {
        std::size_t operator()(const Digest& digest) const noexcept { return static_cast<std::size_t>(digest.low); }
    };
    mutable std::mutex mutex_;
    std::unordered_set<Digest, Hash> images_;
    std::unordered_set<Digest, Hash> shown_;
};

struct CrashCounts {
    std::uint64_t generated = 0;
    std::uint64_t shown = 0;  ///< given to the callback

    CrashCounts& operator+=(const CrashCounts& other) noexcept {
        generated += other.generated;
        shown += other.shown;
        return *this;
    }
};

using OnImage = std::function<void(SimDisk&& image, const CrashImage& about)>;

class CrashEnumerator {
public:
    /// `seed` draws how writes are torn.
    explicit CrashEnumerator(Recording recording, std::uint64_t seed = 1);
    CrashEnumerator(const CrashEnumerator&) = delete;
    CrashEnumerator& operator=(const CrashEnumerator&) = delete;
    ~CrashEnumerator();

    [[nodiscard]] std::size_t log_size() const noexcept;
    /// Shows the images of a loss of power right after `op_index`. Cheap when called in order.
    /// REQUIRES: op_index < log_size().
    CrashCounts at(std::size_t op_index, const CrashOptions& options, SeenImages& seen, const OnImage& on_image);
    /// The disk after the process was killed there: what the system was given is kept.
    [[nodiscard]] SimDisk kill_image(std::size_t op_index);
    /// The pending things behind the digits of CrashImage::what, for the last point asked for.
    [[nodiscard]] std::string pending() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// One point of a disk's log, from its start; a loop over many points wants a CrashEnumerator.
CrashCounts enumerate_crashes(const SimDisk& recorded, std::size_t op_index, const CrashOptions& options,
                              SeenImages& seen, const OnImage& on_image);

}  // namespace test_support
