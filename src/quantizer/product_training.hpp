/// product_training: where the centroids of a ProductQuantizer come from, and how well they do.
/// Threads: pure functions; deterministic for sample, options and seed, whatever the executor and the kernel.
#pragma once

#include <cstdint>

#include "sextant/core/result.hpp"
#include "sextant/quantizer/product_quantizer.hpp"

namespace sextant::inline v1::detail {

struct ProductShape {
    std::size_t subvectors = 1;
    std::uint32_t bits = 8;
    ProductRotation rotation = ProductRotation::none;
    std::uint32_t iterations = 25;
};

/// REQUIRES: a shape that validate() accepts, with no more sub-vectors than dimensions.
[[nodiscard]] Result<ProductModel> train_product(MatrixView sample, const ProductShape& shape,
                                                 const TrainContext& context);

/// row_error and error_slope of `model` from `rows` of the sample; a stop leaves them as they are.
void measure_product(MatrixView sample, std::span<const std::size_t> rows, bool kept_out, ProductModel& model,
                     const std::stop_token& stop);

}  // namespace sextant::inline v1::detail
