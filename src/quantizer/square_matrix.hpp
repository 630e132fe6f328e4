/// square_matrix: square matrices of floats, and the orthogonal matrix nearest to one.
/// Invariant: the same bits with every executor, on every kernel.
/// Threads: confined; orthogonal_factor() shares its rows over the context's executor.
#pragma once

#include <algorithm>
#include <cstddef>

#include "sextant/concepts/quantizer.hpp"
#include "sextant/core/page_allocator.hpp"

namespace sextant::inline v1::detail {

/// Rows of one call of a kernel that does `inner` · `columns` multiply-adds for each: about a millisecond.
[[nodiscard]] inline std::size_t rows_per_chunk(std::size_t inner, std::size_t columns) noexcept {
    constexpr std::size_t work = std::size_t{1} << 25U;
    return std::clamp<std::size_t>(work / std::max<std::size_t>(inner * columns, 1), 1, 64);
}

class SquareMatrix {
public:
    /// Zeros. REQUIRES: size is a multiple of 16.
    explicit SquareMatrix(std::size_t size) : size_(size), values_(size * size) {}
    [[nodiscard]] static SquareMatrix identity(std::size_t size);

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] float* data() noexcept { return values_.data(); }
    [[nodiscard]] const float* data() const noexcept { return values_.data(); }
    [[nodiscard]] float* row(std::size_t index) noexcept { return values_.data() + index * size_; }
    [[nodiscard]] const float* row(std::size_t index) const noexcept { return values_.data() + index * size_; }

    void scale(float factor) noexcept;
    void add_scaled(const SquareMatrix& other, float factor) noexcept;
    /// Not less than the largest singular value; 0 for zeros alone.
    [[nodiscard]] float norm_bound() const noexcept;

private:
    std::size_t size_;
    PagedVector<float> values_;
};

/// Makes `matrix` its orthogonal polar factor: U·V^T of its singular value decomposition U·S·V^T, the orthogonal matrix
/// nearest to it (Schönemann 1966). False, with a matrix that means nothing, after a stop and where it is so nearly
/// singular that the iteration does not arrive.
/// Cost: 33 products of matrices. First a polynomial of degree 5 that lifts small singular values by 3.4 each time, then
/// Newton and Schulz's of degree 3, which doubles the right digits.
[[nodiscard]] bool orthogonal_factor(SquareMatrix& matrix, const TrainContext& context);

}  // namespace sextant::inline v1::detail
