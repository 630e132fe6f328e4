/// half_baseline: kernels of rows of half floats for every CPU: SSE2 on x86-64, plain code elsewhere.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_half_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const HalfKernelTable half_baseline_kernels = make_half_table<Sse2>("baseline");
#else
constinit const HalfKernelTable half_baseline_kernels = make_half_table<Portable>("baseline");
#endif
}  // namespace sextant::inline v1::detail
