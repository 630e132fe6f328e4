/// half_avx2: kernels of rows of half floats for AVX2 and FMA.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_half_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const HalfKernelTable half_avx2_kernels = make_half_table<Avx2>("avx2");
#endif
}  // namespace sextant::inline v1::detail
