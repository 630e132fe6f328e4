/// make_table: the kernels of one instruction set as a table of function pointers. Included by src/kernel/<isa>.cpp
/// only, each of which is compiled for its own instruction set.
/// Threads: immutable: a table is a constant.
#pragma once

#include "sextant/kernel/detail/float_kernels.hpp"
#include "sextant/kernel/detail/float_tile.hpp"
#include "sextant/kernel/detail/scalar8_kernels.hpp"
#include "sextant/kernel/kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

/// `flatten` draws every helper into the kernel, xsimd's included, so that none is left as a function of its own.
#define SEXTANT_KERNEL_ENTRY [[gnu::flatten]] static

template <class Arch>
struct FloatEntries {
    using Simd = FloatSimd<Arch>;

    SEXTANT_KERNEL_ENTRY float l2(const float* a, const float* b, std::size_t dimension) noexcept {
        return pair_f32<Simd, SquaredDifference>(a, b, dimension);
    }
    SEXTANT_KERNEL_ENTRY float dot(const float* a, const float* b, std::size_t dimension) noexcept {
        return pair_f32<Simd, Product>(a, b, dimension);
    }
    SEXTANT_KERNEL_ENTRY void l2_rows(const float* query, std::size_t dimension, const std::byte* base,
                                      std::size_t stride, const RowId* rows, std::size_t count, float* out) noexcept {
        rows_f32<Simd, SquaredDifference>(query, dimension, ListedRows{base, stride, rows}, count, out);
    }
    SEXTANT_KERNEL_ENTRY void dot_rows(const float* query, std::size_t dimension, const std::byte* base,
                                       std::size_t stride, const RowId* rows, std::size_t count, float* out) noexcept {
        rows_f32<Simd, Product>(query, dimension, ListedRows{base, stride, rows}, count, out);
    }
    SEXTANT_KERNEL_ENTRY void l2_tile(const float* queries, std::size_t query_stride, std::size_t query_count,
                                      std::size_t dimension, const std::byte* rows, std::size_t stride,
                                      std::size_t row_count, float* out, std::size_t out_stride) noexcept {
        tiles_f32<Simd, SquaredDifference>({queries, query_stride, dimension, rows, stride}, query_count, row_count,
                                           out, out_stride);
    }
    SEXTANT_KERNEL_ENTRY void dot_tile(const float* queries, std::size_t query_stride, std::size_t query_count,
                                       std::size_t dimension, const std::byte* rows, std::size_t stride,
                                       std::size_t row_count, float* out, std::size_t out_stride) noexcept {
        tiles_f32<Simd, Product>({queries, query_stride, dimension, rows, stride}, query_count, row_count, out,
                                 out_stride);
    }
};

template <class Arch>
struct ByteEntries {
    using Simd = ByteSimd<Arch>;

    SEXTANT_KERNEL_ENTRY std::uint32_t l2(const std::int8_t* a, const std::int8_t* b, std::size_t dimension) noexcept {
        return Simd::l2_pair(a, b, dimension);
    }
    SEXTANT_KERNEL_ENTRY std::int32_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t dimension) noexcept {
        return Simd::dot_pair(a, b, dimension);
    }
    SEXTANT_KERNEL_ENTRY void l2_rows(const I8Query& query, const std::byte* base, std::size_t stride,
                                      const RowId* rows, std::size_t count, float* out) noexcept {
        score_i8<Simd, FinishL2>(query, ListedRows{base, stride, rows}, count, out);
    }
    SEXTANT_KERNEL_ENTRY void dot_rows(const I8Query& query, const std::byte* base, std::size_t stride,
                                       const RowId* rows, std::size_t count, float* out) noexcept {
        score_i8<Simd, FinishDot>(query, ListedRows{base, stride, rows}, count, out);
    }
    SEXTANT_KERNEL_ENTRY void l2_range(const I8Query& query, const std::byte* rows, std::size_t stride,
                                       std::size_t row_count, float* out) noexcept {
        score_i8<Simd, FinishL2>(query, ConsecutiveRows{rows, stride}, row_count, out);
    }
    SEXTANT_KERNEL_ENTRY void dot_range(const I8Query& query, const std::byte* rows, std::size_t stride,
                                        std::size_t row_count, float* out) noexcept {
        score_i8<Simd, FinishDot>(query, ConsecutiveRows{rows, stride}, row_count, out);
    }
    SEXTANT_KERNEL_ENTRY void encode(const float* v, const float* offset, float inverse_step, std::size_t dimension,
                                     std::int8_t* out) noexcept {
        Simd::encode(v, offset, inverse_step, dimension, out);
    }
};

#undef SEXTANT_KERNEL_ENTRY

template <class Arch>
constexpr KernelTable make_table(KernelIsa isa, const char* name) noexcept {
    using Floats = FloatEntries<Arch>;
    using Bytes = ByteEntries<Arch>;
    return {.isa = isa,
            .name = name,
            .l2_f32 = Floats::l2,
            .dot_f32 = Floats::dot,
            .l2_f32_rows = Floats::l2_rows,
            .dot_f32_rows = Floats::dot_rows,
            .l2_f32_tile = Floats::l2_tile,
            .dot_f32_tile = Floats::dot_tile,
            .l2_i8 = Bytes::l2,
            .dot_i8 = Bytes::dot,
            .l2_i8_rows = Bytes::l2_rows,
            .dot_i8_rows = Bytes::dot_rows,
            .l2_i8_range = Bytes::l2_range,
            .dot_i8_range = Bytes::dot_range,
            .encode_i8 = Bytes::encode};
}

}  // namespace
}  // namespace sextant::inline v1
