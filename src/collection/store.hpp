/// Store: the directory of a durable collection: its lock, its manifest, the numbers of its files.
///     LOCK   CURRENT → MANIFEST-000012   wal/000034.wal   seg/000007/…
/// Invariants: (1) CURRENT names a manifest that is whole on the disk; (2) every file that the manifest names is whole
/// and durable before the manifest is; (3) a number is given once, also across openings.
/// Threads: take_number() is thread-safe; manifest() once it is open, write_manifest(), verify_manifest() and
/// remove_unneeded() have one caller at a time.
/// Lifetime: holds the lock until it is destroyed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "new_codes.hpp"
#include "sextant/collection/detail/wanted_options.hpp"
#include "sextant/collection/open_options.hpp"
#include "sextant/core/result.hpp"
#include "sextant/format/manifest.hpp"
#include "sextant/io/file_system.hpp"
#include "sextant/segment/segment_files.hpp"
#include "sextant/wal/wal_files.hpp"

namespace sextant::inline v1::detail {

class Store {
public:
    /// Opens or makes the directory and checks what is wanted against what is stored. Errors: not_found, already_exists,
    /// busy, corruption, unsupported, invalid_argument naming the option that disagrees.
    [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::string& path, const WantedOptions& wanted,
                                                             const OpenOptions& open);

    /// Whether open() would find a collection.
    [[nodiscard]] static Result<bool> there(const std::string& path, const OpenOptions& open);

    [[nodiscard]] FileSystem& files() const noexcept { return *files_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] bool read_only() const noexcept { return read_only_; }
    [[nodiscard]] Residency residency() const noexcept { return residency_; }
    /// REQUIRES: no segment was read yet.
    void set_residency(Residency residency) noexcept { residency_ = residency; }
    [[nodiscard]] const format::Manifest& manifest() const noexcept { return manifest_; }
    /// Why it is not the one that CURRENT names; empty where it is.
    [[nodiscard]] const std::string& guessed() const noexcept { return guessed_; }

    /// For others to open the directory. REQUIRES: nothing is written from now on.
    void unlock() noexcept { lock_.reset(); }

    [[nodiscard]] WalPlace wal() const;
    [[nodiscard]] SegmentPlace segment(std::uint64_t number) const;
    [[nodiscard]] std::uint64_t take_number() noexcept { return next_number_.fetch_add(1, std::memory_order_relaxed); }

    /// Makes `next` (its options and next_number are filled in here) what the collection is, `codes` (null: as before) its
    /// quantizer. Durable when it returns.
    /// After an error it may be unknown which of the two manifests is on the disk: both stay, with all that they name,
    /// until another call succeeds.
    [[nodiscard]] Result<void> write_manifest(format::Manifest next, const NewCodes* codes = nullptr);
    /// Reads CURRENT and what it names once more. corruption: they are not what was written.
    [[nodiscard]] Result<void> verify_manifest() const;
    /// Makes the directory of the segments where it is not there: a copy of a collection without segments may have come
    /// without it, being empty.
    [[nodiscard]] Result<void> make_segment_directory();
    /// Disk space kept for the day the disk is full: makes the file, or changes its size to what suits a collection of
    /// `bytes`. Where there is no room for it there is none.
    void keep_reserve(std::uint64_t bytes) noexcept;
    /// Gives it back to the disk. False: there was none.
    [[nodiscard]] bool release_reserve() noexcept;
    /// Removes what neither the manifest nor a log at work needs; nothing while it is unknown which manifest that is.
    /// Stops at the first error. `stop` is asked before each file: cancelled, and the rest goes the next time.
    [[nodiscard]] Result<void> remove_unneeded(const std::stop_token& stop = {});

    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store() = default;

private:
    explicit Store(std::string path) : path_(std::move(path)) {}

    [[nodiscard]] Result<void> create(const WantedOptions& wanted);
    [[nodiscard]] Result<format::DecodedManifest> read_manifest() const;
    [[nodiscard]] Result<void> load();
    [[nodiscard]] Result<format::DecodedManifest> newest_whole_manifest() const;
    [[nodiscard]] Result<void> check_no_data() const;
    [[nodiscard]] Result<void> put_manifest(const format::Manifest& next);
    [[nodiscard]] Result<void> remove_unneeded_in_segment(const format::ManifestSegment& segment,
                                                          const std::stop_token& stop);

    std::string path_;
    std::unique_ptr<FileSystem> own_files_;
    FileSystem* files_ = nullptr;
    std::unique_ptr<FileLock> lock_;
    bool read_only_ = false;
    bool salvage_ = false;
    std::string guessed_;
    Residency residency_ = Residency::resident;
    std::array<std::byte, 16> collection_ = {};
    std::uint64_t manifest_number_ = 0;
    std::uint64_t newest_number_ = 0;  ///< of the manifests that were begun
    bool manifest_unknown_ = false;    ///< naming one failed half way
    format::Manifest manifest_;
    std::atomic<std::uint64_t> next_number_{1};
};

}  // namespace sextant::inline v1::detail
