/// SegmentFooter: the files of a sealed segment, their sizes, and a checksum for each 64 KiB of each; docs/format/segment.md
/// is the same in words.
/// Invariants: decode(encode(x)) gives x; no input makes decode() allocate by an unchecked size.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/core/result.hpp"
#include "sextant/format/file_header.hpp"

namespace sextant::inline v1::format {

inline constexpr std::size_t block_size = std::size_t{64} << 10U;
[[nodiscard]] constexpr std::uint64_t block_count(std::uint64_t size) noexcept {
    return size / block_size + (size % block_size != 0 ? 1 : 0);
}
/// Of block `index` of a file, whose last block may be shorter.
[[nodiscard]] std::uint64_t block_checksum(const FileIdentity& identity, std::uint64_t index,
                                           std::span<const std::byte> block) noexcept;

struct FileEntry {
    FileKind kind = FileKind::segment_meta;
    std::uint16_t field = 0;  ///< of which vector field; 0 for files of the whole segment
    std::uint64_t size = 0;
    std::vector<std::uint64_t> blocks = {};

    friend bool operator==(const FileEntry&, const FileEntry&) = default;
};

struct SegmentFooter {
    std::vector<FileEntry> files = {};

    [[nodiscard]] const FileEntry* find(FileKind kind, std::uint16_t field) const noexcept {
        for (const FileEntry& file : files) {
            if (file.kind == kind && file.field == field) return &file;
        }
        return nullptr;
    }
    friend bool operator==(const SegmentFooter&, const SegmentFooter&) = default;
};

inline constexpr std::size_t max_footer_size = std::size_t{1} << 30U;

/// The identity of a segment's file: files of vector field f have the number segment | f << 48.
[[nodiscard]] FileIdentity segment_file_identity(const FileIdentity& segment, FileKind kind,
                                                 std::uint16_t field) noexcept;

[[nodiscard]] std::vector<std::byte> encode_segment_footer(const FileIdentity& identity, const SegmentFooter& footer);
[[nodiscard]] Result<SegmentFooter> decode_segment_footer(std::span<const std::byte> bytes,
                                                          const FileIdentity& identity, std::string_view path);

}  // namespace sextant::inline v1::format
