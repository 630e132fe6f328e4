/// tables: the kernel tables that are compiled into this library, one per translation unit.
#pragma once

#include "sextant/kernel/half_kernel_table.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/kernel/packed_kernel_table.hpp"
#include "sextant/kernel/product_kernel_table.hpp"
#include "sextant/kernel/rotation_kernel_table.hpp"
#include "sextant/kernel/scalar4_kernel_table.hpp"

namespace sextant::inline v1::detail {

extern const KernelTable baseline_kernels;
extern const PackedKernelTable packed_baseline_kernels;
extern const ProductKernelTable product_baseline_kernels;
extern const RotationKernelTable rotation_baseline_kernels;
extern const Scalar4KernelTable scalar4_baseline_kernels;
extern const HalfKernelTable half_baseline_kernels;
#if defined(__x86_64__)
extern const KernelTable avx2_kernels;
extern const KernelTable avx512_kernels;
extern const KernelTable avx512_vnni_kernels;
extern const PackedKernelTable packed_avx2_kernels;
extern const ProductKernelTable product_avx2_kernels;
extern const RotationKernelTable rotation_avx2_kernels;
extern const PackedKernelTable packed_avx512_kernels;
extern const PackedKernelTable packed_avx512_popcnt_kernels;
extern const ProductKernelTable product_avx512_kernels;
extern const RotationKernelTable rotation_avx512_kernels;
extern const Scalar4KernelTable scalar4_avx2_kernels;
extern const Scalar4KernelTable scalar4_avx512_kernels;
extern const Scalar4KernelTable scalar4_avx512_vnni_kernels;
extern const HalfKernelTable half_avx2_kernels;
extern const HalfKernelTable half_avx512_kernels;
#endif
#if defined(__aarch64__)
extern const KernelTable neon_kernels;
extern const KernelTable neon_dot_kernels;
extern const PackedKernelTable packed_neon_kernels;
extern const PackedKernelTable packed_neon_dot_kernels;
extern const ProductKernelTable product_neon_kernels;
extern const RotationKernelTable rotation_neon_kernels;
extern const Scalar4KernelTable scalar4_neon_kernels;
extern const Scalar4KernelTable scalar4_neon_dot_kernels;
extern const HalfKernelTable half_neon_kernels;
#endif

}  // namespace sextant::inline v1::detail
