/// product_baseline: kernels of product codes for every CPU of the architecture: SSE2 on x86-64, plain code elsewhere.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_product_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const ProductKernelTable product_baseline_kernels = make_product_table<Sse2>("baseline");
#else
constinit const ProductKernelTable product_baseline_kernels = make_product_table<Portable>("baseline");
#endif
}  // namespace sextant::inline v1::detail
