/// scalar4_avx512_vnni: kernels of 4-bit scalar codes for AVX-512 with VNNI.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_scalar4_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const Scalar4KernelTable scalar4_avx512_vnni_kernels = make_scalar4_table<Avx512Vnni>("avx512");
#endif
}  // namespace sextant::inline v1::detail
