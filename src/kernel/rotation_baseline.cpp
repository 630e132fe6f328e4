/// rotation_baseline: rotation kernels for every CPU of the architecture: SSE2 on x86-64, plain code elsewhere.
#include "kernel/tables.hpp"
#include "sextant/kernel/detail/make_rotation_table.hpp"

namespace sextant::inline v1::detail {
#if defined(__x86_64__)
constinit const RotationKernelTable rotation_baseline_kernels = make_rotation_table<Sse2>("baseline");
#else
constinit const RotationKernelTable rotation_baseline_kernels = make_rotation_table<Portable>("baseline");
#endif
}  // namespace sextant::inline v1::detail
