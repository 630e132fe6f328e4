/// rabitq_training: where the rows of a sample lie, and a rotation.
/// Threads: a pure function, on the caller's thread.
#pragma once

#include "sextant/quantizer/rabitq_quantizer.hpp"

namespace sextant::inline v1::detail {

/// The same for the same sample and seed, on every kernel.
[[nodiscard]] Result<RabitqModel> train_rabitq(MatrixView sample, std::uint32_t bits, const TrainContext& context);

}  // namespace sextant::inline v1::detail
