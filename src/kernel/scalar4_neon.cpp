/// scalar4_neon: kernels of 4-bit scalar codes for any 64-bit Arm CPU.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_scalar4_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__aarch64__)
constinit const Scalar4KernelTable scalar4_neon_kernels = make_scalar4_table<Neon>("neon");
#endif
}  // namespace sextant::inline v1::detail
