/// rabitq_codes: how one vector becomes packed codes and their trailer, and back.
/// Threads: pure functions.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "sextant/quantizer/rabitq_quantizer.hpp"

namespace sextant::inline v1::detail {

/// Cells of 2^bits equal ones that lose least of normal numbers of variance 1 (Max 1960, table II). Of one bit only the
/// sign is kept.
[[nodiscard]] constexpr double best_cell(std::size_t bits) noexcept {
    constexpr double cells[] = {1.0, 1.596, 0.9957, 0.5860, 0.3352, 0.1881, 0.1041, 0.0568, 0.0308};
    return cells[bits];
}

/// Of a component, in units: what lies further from the mean is as far from all others as it is in any case. Squares, sums
/// of 65,536 of them and what they are multiplied with stay floats.
inline constexpr float longest_component = 0x1.0p16F;
/// The group of the zero vector under cosine.
inline constexpr std::size_t zero_group = packed_groups - 1;
/// Dimensions that say which group is closest: rotated, any of them are as good as all.
inline constexpr std::size_t group_dimensions = 64;

[[nodiscard]] constexpr std::size_t column_count(std::size_t groups) noexcept { return (groups + 15) / 16 * 16; }

/// What the components of a vector of this length are multiplied with to become cells.
[[nodiscard]] inline float inverse_cell(std::size_t bits, std::size_t padded, double length) noexcept {
    return static_cast<float>(std::sqrt(static_cast<double>(padded)) / (best_cell(bits) * length));
}

/// turned = rotation · (v - origin) / unit; `origin` may be null.
inline void turn(const RabitqModel& model, const float* v, const float* origin, std::span<float> turned) noexcept {
    packed_kernels().centre(v, origin, 1.0F / model.unit, longest_component, model.dimension(), turned.size(),
                            turned.data());
    rotation_kernels().rotate(model.signs.data(), turned.size(), turned.data());
}

/// `error` with its lowest 8 bits naming the group.
[[nodiscard]] inline float mark_of(double error, std::size_t group) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(error));
    return std::bit_cast<float>((bits & ~0xFFU) | static_cast<std::uint32_t>(group));
}

[[nodiscard]] inline PackedTrailer load_packed_trailer(const std::byte* row, std::size_t padded,
                                                       std::size_t bits) noexcept {
    PackedTrailer trailer;
    std::memcpy(&trailer, row + packed_trailer_offset(padded, bits), sizeof(trailer));
    return trailer;
}

}  // namespace sextant::inline v1::detail
