/// SectionMap: the sections of one file of a segment, paged from the disk. A block is checked when it is first asked for.
/// Invariants: bytes that check() accepted are those which the footer's checksums are of. What the system drops from memory
/// and reads again is not checked again.
/// Threads: const-safe; two threads may check one block at once, and find the same.
/// Lifetime: the file may be removed meanwhile. Nobody may shorten it: touching what was cut off ends the process.
/// Why two mappings: a page that is read for one row must not bring 31 others, which push out of a small memory what is in
/// use (ten times the searches a second where half of the vectors fit); a scan is ten times slower without them.
/// Cost: the first look at a block reads and hashes 64 KiB, from then on it is one load of a byte. at_hand() is a system call.
/// Why copies beside mappings: a thread that touches a page waits for it, so that the disk has one page to work on, and dies
/// where the disk cannot read it. copy() asks for many at once, and returns the error.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sextant/core/query_scratch.hpp"
#include "sextant/format/file_header.hpp"
#include "sextant/format/segment_footer.hpp"
#include "sextant/io/file.hpp"

namespace sextant::inline v1 {

class SectionMap {
public:
    /// Where a section lies in the file.
    struct Section {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
    };

    /// Bytes of a section from `first` on, and where they go.
    struct Part {
        std::uint64_t first = 0;
        std::span<std::byte> into = {};
    };
    /// One file, opened and mapped. Without `file` there is nothing to copy from but the mapping.
    struct Source {
        std::unique_ptr<MappedFile> rows;
        std::unique_ptr<MappedFile> scans;
        std::unique_ptr<File> file;
        std::string path;
    };

    /// REQUIRES: the mappings have as many bytes as `entry` says, and the sections lie in it.
    SectionMap(Source source, const format::FileIdentity& identity, format::FileEntry entry,
               std::vector<Section> sections);

    /// For who reads here and there.
    [[nodiscard]] std::span<const std::byte> bytes(std::size_t section) const noexcept {
        return part_of(*rows_, section);
    }
    /// The same bytes, for who reads them from end to end.
    [[nodiscard]] std::span<const std::byte> bytes_to_scan(std::size_t section) const noexcept {
        return part_of(*scans_, section);
    }
    /// That bytes [first, first + size) of a section can be relied on. corruption names file, offset and block.
    [[nodiscard]] Result<void> check(std::size_t section, std::uint64_t first, std::uint64_t size) const;
    /// Whether these bytes were checked and are in memory, so that reading them in place does not wait.
    [[nodiscard]] bool at_hand(std::size_t section, std::uint64_t first, std::uint64_t size) const noexcept;
    /// The same, without asking what is in memory.
    [[nodiscard]] bool checked(std::size_t section, std::uint64_t first, std::uint64_t size) const noexcept {
        return is_checked(sections_[section].offset + first, size);
    }
    /// Whether what is in memory is to be asked for now: not as long as all of it was, but for one time in sixteen. Asking is
    /// a system call for each row, which takes as long as scoring it.
    [[nodiscard]] bool should_ask() const noexcept {
        const std::uint32_t calm = calm_.load(std::memory_order_relaxed);
        return calm < calm_enough || calm % 16 == 0;
    }
    /// Whether all of a list was at hand.
    void note(bool all) const noexcept {
        const std::uint32_t calm = calm_.load(std::memory_order_relaxed);
        calm_.store(all ? (calm + 1 < 2 * calm_enough ? calm + 1 : calm_enough) : 0, std::memory_order_relaxed);
    }
    /// Fills all parts with bytes that can be relied on: those in memory from there, the others from the disk, at once.
    /// Errors as check(); io_error as File::read_batch(). Throws std::bad_alloc when the scratch must grow and cannot.
    [[nodiscard]] Result<void> copy(std::size_t section, std::span<const Part> parts, QueryScratch& scratch) const;
    /// The whole file. cancelled when told to stop; what was checked stays so.
    [[nodiscard]] Result<void> check_all(const std::stop_token& stop) const;

private:
    static constexpr std::uint32_t calm_enough = 64;

    class Copy;
    [[nodiscard]] Result<void> check_block(std::uint64_t index, const MappedFile& file) const;
    [[nodiscard]] Result<void> check_bytes(std::uint64_t index, std::span<const std::byte> block) const;
    [[nodiscard]] bool is_checked(std::uint64_t first, std::uint64_t size) const noexcept;
    [[nodiscard]] std::uint64_t block_end(std::uint64_t index) const noexcept {
        return std::min<std::uint64_t>((index + 1) * format::block_size, entry_.size);
    }
    [[nodiscard]] std::span<const std::byte> part_of(const MappedFile& file, std::size_t section) const noexcept {
        return file.bytes().subspan(static_cast<std::size_t>(sections_[section].offset),
                                    static_cast<std::size_t>(sections_[section].size));
    }

    std::unique_ptr<MappedFile> rows_;
    std::unique_ptr<MappedFile> scans_;
    std::string path_;
    format::FileIdentity identity_;
    format::FileEntry entry_;
    std::vector<Section> sections_;
    std::unique_ptr<std::atomic<bool>[]> checked_;  ///< by block; relaxed: the bytes never change
    mutable std::atomic<bool> all_checked_{false};
    std::unique_ptr<File> file_;  ///< null: copies are made from the mapping
    /// Lists that were all at hand, one after the other; relaxed: a guess, whichever thread's.
    mutable std::atomic<std::uint32_t> calm_{0};
};

}  // namespace sextant::inline v1
