/// avx512_vnni: kernels for AVX-512 with VNNI.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const KernelTable avx512_vnni_kernels = make_table<Avx512Vnni>(KernelIsa::avx512, "avx512");
#endif
}  // namespace sextant::inline v1::detail
