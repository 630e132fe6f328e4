/// avx2: kernels for AVX2 and FMA.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const KernelTable avx2_kernels = make_table<Avx2>(KernelIsa::avx2, "avx2");
#endif
}  // namespace sextant::inline v1::detail
