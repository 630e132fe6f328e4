/// RotationKernelTable: the SIMD kernels of one instruction set that turn vectors by a random rotation, as plain function
/// pointers. Apart from KernelTable because a linker then leaves them out of a program that rotates nothing.
/// Invariants: every table gives the same bits: one order of additions, nothing fused. No kernel allocates, locks, throws
/// or calls into std.
/// Threads: immutable. Lifetime: static, constant-initialised.
#pragma once

#include <cstddef>

#include "sextant/kernel/kernel_table.hpp"

namespace sextant::inline v1 {

/// Rounds of a rotation; each has signs of its own.
inline constexpr std::size_t rotation_rounds = 4;

/// Vectors are padded with zeros to this before they are rotated.
[[nodiscard]] constexpr std::size_t rotated_dimension(std::size_t dimension) noexcept {
    return (dimension + 63U) & ~static_cast<std::size_t>(63U);
}

struct RotationKernelTable {
    const char* name;  ///< "baseline", "avx2", "avx512", "neon"

    /// Rotates v in place; its length stays. `signs`: rotation_rounds * dimension of +1 and -1. Components of up to 1e18 do
    /// not overflow. REQUIRES: dimension is a multiple of 64, and not 0.
    void (*rotate)(const float* signs, std::size_t dimension, float* v) noexcept;
    /// The inverse.
    void (*rotate_back)(const float* signs, std::size_t dimension, float* v) noexcept;
};

/// The table of the same instruction set as `kernels`.
[[nodiscard]] const RotationKernelTable& rotation_kernels(const KernelTable& kernels = active_kernels()) noexcept;

}  // namespace sextant::inline v1
