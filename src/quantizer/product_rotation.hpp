/// product_rotation: the rotation of optimized product quantization (Ge, He, Ke, Sun 2013), learned by turns: centroids
/// for the rotated rows, then the rotation that brings the rows nearest to their centroids.
/// Invariants: (1) what is learned is orthogonal within 2^-10; (2) deterministic for sample and seed, whatever the
/// executor and the kernel.
/// Threads: pure functions.
/// Why no singular value decomposition: the rotation wanted is the orthogonal factor of a square matrix, which products of
/// matrices alone converge to. They run in kernels that give the same bits everywhere, share their rows between threads
/// and look at the stop token every millisecond; a decomposition of 784 dimensions is seconds in one piece.
#pragma once

#include <cstddef>
#include <vector>

#include "quantizer/parallel_work.hpp"
#include "sextant/core/page_allocator.hpp"
#include "sextant/quantizer/product_quantizer.hpp"

namespace sextant::inline v1::detail {

/// Rows of a sample as the centroids of a rotated model see them.
class RotatedRows {
public:
    RotatedRows() = default;
    /// REQUIRES: the model has a rotation. Throws std::bad_alloc. Not whole after a stop.
    RotatedRows(MatrixView sample, const std::vector<std::size_t>& rows, const TrainContext& context,
                const ProductModel& model);

    [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
    [[nodiscard]] const float* row(std::size_t index) const noexcept { return values_.data() + index * stride_; }

private:
    std::size_t stride_ = 0;
    PagedVector<float> values_;
};

/// Steps of progress that learn_rotation() adds.
[[nodiscard]] std::size_t rotation_steps(const ProductModel& model) noexcept;

/// Sets model.rotation. False after a stop.
[[nodiscard]] bool learn_rotation(MatrixView sample, const std::vector<std::size_t>& rows, const TrainContext& context,
                                  ProductModel& model, Progress& progress);

}  // namespace sextant::inline v1::detail
