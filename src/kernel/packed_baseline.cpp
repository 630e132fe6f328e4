/// packed_baseline: kernels of packed codes for every CPU of the architecture: SSE2 on x86-64, plain code elsewhere.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_packed_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const PackedKernelTable packed_baseline_kernels = make_packed_table<Sse2>("baseline");
#else
constinit const PackedKernelTable packed_baseline_kernels = make_packed_table<Portable>("baseline");
#endif
}  // namespace sextant::inline v1::detail
