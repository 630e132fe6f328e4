/// packed_neon_dot: kernels of packed codes for Arm CPUs with the dot product extension.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_packed_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__aarch64__)
constinit const PackedKernelTable packed_neon_dot_kernels = make_packed_table<NeonDot>("neon_dot");
#endif
}  // namespace sextant::inline v1::detail
