/// codebook_format: the bytes of a trained quantizer: docs/format/codebook.md is the same in words.
/// Invariants: read(write(x)) gives x; no input makes read() touch memory outside `bytes` or allocate by an unchecked
/// size.
/// Threads: pure functions.
#pragma once

#include <array>
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
inline constexpr std::size_t parameters_offset = 36;
inline constexpr std::size_t parameter_count = 5;
inline constexpr std::size_t header_hash_offset = 56;
inline constexpr std::size_t header_size = 64;
inline constexpr std::size_t hash_size = 8;
/// A rotation of 16,384 dimensions and its centroids fit.
inline constexpr std::uint64_t largest_payload = std::uint64_t{1} << 31U;

struct Header {
    QuantizerId quantizer = QuantizerId::none;
    std::uint32_t dimension = 0;
    float step = 0.0F;
    float row_error = 0.0F;
    float error_slope = 0.0F;
    /// What each of them means is the quantizer's; 0 where it has none.
    std::array<std::uint32_t, parameter_count> parameters = {};
};

struct Codebook {
    Header header;
    std::vector<float> payload;
};

[[nodiscard]] std::vector<std::byte> write(const Header& header, std::span<const float> payload);

/// corruption naming offset, got and expected; unsupported for a version this library does not know. What the numbers
/// mean, and how many floats there must be, is checked by the quantizer.
[[nodiscard]] Result<Codebook> read(std::span<const std::byte> bytes, QuantizerId expected);

/// "codebook: offset 24: step is nan, expected …": a number that the quantizer refuses.
[[nodiscard]] Error corrupt(std::size_t offset, std::string_view field, double got, std::string_view expected);
/// That the payload has so many floats.
[[nodiscard]] Result<void> expect_floats(const Codebook& book, std::uint64_t count);
/// That parameters from `first` on are 0.
[[nodiscard]] Result<void> expect_unused(const Header& header, std::size_t first);

[[nodiscard]] constexpr std::size_t parameter_offset(std::size_t index) noexcept {
    return parameters_offset + index * sizeof(std::uint32_t);
}

}  // namespace sextant::inline v1::codebook_format
