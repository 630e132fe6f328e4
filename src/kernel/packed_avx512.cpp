/// packed_avx512: kernels of packed codes for AVX-512 (F, BW, DQ, VL) without VNNI.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_packed_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const PackedKernelTable packed_avx512_kernels = make_packed_table<Avx512>("avx512");
#endif
}  // namespace sextant::inline v1::detail
