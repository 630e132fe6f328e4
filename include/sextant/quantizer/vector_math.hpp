/// vector_math: lengths and distances that stay right where float arithmetic does not: 1e38, denormals, the zero
/// vector.
/// Threads: pure functions.
#pragma once

#include <cstddef>

#include "sextant/core/types.hpp"

namespace sextant::inline v1::detail {

/// Σ v² in double: neither overflows nor underflows for floats of any size.
[[nodiscard]] double square_norm(VectorView v) noexcept;
[[nodiscard]] double l2_in_double(const float* a, const float* b, std::size_t dimension) noexcept;
[[nodiscard]] double dot_in_double(const float* a, const float* b, std::size_t dimension) noexcept;
/// Of the vectors' directions; 1 where either is zero.
[[nodiscard]] double cosine_distance_in_double(const float* a, const float* b, std::size_t dimension) noexcept;

/// 1/|v|, as the side column of a field keeps it: 0 for the zero vector, and infinity where 1/|v| is no normal float.
/// Infinity makes every product with it non-finite, which sends the row to the functions above.
[[nodiscard]] float inverse_norm(VectorView v) noexcept;

/// out = v / |v|, right for vectors of any length. The zero vector stays zero; returns whether v was not zero.
bool to_unit(VectorView v, float* out) noexcept;

/// `distance` as a float that keeps its rank: past 3.399e38 (1 - 2^-10 of the largest float) the logarithm is spread
/// over the 8,191 floats that are left, so two distances that differ by 1.4 % and more still differ.
[[nodiscard]] float saturate(double distance) noexcept;

/// Whether any of `count` floats is infinite or not a number.
[[nodiscard]] bool any_non_finite(const float* values, std::size_t count) noexcept;

}  // namespace sextant::inline v1::detail
