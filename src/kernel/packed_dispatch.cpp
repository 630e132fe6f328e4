#include "kernel/tables.hpp"
#include "sextant/kernel/cpu_features.hpp"

namespace sextant::inline v1 {

const PackedKernelTable& packed_kernels(const KernelTable& kernels) noexcept {
#if defined(__x86_64__)
    // The table without VNNI stays without bit counts, so that tests meet both.
    if (&kernels == &detail::avx512_vnni_kernels) {
        static const bool counts = detect_cpu_features().avx512_vpopcntdq;
        if (counts) return detail::packed_avx512_popcnt_kernels;
    }
#elif defined(__aarch64__)
    if (&kernels == &detail::neon_dot_kernels) return detail::packed_neon_dot_kernels;
#endif
    switch (kernels.isa) {
#if defined(__x86_64__)
        case KernelIsa::avx512: return detail::packed_avx512_kernels;
        case KernelIsa::avx2: return detail::packed_avx2_kernels;
#elif defined(__aarch64__)
        case KernelIsa::neon: return detail::packed_neon_kernels;
#endif
        default: return detail::packed_baseline_kernels;
    }
}

}  // namespace sextant::inline v1
