#include "sextant/kernel/kernel_table.hpp"
#include "sextant/metric/cosine.hpp"
#include "sextant/metric/inner_product.hpp"

namespace sextant::inline v1::detail {

float inner_product_distance(const float* a, const float* b, std::size_t dimension) noexcept {
    return -active_kernels().dot_f32(a, b, dimension);
}

float cosine_distance(const float* a, const float* b, std::size_t dimension) noexcept {
    return 1.0F - active_kernels().dot_f32(a, b, dimension);
}

}  // namespace sextant::inline v1::detail
