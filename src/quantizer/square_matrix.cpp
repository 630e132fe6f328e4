#include "quantizer/square_matrix.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "quantizer/parallel_work.hpp"
#include "sextant/kernel/product_kernel_table.hpp"

namespace sextant::inline v1::detail {
namespace {

/// From 5e-5 of the bound on, singular values arrive near 1.
constexpr int lifting_steps = 8;
constexpr int closing_steps = 4;
/// How far the product with the transpose may be from the identity, in any place.
constexpr float orthogonal_within = 0x1.0p-11F;

/// out = a · b.
void multiply(const SquareMatrix& a, const SquareMatrix& b, SquareMatrix& out, const TrainContext& context) {
    const std::size_t size = a.size();
    const std::size_t chunk = rows_per_chunk(size, size);
    for_each_index(context, (size + chunk - 1) / chunk, [&](std::size_t /*worker*/, std::size_t i) {
        const std::size_t first = i * chunk;
        product_kernels().multiply_f32(a.row(first), size, std::min(chunk, size - first), b.data(), size, size, size,
                                       out.row(first), size);
    });
}

void transpose(const SquareMatrix& a, SquareMatrix& out) noexcept {
    constexpr std::size_t block = 16;
    for (std::size_t r = 0; r < a.size(); r += block) {
        for (std::size_t c = 0; c < a.size(); c += block) {
            for (std::size_t i = 0; i < block; ++i) {
                for (std::size_t j = 0; j < block; ++j) out.row(c + j)[r + i] = a.row(r + i)[c + j];
            }
        }
    }
}

}  // namespace

SquareMatrix SquareMatrix::identity(std::size_t size) {
    SquareMatrix matrix(size);
    for (std::size_t i = 0; i < size; ++i) matrix.row(i)[i] = 1.0F;
    return matrix;
}

void SquareMatrix::scale(float factor) noexcept {
    for (float& value : values_) value *= factor;
}

void SquareMatrix::add_scaled(const SquareMatrix& other, float factor) noexcept {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += factor * other.values_[i];
}

float SquareMatrix::norm_bound() const noexcept {
    std::vector<double> columns(size_, 0.0);
    double largest_row = 0.0;
    double squares = 0.0;
    for (std::size_t r = 0; r < size_; ++r) {
        double sum = 0.0;
        for (std::size_t c = 0; c < size_; ++c) {
            const double size = std::fabs(double{row(r)[c]});
            sum += size;
            columns[c] += size;
            squares += size * size;
        }
        largest_row = std::max(largest_row, sum);
    }
    const double largest_column = *std::max_element(columns.begin(), columns.end());
    return static_cast<float>(std::min(std::sqrt(squares), std::sqrt(largest_row * largest_column)));
}

bool orthogonal_factor(SquareMatrix& matrix, const TrainContext& context) {
    const std::size_t size = matrix.size();
    const float bound = matrix.norm_bound();
    if (!(bound > 0.0F) || !std::isfinite(bound)) return false;
    matrix.scale(1.0F / bound);
    SquareMatrix transposed(size);
    SquareMatrix gram(size);
    SquareMatrix square(size);
    const auto set_gram = [&] {
        transpose(matrix, transposed);
        multiply(transposed, matrix, gram, context);
    };
    for (int step = 0; step < lifting_steps + closing_steps; ++step) {
        if (context.stop.stop_requested()) return false;
        set_gram();
        float first = 1.5F;
        if (step < lifting_steps) {
            // x -> 3.4445 x - 4.7750 x³ + 2.0315 x⁵ takes (0, 1.2] to (0, 1.2] and what has come far to 0.68 .. 1.13.
            first = 3.4445F;
            multiply(gram, gram, square, context);
            gram.scale(-4.7750F);
            gram.add_scaled(square, 2.0315F);
        } else {
            gram.scale(-0.5F);
        }
        for (std::size_t i = 0; i < size; ++i) gram.row(i)[i] += first;
        multiply(matrix, gram, square, context);
        std::swap(matrix, square);
    }
    if (context.stop.stop_requested()) return false;
    set_gram();
    for (std::size_t r = 0; r < size; ++r) {
        for (std::size_t c = 0; c < size; ++c) {
            const float expected = r == c ? 1.0F : 0.0F;
            if (!(std::fabs(gram.row(r)[c] - expected) <= orthogonal_within)) return false;
        }
    }
    return !context.stop.stop_requested();
}

}  // namespace sextant::inline v1::detail
