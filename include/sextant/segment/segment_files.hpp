/// segment_files: a sealed segment as files, and back; docs/format/segment.md has the layout.
///     seg/000007/{meta,ids,payload,footer}   seg/000007/v0/{graph,codes,vectors,codebook}   seg/000007/{del,payload}-000123
/// Invariants: a directory without ".tmp" in its name holds a whole segment, durable with its name.
/// Threads: one caller for one segment; what is read is const-safe as a SealedSegment is.
/// Cost: writing reads each section once; reading copies each once and checks every block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sextant/concepts/storage.hpp"
#include "sextant/core/executor.hpp"
#include "sextant/core/function_ref.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"
#include "sextant/io/file_system.hpp"
#include "sextant/segment/sealed_segment.hpp"
#include "sextant/segment/vector_field.hpp"

namespace sextant::inline v1 {

/// Where the files of one segment lie, or will.
struct SegmentPlace {
    FileSystem* files = nullptr;
    std::string directory = {};                 ///< of all segments: "…/seg"
    std::array<std::byte, 16> collection = {};  ///< identity of the collection
    std::uint64_t number = 0;                   ///< 1 .. 2^48 - 1

    /// "…/seg/000007".
    [[nodiscard]] std::string path() const;
};

struct WrittenSegment {
    std::uint64_t footer_checksum = 0;  ///< XXH3-64 of the footer file: names these files and no others
    std::uint64_t bytes = 0;
};

/// Writes to "…/000007.tmp", syncs every file and directory, renames, syncs the directory of all segments. An error leaves
/// at most the temporary directory behind. `written` is told after each piece of at most 1 MiB; it may take its time.
[[nodiscard]] Result<WrittenSegment> write_segment(const SegmentPlace& place, const SealedSegment& segment,
                                                   std::span<const std::unique_ptr<VectorField>> fields,
                                                   const std::stop_token& stop, FunctionRef<void(std::size_t)> written);

struct ReadOptions {
    MemoryAccount* account = nullptr;
    Executor* executor = nullptr;
    std::uint64_t expected_footer = 0;          ///< 0: any
    bool rebuild_derived = false;               ///< codes and graphs that are damaged are made anew
    Residency residency = Residency::resident;  ///< mapped…: what is left in its files
    bool check_mapped = false;  ///< what is mapped is read and checked now, not when it is first asked for
    std::stop_token stop = {};  ///< asked before each piece of at most 1 MiB: cancelled
};

struct ReadSegment {
    std::shared_ptr<SealedSegment> segment;
    std::vector<std::string> rebuilt;  ///< which parts were made anew, and why
    std::uint64_t bytes = 0;           ///< of the files
};

/// corruption names file and offset; not_found where files are missing.
[[nodiscard]] Result<ReadSegment> read_segment(const SegmentPlace& place,
                                               std::span<const std::unique_ptr<VectorField>> fields,
                                               const ReadOptions& options);

/// The rows that are dead in `state`, as "del-<file_number>". Written aside, synced, renamed, directory synced.
[[nodiscard]] Result<void> write_tombstones(const SegmentPlace& place, std::uint64_t file_number,
                                            const SegmentState& state);
/// The payloads that were changed, as a reader at `at` sees them, as "payload-<file_number>".
[[nodiscard]] Result<void> write_overlay(const SegmentPlace& place, std::uint64_t file_number,
                                         const SegmentState& state, Lsn at);
/// Into a segment that was just read, of which no version exists yet.
[[nodiscard]] Result<void> read_tombstones(const SegmentPlace& place, std::uint64_t file_number,
                                           SealedSegment& segment);
/// The newest change; Lsn{} where there is none.
[[nodiscard]] Result<Lsn> read_overlay(const SegmentPlace& place, std::uint64_t file_number, SealedSegment& segment);
/// The same files, read and checked and left. 0: there is none of the kind.
[[nodiscard]] Result<void> verify_changes(const SegmentPlace& place, std::uint64_t tombstones_file,
                                          std::uint64_t overlay_file, std::uint32_t row_count);

/// Every block of every file, and that no file is missing. corruption names file and offset.
[[nodiscard]] Result<void> verify_segment_files(const SegmentPlace& place, std::uint64_t expected_footer);

}  // namespace sextant::inline v1
