/// ProductKernelTable: the SIMD kernels of product codes of one instruction set as plain function pointers. Apart from
/// KernelTable because a linker then leaves them out of a program that has no product codes.
/// Invariants: every table gives the same bits, floats too: one order of additions, nothing fused. No kernel allocates,
/// locks, throws or calls into std.
/// Threads: immutable. Lifetime: static, constant-initialised.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sextant/core/row_id.hpp"
#include "sextant/kernel/kernel_table.hpp"

namespace sextant::inline v1 {

/// A query against product codes: its distances to what each code byte may say, float tables[code_size][256].
/// out[i] = offset + scale * Σ tables[b][code[b]], summed over even and over odd b.
struct ProductQuery {
    const float* tables = nullptr;
    std::size_t code_size = 0;
    float scale = 1.0F;
    float offset = 0.0F;
};

/// A query against blocks of 32 codes of 4 bits: bytes tables[subvectors][16].
/// out[i] = offset + scale * float(exact sum of bytes). A block is bytes[subvectors][16]: the low half of byte j is the
/// code of row j, the high half that of row j + 16.
struct FastScanQuery {
    const std::uint8_t* tables = nullptr;
    std::size_t subvectors = 0;
    float scale = 1.0F;
    float offset = 0.0F;
};
inline constexpr std::size_t fast_scan_rows = 32;

struct ProductKernelTable {
    const char* name;  ///< "baseline", "avx2", "avx512", "neon"

    // A matrix of `column_count` columns (a multiple of 16) is stored row by row, `matrix_stride` floats apart; centroids
    // are its columns.
    /// The column nearest to each vector (the first of equals; 0 where no distance is a number) and its squared distance.
    /// REQUIRES: column_count <= 256.
    void (*nearest_columns_f32)(const float* vectors, std::size_t stride, std::size_t vector_count, const float* matrix,
                                std::size_t dimension, std::size_t column_count, std::uint8_t* nearest,
                                float* distances) noexcept;
    /// out[c] = Σ_j (vector[j] - matrix[j][c])², rows column_count floats apart.
    void (*l2_columns_f32)(const float* vector, const float* matrix, std::size_t dimension, std::size_t column_count,
                           float* out) noexcept;
    /// out[v * out_stride + c] = Σ_j vectors[v][j] * matrix[j][c].
    void (*multiply_f32)(const float* vectors, std::size_t stride, std::size_t vector_count, const float* matrix,
                         std::size_t matrix_stride, std::size_t dimension, std::size_t column_count, float* out,
                         std::size_t out_stride) noexcept;
    /// out[r] = Σ_j vector[j] * rows[r * stride + j] over 16 partial sums. REQUIRES: dimension % 16 == 0.
    void (*dot16_f32)(const float* vector, const float* rows, std::size_t stride, std::size_t row_count,
                      std::size_t dimension, float* out) noexcept;
    using ProductRows = void (*)(const ProductQuery& query, const std::byte* base, std::size_t stride,
                                 const RowId* rows, std::size_t count, float* out) noexcept;
    ProductRows product_rows;
    using ProductRange = void (*)(const ProductQuery& query, const std::byte* rows, std::size_t stride,
                                  std::size_t row_count, float* out) noexcept;
    ProductRange product_range;
    /// block_count blocks, `stride` bytes apart; 32 floats each.
    void (*fast_scan)(const FastScanQuery& query, const std::byte* blocks, std::size_t stride, std::size_t block_count,
                      float* out) noexcept;
};

/// The table of the same instruction set as `kernels`.
[[nodiscard]] const ProductKernelTable& product_kernels(const KernelTable& kernels = active_kernels()) noexcept;

}  // namespace sextant::inline v1
