/// codebook_format: the bytes of a trained quantizer: docs/format/codebook.md is the same in words.
/// Invariants: read(write(x)) gives x; no input makes read() touch memory outside `bytes` or allocate by an unchecked
/// size.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1::codebook_format {

inline constexpr char magic[8] = {'S', 'X', 'T', 'C', 'O', 'D', 'E', 'B'};
inline constexpr std::uint16_t version = 1;

inline constexpr std::size_t quantizer_offset = 8;
inline constexpr std::size_t version_offset = 10;
inline constexpr std::size_t dimension_offset = 12;
inline constexpr std::size_t payload_size_offset = 16;
inline constexpr std::size_t step_offset = 24;
inline constexpr std::size_t row_error_offset = 28;
inline constexpr std::size_t error_slope_offset = 32;
inline constexpr std::size_t reserved_offset = 36;
inline constexpr std::size_t reserved_size = 20;
inline constexpr std::size_t header_hash_offset = 56;
inline constexpr std::size_t header_size = 64;
inline constexpr std::size_t hash_size = 8;

struct Header {
    QuantizerId quantizer = QuantizerId::none;
    std::uint32_t dimension = 0;
    float step = 0.0F;
    float row_error = 0.0F;
    float error_slope = 0.0F;
};

struct Codebook {
    Header header;
    std::vector<float> payload;
};

[[nodiscard]] std::vector<std::byte> write(const Header& header, std::span<const float> payload);

/// corruption naming offset, got and expected; unsupported for a version this library does not know. What the numbers
/// mean is checked by the quantizer, where a payload has `dimension` floats or none.
[[nodiscard]] Result<Codebook> read(std::span<const std::byte> bytes, QuantizerId expected);

/// "codebook: offset 24: step is nan, expected …": a number that the quantizer refuses.
[[nodiscard]] Error corrupt(std::size_t offset, std::string_view field, double got, std::string_view expected);

}  // namespace sextant::inline v1::codebook_format
