/// packed_avx512_popcnt: kernels of packed codes for AVX-512 with VNNI and VPOPCNTDQ.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_packed_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const PackedKernelTable packed_avx512_popcnt_kernels = make_packed_table<Avx512Vnni>("avx512_popcnt");
#endif
}  // namespace sextant::inline v1::detail
