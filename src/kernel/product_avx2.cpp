/// product_avx2: kernels of product codes for AVX2 and FMA.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_product_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const ProductKernelTable product_avx2_kernels = make_product_table<Avx2>("avx2");
#endif
}  // namespace sextant::inline v1::detail
