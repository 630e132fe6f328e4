#include "kernel/tables.hpp"

namespace sextant::inline v1 {

const HalfKernelTable& half_kernels(const KernelTable& kernels) noexcept {
    switch (kernels.isa) {
#if defined(__x86_64__)
        case KernelIsa::avx512: return detail::half_avx512_kernels;
        case KernelIsa::avx2: return detail::half_avx2_kernels;
#elif defined(__aarch64__)
        case KernelIsa::neon: return detail::half_neon_kernels;
#endif
        default: return detail::half_baseline_kernels;
    }
}

}  // namespace sextant::inline v1
