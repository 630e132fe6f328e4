/// packed_avx2: kernels of packed codes for AVX2 and FMA.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_packed_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const PackedKernelTable packed_avx2_kernels = make_packed_table<Avx2>("avx2");
#endif
}  // namespace sextant::inline v1::detail
