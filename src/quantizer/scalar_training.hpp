/// scalar_training: where the offsets and the step of a ScalarQuantizer come from.
/// Threads: pure functions; deterministic for the sample.
#pragma once

#include <cstdint>
#include <optional>

#include "sextant/core/result.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"

namespace sextant::inline v1::detail {

/// cancelled when context.stop asks for it. An empty sample gives the codebook of vectors around zero, of size 1.
[[nodiscard]] Result<ScalarModel> train_scalar(MatrixView sample, std::optional<double> quantile, std::uint32_t bits,
                                               const TrainContext& context);

}  // namespace sextant::inline v1::detail
