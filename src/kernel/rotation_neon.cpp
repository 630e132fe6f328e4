/// rotation_neon: rotation kernels for any 64-bit Arm CPU.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_rotation_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__aarch64__)
constinit const RotationKernelTable rotation_neon_kernels = make_rotation_table<Neon>("neon");
#endif
}  // namespace sextant::inline v1::detail
