/// product_neon: kernels of product codes for any 64-bit Arm CPU.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_product_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__aarch64__)
constinit const ProductKernelTable product_neon_kernels = make_product_table<Neon>("neon");
#endif
}  // namespace sextant::inline v1::detail
