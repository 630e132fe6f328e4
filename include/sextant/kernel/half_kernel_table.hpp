/// HalfKernelTable: the SIMD kernels over rows of half floats of one instruction set as plain function pointers. Apart from
/// KernelTable because a program that links no collection leaves them out.
/// Invariants: rows are converted exactly, everything else is done in single precision: results agree with the float
/// kernels over the converted rows within their bound, and those of lists bit for bit. No kernel allocates, locks, throws
/// or calls into std.
/// Threads: immutable. Lifetime: static, constant-initialised.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sextant/core/row_id.hpp"
#include "sextant/kernel/kernel_table.hpp"

namespace sextant::inline v1 {

/// A row has `dimension` halves (core/half.hpp) and needs the alignment of one; strides are in bytes, multiples of 2.
struct HalfKernelTable {
    const char* name;  ///< "baseline", "avx2", "avx512", "neon"

    /// One query against listed rows: row r at base + r * stride. Prefetches ahead.
    using Rows = void (*)(const float* query, std::size_t dimension, const std::byte* base, std::size_t stride,
                          const RowId* rows, std::size_t count, float* out) noexcept;
    Rows l2_rows;   ///< Σ (query - row)²
    Rows dot_rows;  ///< Σ query · row

    /// The same against row_count consecutive rows.
    using Range = void (*)(const float* query, std::size_t dimension, const std::byte* rows, std::size_t stride,
                           std::size_t row_count, float* out) noexcept;
    Range l2_range;
    Range dot_range;

    /// One row as floats.
    using Widen = void (*)(const std::byte* row, std::size_t dimension, float* out) noexcept;
    Widen widen;
};

/// The table of the same instruction set as `kernels`.
[[nodiscard]] const HalfKernelTable& half_kernels(const KernelTable& kernels = active_kernels()) noexcept;

}  // namespace sextant::inline v1
