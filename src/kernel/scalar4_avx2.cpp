/// scalar4_avx2: kernels of 4-bit scalar codes for AVX2 and FMA.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_scalar4_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const Scalar4KernelTable scalar4_avx2_kernels = make_scalar4_table<Avx2>("avx2");
#endif
}  // namespace sextant::inline v1::detail
