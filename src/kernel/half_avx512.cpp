/// half_avx512: kernels of rows of half floats for AVX-512 (F, BW, DQ, VL) without VNNI.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_half_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const HalfKernelTable half_avx512_kernels = make_half_table<Avx512>("avx512");
#endif
}  // namespace sextant::inline v1::detail
