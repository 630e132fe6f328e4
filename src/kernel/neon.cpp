/// neon: kernels for any 64-bit Arm CPU.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__aarch64__)
constinit const KernelTable neon_kernels = make_table<Neon>(KernelIsa::neon, "neon");
#endif
}  // namespace sextant::inline v1::detail
