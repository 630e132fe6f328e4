/// product_avx512: kernels of product codes for AVX-512 (F, BW, DQ, VL) without VNNI.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_product_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const ProductKernelTable product_avx512_kernels = make_product_table<Avx512>("avx512");
#endif
}  // namespace sextant::inline v1::detail
