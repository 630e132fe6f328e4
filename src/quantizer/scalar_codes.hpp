/// scalar_codes: how one vector becomes a row of signed bytes or halves of bytes, and back.
/// Threads: pure functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "sextant/core/config.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/kernel/scalar4_kernel_table.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"

namespace sextant::inline v1::detail {

/// Below this, 1/step would leave the normal floats. Data as small as that is one point to this codec.
inline constexpr float smallest_step = 0x1.0p-120F;

[[nodiscard]] inline I8Trailer trailer_of(const std::int8_t* values, std::size_t dimension) noexcept {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < dimension; ++i) sum += values[i];
    return {sum, static_cast<std::uint32_t>(active_kernels().dot_i8(values, values, dimension))};
}

/// `out` has i8_row_size(offset.size()) bytes.
inline void encode_row(std::span<const float> offset, float inverse_step, const float* v, std::byte* out) noexcept {
    const std::size_t dimension = offset.size();
    const auto values = reinterpret_cast<std::int8_t*>(out);
    active_kernels().encode_i8(v, offset.data(), inverse_step, dimension, values);
    const std::size_t trailer_at = i8_trailer_offset(dimension);
    for (std::size_t i = dimension; i < trailer_at; ++i) values[i] = 0;
    const I8Trailer trailer = trailer_of(values, dimension);
    std::memcpy(out + trailer_at, &trailer, sizeof(trailer));
}

inline void decode_row(std::span<const float> offset, float step, const std::byte* code, float* out) noexcept {
    const auto values = reinterpret_cast<const std::int8_t*>(code);
    for (std::size_t i = 0; i < offset.size(); ++i) out[i] = offset[i] + step * static_cast<float>(values[i]);
}

/// The halves that a value of a 4-bit code becomes, for the values that encode_i8 gives.
[[nodiscard]] inline std::uint8_t half_of(std::int8_t value) noexcept {
    return static_cast<std::uint8_t>(std::clamp<int>(value, -8, 7) + 8);
}

/// `fill(first, count, values)` gives the values of at most i4_block dimensions; `out` has i4_row_size(dimension) bytes.
template <class Fill>
void write_halves(std::size_t dimension, Fill fill, std::byte* out) noexcept {
    I8Trailer trailer{0, 0};
    for (std::size_t base = 0; base < dimension; base += i4_block) {
        const std::size_t count = std::min(i4_block, dimension - base);
        const std::size_t size = i4_block_size(count);
        std::int8_t values[i4_block];
        std::uint8_t halves[i4_block] = {};
        fill(base, count, values);
        for (std::size_t i = 0; i < count; ++i) {
            halves[i] = half_of(values[i]);
            trailer.sum += halves[i];
            trailer.square_sum += 256U * halves[i] * halves[i];
        }
        for (std::size_t i = 0; i < size; ++i) *out++ = static_cast<std::byte>(halves[i] | halves[size + i] << 4U);
    }
    std::memcpy(out, &trailer, sizeof(trailer));
}

inline void encode_halves(std::span<const float> offset, float inverse_step, const float* v, std::byte* out) noexcept {
    const auto fill = [&](std::size_t first, std::size_t count, std::int8_t* values) noexcept {
        active_kernels().encode_i8(v + first, offset.data() + first, inverse_step, count, values);
    };
    write_halves(offset.size(), fill, out);
}

inline void decode_halves(std::span<const float> offset, float step, const std::byte* code, float* out) noexcept {
    for (std::size_t base = 0; base < offset.size(); base += i4_block) {
        const std::size_t count = std::min(i4_block, offset.size() - base);
        const std::size_t size = i4_block_size(count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto byte = std::to_integer<int>(code[i < size ? i : i - size]);
            const int half = i < size ? byte & 15 : byte >> 4;
            out[base + i] = offset[base + i] + step * static_cast<float>(half - 8);
        }
        code += size;
    }
}

inline void decode_code(const ScalarModel& model, const std::byte* code, float* out) noexcept {
    if (model.bits == 4) return decode_halves(model.offset, model.step, code, out);
    decode_row(model.offset, model.step, code, out);
}

}  // namespace sextant::inline v1::detail
