#include "kernel_bench_scalar.hpp"

namespace sextant_bench {

float scalar_l2(const float* a, const float* b, std::size_t dimension) noexcept {
    float sum = 0.0F;
    for (std::size_t i = 0; i < dimension; ++i) {
        const float difference = a[i] - b[i];
        sum += difference * difference;
    }
    return sum;
}

float scalar_dot(const float* a, const float* b, std::size_t dimension) noexcept {
    float sum = 0.0F;
    for (std::size_t i = 0; i < dimension; ++i) sum += a[i] * b[i];
    return sum;
}

float scalar_cosine(const float* a, const float* b, std::size_t dimension) noexcept {
    return 1.0F - scalar_dot(a, b, dimension);
}

}  // namespace sextant_bench
