/// packed_neon: kernels of packed codes for any 64-bit Arm CPU.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_packed_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__aarch64__)
constinit const PackedKernelTable packed_neon_kernels = make_packed_table<Neon>("neon");
#endif
}  // namespace sextant::inline v1::detail
