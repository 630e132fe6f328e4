/// half_neon: kernels of rows of half floats for any 64-bit Arm CPU.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_half_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__aarch64__)
constinit const HalfKernelTable half_neon_kernels = make_half_table<Neon>("neon");
#endif
}  // namespace sextant::inline v1::detail
