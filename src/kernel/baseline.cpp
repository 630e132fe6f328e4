/// baseline: kernels for every CPU of the architecture: SSE2 on x86-64, plain code elsewhere.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const KernelTable baseline_kernels = make_table<Sse2>(KernelIsa::baseline, "baseline");
#else
constinit const KernelTable baseline_kernels = make_table<Portable>(KernelIsa::baseline, "baseline");
#endif
}  // namespace sextant::inline v1::detail
