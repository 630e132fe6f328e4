/// neon_dot: kernels for 64-bit Arm CPUs with the dot product extension.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__aarch64__)
constinit const KernelTable neon_dot_kernels = make_table<NeonDot>(KernelIsa::neon, "neon");
#endif
}  // namespace sextant::inline v1::detail
