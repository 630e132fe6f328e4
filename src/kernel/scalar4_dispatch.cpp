#include "kernel/tables.hpp"

namespace sextant::inline v1 {

const Scalar4KernelTable& scalar4_kernels([[maybe_unused]] const KernelTable& kernels) noexcept {
#if defined(__x86_64__)
    if (&kernels == &detail::avx512_vnni_kernels) return detail::scalar4_avx512_vnni_kernels;
    if (&kernels == &detail::avx512_kernels) return detail::scalar4_avx512_kernels;
    if (&kernels == &detail::avx2_kernels) return detail::scalar4_avx2_kernels;
#elif defined(__aarch64__)
    if (&kernels == &detail::neon_dot_kernels) return detail::scalar4_neon_dot_kernels;
    if (&kernels == &detail::neon_kernels) return detail::scalar4_neon_kernels;
#endif
    return detail::scalar4_baseline_kernels;
}

}  // namespace sextant::inline v1
