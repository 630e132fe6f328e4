/// scalar4_neon_dot: kernels of 4-bit scalar codes for Arm CPUs with the dot product extension.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_scalar4_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__aarch64__)
constinit const Scalar4KernelTable scalar4_neon_dot_kernels = make_scalar4_table<NeonDot>("neon");
#endif
}  // namespace sextant::inline v1::detail
