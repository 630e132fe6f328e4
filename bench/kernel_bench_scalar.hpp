/// kernel_bench_scalar: the loops the kernels are measured against, built without vectorisation in a file of their own.
#pragma once

#include <cstddef>

namespace sextant_bench {

[[nodiscard]] float scalar_l2(const float* a, const float* b, std::size_t dimension) noexcept;
[[nodiscard]] float scalar_dot(const float* a, const float* b, std::size_t dimension) noexcept;
/// 1 - a·b, for unit vectors.
[[nodiscard]] float scalar_cosine(const float* a, const float* b, std::size_t dimension) noexcept;

}  // namespace sextant_bench
