/// row_changes: what was done to a sealed segment's rows since its files were written: which of them are dead, and which
/// have another payload; docs/format/row_changes.md is the same in words.
/// Invariants: decode(encode(x)) gives x; rows are below the segment's row count and rise.
/// Threads: pure functions. Lifetime: payloads that were decoded are views of the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/core/result.hpp"
#include "sextant/format/file_header.hpp"

namespace sextant::inline v1::format {

/// A bitmap: bit r of word r / 64 says that row r is dead.
struct TombstonesFile {
    std::uint64_t segment = 0;  ///< number of the segment it belongs to
    std::uint32_t row_count = 0;
    std::vector<std::uint64_t> words = {};

    friend bool operator==(const TombstonesFile&, const TombstonesFile&) = default;
};
[[nodiscard]] std::vector<std::byte> encode_tombstones(const FileIdentity& identity, const TombstonesFile& file);
/// corruption when it is not of `segment` with `row_count` rows.
[[nodiscard]] Result<TombstonesFile> decode_tombstones(std::span<const std::byte> bytes, const FileIdentity& identity,
                                                       std::uint64_t segment, std::uint32_t row_count,
                                                       std::string_view path);

struct ChangedPayload {
    std::uint32_t row = 0;
    std::uint64_t version = 0;
    std::span<const std::byte> payload = {};
};
[[nodiscard]] std::vector<std::byte> encode_overlay(const FileIdentity& identity, std::uint64_t segment,
                                                    std::uint32_t row_count, std::span<const ChangedPayload> changes);
[[nodiscard]] Result<std::vector<ChangedPayload>> decode_overlay(std::span<const std::byte> bytes,
                                                                 const FileIdentity& identity, std::uint64_t segment,
                                                                 std::uint32_t row_count, std::string_view path);

}  // namespace sextant::inline v1::format
