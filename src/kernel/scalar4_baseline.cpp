/// scalar4_baseline: kernels of 4-bit scalar codes for every CPU: SSE2 on x86-64, plain code elsewhere.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_scalar4_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const Scalar4KernelTable scalar4_baseline_kernels = make_scalar4_table<Sse2>("baseline");
#else
constinit const Scalar4KernelTable scalar4_baseline_kernels = make_scalar4_table<Portable>("baseline");
#endif
}  // namespace sextant::inline v1::detail
