/// FileHeader: the first 64 bytes of every file of a collection; docs/format/file_header.md is the same in words.
/// Invariants: decode(encode(x)) gives x; two files of one collection never have the same kind and number at once.
/// Threads: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sextant/core/result.hpp"

namespace sextant::inline v1::format {

/// Persisted; never renumbered.
enum class FileKind : std::uint16_t {
    wal = 1,
    manifest = 2,
    segment_meta = 3,
    segment_footer = 4,
    ids = 5,
    payload = 6,
    graph = 7,
    codes = 8,
    vectors = 9,
    codebook = 10,
    tombstones = 11,
    payload_overlay = 12,
};

/// What makes a file this one and no other: of which collection, and which of its files.
struct FileIdentity {
    std::array<std::byte, 16> collection = {};  ///< random, drawn when the collection was created
    FileKind kind = FileKind::wal;
    std::uint64_t number = 0;  ///< in the file's name

    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// The seed of every checksum inside a file: bytes that were moved to another file, or to another place of the same
/// file, do not pass.
[[nodiscard]] std::uint64_t checksum_seed(const FileIdentity& identity, std::uint64_t position) noexcept;

inline constexpr std::size_t file_header_size = 64;
inline constexpr std::uint16_t format_version = 1;

struct FileHeader {
    FileIdentity identity = {};
    std::uint64_t sequence = 0;  ///< what it means depends on the kind; 0 where it means nothing

    friend bool operator==(const FileHeader&, const FileHeader&) = default;
};

/// corruption: "path: offset 12: what".
[[nodiscard]] Error damaged(std::string_view path, std::uint64_t offset, std::string_view what);

using FileHeaderBytes = std::array<std::byte, file_header_size>;
[[nodiscard]] FileHeaderBytes encode(const FileHeader& header) noexcept;

/// corruption naming `path`, offset, got and expected; unsupported for a version this library does not know.
[[nodiscard]] Result<FileHeader> decode_file_header(std::span<const std::byte> bytes, std::string_view path);
/// The same, and corruption when the file is not the one `expected` names.
[[nodiscard]] Result<FileHeader> decode_file_header(std::span<const std::byte> bytes, const FileIdentity& expected,
                                                    std::string_view path);

}  // namespace sextant::inline v1::format
