#include "kernel/tables.hpp"

namespace sextant::inline v1 {

const ProductKernelTable& product_kernels(const KernelTable& kernels) noexcept {
    switch (kernels.isa) {
#if defined(__x86_64__)
        case KernelIsa::avx512: return detail::product_avx512_kernels;
        case KernelIsa::avx2: return detail::product_avx2_kernels;
#elif defined(__aarch64__)
        case KernelIsa::neon: return detail::product_neon_kernels;
#endif
        default: return detail::product_baseline_kernels;
    }
}

}  // namespace sextant::inline v1
