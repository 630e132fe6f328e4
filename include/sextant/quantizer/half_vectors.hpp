/// half_vectors: vectors as half floats, and rows of either precision as floats.
/// Threads: pure functions.
/// Cost: reading a row of halves as floats is one instruction for eight or sixteen of them from AVX2 on.
#pragma once

#include <cstddef>
#include <span>

#include "sextant/core/types.hpp"

namespace sextant::inline v1::detail {

/// Each component as the nearest half, as a float. False, and `out` is of no use: some component has no finite one
/// (see first_beyond_halves). REQUIRES: out has room for the vector; it may be the vector.
[[nodiscard]] bool round_to_halves(VectorView vector, float* out) noexcept;
/// Index of the first component whose nearest half is not finite; vector.size() where there is none.
[[nodiscard]] std::size_t first_beyond_halves(VectorView vector) noexcept;

/// 2 bytes a component. REQUIRES: round_to_halves() changes nothing of it.
void store_halves(VectorView vector, std::byte* out) noexcept;
void load_halves(const std::byte* halves, std::span<float> out) noexcept;
/// A row of raw vectors: floats as they are, or halves as above.
void store_raw(VectorView vector, RawPrecision precision, std::byte* out) noexcept;

/// A raw vector: where it lies, or, of halves, read into `room`, which has `dimension` floats and may be null where rows
/// are floats.
[[nodiscard]] inline VectorView raw_vector(const RowSource& rows, RowId row, std::size_t dimension,
                                           float* room) noexcept {
    if (rows.precision == RawPrecision::F32) return {reinterpret_cast<const float*>(rows.row(row)), dimension};
    load_halves(rows.row(row), {room, dimension});
    return {room, dimension};
}

}  // namespace sextant::inline v1::detail
