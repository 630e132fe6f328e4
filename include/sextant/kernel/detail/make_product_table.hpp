/// make_product_table: the kernels of product codes of one instruction set as a table of function pointers. Included by
/// src/kernel/product_<isa>.cpp only, each of which is compiled for its own instruction set.
/// Threads: immutable: a table is a constant.
#pragma once

#include "sextant/kernel/detail/fast_scan_kernels.hpp"
#include "sextant/kernel/detail/product_kernels.hpp"
#include "sextant/kernel/product_kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

/// `flatten` draws every helper into the kernel, xsimd's included, so that none is left as a function of its own.
#define SEXTANT_KERNEL_ENTRY [[gnu::flatten]] static

template <class Arch>
struct ProductEntries {
    using Simd = ProductSimd<Arch>;

    SEXTANT_KERNEL_ENTRY void nearest(const float* vectors, std::size_t stride, std::size_t vector_count,
                                      const float* matrix, std::size_t dimension, std::size_t column_count,
                                      std::uint8_t* nearest, float* distances) noexcept {
        nearest_columns<Simd>(vectors, stride, vector_count, {matrix, column_count, dimension, column_count}, nearest,
                              distances);
    }
    SEXTANT_KERNEL_ENTRY void l2(const float* vector, const float* matrix, std::size_t dimension,
                                 std::size_t column_count, float* out) noexcept {
        map_columns<Simd, ColumnDifference>(vector, 0, 1, {matrix, column_count, dimension, column_count}, out, 0);
    }
    SEXTANT_KERNEL_ENTRY void multiply(const float* vectors, std::size_t stride, std::size_t vector_count,
                                       const float* matrix, std::size_t matrix_stride, std::size_t dimension,
                                       std::size_t column_count, float* out, std::size_t out_stride) noexcept {
        map_columns<Simd, ColumnProduct>(vectors, stride, vector_count,
                                         {matrix, matrix_stride, dimension, column_count}, out, out_stride);
    }
    SEXTANT_KERNEL_ENTRY void dot16(const float* vector, const float* rows, std::size_t stride, std::size_t row_count,
                                    std::size_t dimension, float* out) noexcept {
        dot16_rows<Simd>(vector, rows, stride, row_count, dimension, out);
    }
    SEXTANT_KERNEL_ENTRY void rows(const ProductQuery& query, const std::byte* base, std::size_t stride,
                                   const RowId* rows, std::size_t count, float* out) noexcept {
        score_product(query, ListedRows{base, stride, rows}, count, out);
    }
    SEXTANT_KERNEL_ENTRY void range(const ProductQuery& query, const std::byte* rows, std::size_t stride,
                                    std::size_t row_count, float* out) noexcept {
        score_product(query, ConsecutiveRows{rows, stride}, row_count, out);
    }
    SEXTANT_KERNEL_ENTRY void fast_scan(const FastScanQuery& query, const std::byte* blocks, std::size_t stride,
                                        std::size_t block_count, float* out) noexcept {
        scan_blocks<FastScanSimd<Arch>>(query, blocks, stride, block_count, out);
    }
};
#undef SEXTANT_KERNEL_ENTRY

template <class Arch>
constexpr ProductKernelTable make_product_table(const char* name) noexcept {
    using Products = ProductEntries<Arch>;
    return {.name = name,
            .nearest_columns_f32 = Products::nearest,
            .l2_columns_f32 = Products::l2,
            .multiply_f32 = Products::multiply,
            .dot16_f32 = Products::dot16,
            .product_rows = Products::rows,
            .product_range = Products::range,
            .fast_scan = Products::fast_scan};
}

}  // namespace
}  // namespace sextant::inline v1
