/// rotation_avx512: rotation kernels for AVX-512 (F, BW, DQ, VL).
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_rotation_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const RotationKernelTable rotation_avx512_kernels = make_rotation_table<Avx512>("avx512");
#endif
}  // namespace sextant::inline v1::detail
