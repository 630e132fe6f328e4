/// scalar_codes: how one vector becomes a row of signed bytes or halves of bytes, and back.
/// Threads: pure functions.
#pragma once

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

/// The same in halves of bytes; no `v` is the zero vector. `out` has i4_row_size(offset.size()) bytes. Not inline: they are
/// long, and few programs call them.
void encode_halves(std::span<const float> offset, float inverse_step, const float* v, std::byte* out) noexcept;
void decode_halves(std::span<const float> offset, float step, const std::byte* code, float* out) noexcept;

inline void decode_code(const ScalarModel& model, const std::byte* code, float* out) noexcept {
    if (model.bits == 4) return decode_halves(model.offset, model.step, code, out);
    decode_row(model.offset, model.step, code, out);
}

}  // namespace sextant::inline v1::detail
