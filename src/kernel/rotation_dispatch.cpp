#include "kernel/tables.hpp"

namespace sextant::inline v1 {

const RotationKernelTable& rotation_kernels(const KernelTable& kernels) noexcept {
    switch (kernels.isa) {
#if defined(__x86_64__)
        case KernelIsa::avx512: return detail::rotation_avx512_kernels;
        case KernelIsa::avx2: return detail::rotation_avx2_kernels;
#elif defined(__aarch64__)
        case KernelIsa::neon: return detail::rotation_neon_kernels;
#endif
        default: return detail::rotation_baseline_kernels;
    }
}

}  // namespace sextant::inline v1
