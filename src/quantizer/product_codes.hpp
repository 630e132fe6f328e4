/// product_codes: how one vector becomes a row of product codes, and back. "Prepared" are vectors as the centroids see
/// them: in units, cut off at largest_component, padded, rotated.
/// Threads: pure functions. Cost: no allocation: they work in slices of slice_size components on the stack.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sextant/quantizer/product_quantizer.hpp"

namespace sextant::inline v1::detail {

inline constexpr std::size_t slice_size = 1024;
/// What a slice may need beyond its width: kernels work on whole groups of 16.
inline constexpr std::size_t slice_room = slice_size + 16;

/// The centroid that stands for the zero vector under cosine: the last of the first sub-vector.
[[nodiscard]] inline std::uint8_t kept_centroid(const ProductModel& model) noexcept {
    return static_cast<std::uint8_t>(model.centroid_count() - 1);
}

[[nodiscard]] inline std::uint8_t code_at(const ProductModel& model, const std::byte* code,
                                          std::size_t subvector) noexcept {
    if (model.bits == 8) return static_cast<std::uint8_t>(code[subvector]);
    const auto both = static_cast<std::uint8_t>(code[subvector / 2]);
    return static_cast<std::uint8_t>(subvector % 2 == 0 ? both & 15U : both >> 4U);
}
/// `code` is zero where it was not set yet.
inline void set_code(const ProductModel& model, std::byte* code, std::size_t subvector, std::uint8_t value) noexcept {
    if (model.bits == 8) {
        code[subvector] = static_cast<std::byte>(value);
    } else {
        code[subvector / 2] |= static_cast<std::byte>(subvector % 2 == 0 ? value : value << 4U);
    }
}
[[nodiscard]] inline bool is_kept(const ProductModel& model, const std::byte* code) noexcept {
    return code_at(model, code, 0) == kept_centroid(model);
}

/// Components [first, first + width) of `vector` · `factor`, prepared. `out` has room for `width` rounded up to 16 floats.
/// REQUIRES: width <= slice_size.
void prepare_slice(const ProductModel& model, const float* vector, float factor, std::size_t first, std::size_t width,
                   float* out) noexcept;
/// All of them; `out` has padded_dimension() + 16 floats.
void prepare(const ProductModel& model, const float* vector, float factor, float* out) noexcept;
void encode_product(const ProductModel& model, const float* vector, std::byte* code) noexcept;
/// Components [first, first + width) that the code stands for, prepared.
void decode_prepared(const ProductModel& model, const std::byte* code, std::size_t first, std::size_t width,
                     float* out) noexcept;
void decode_product(const ProductModel& model, const std::byte* code, float* vector) noexcept;

/// Fills model.nearest_zero; its centroids are those of a whole model.
void find_nearest_zero(ProductModel& model);

}  // namespace sextant::inline v1::detail
