/// sealed_body: small files that are written whole: a header, the body's size, its checksum, the body.
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

inline constexpr std::size_t body_size_offset = file_header_size;
inline constexpr std::size_t body_checksum_offset = file_header_size + 8;
inline constexpr std::size_t body_offset = file_header_size + 16;

[[nodiscard]] std::vector<std::byte> seal_body(const FileHeader& header, std::span<const std::byte> body);

struct SealedBody {
    FileHeader header;
    std::span<const std::byte> body;  ///< of the bytes given
};
/// corruption naming path and offset when header, size or checksum are not right.
[[nodiscard]] Result<SealedBody> open_body(std::span<const std::byte> bytes, const FileIdentity& identity,
                                           std::string_view path);

}  // namespace sextant::inline v1::format
