/// rotation_avx2: rotation kernels for AVX2 and FMA.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_rotation_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const RotationKernelTable rotation_avx2_kernels = make_rotation_table<Avx2>("avx2");
#endif
}  // namespace sextant::inline v1::detail
