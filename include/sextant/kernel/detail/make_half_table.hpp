/// make_half_table: the kernels over half floats of one instruction set as a table of function pointers. Included by
/// src/kernel/half_<isa>.cpp only, each of which is compiled for its own instruction set.
/// Threads: immutable: a table is a constant.
#pragma once

#include "sextant/kernel/detail/float_kernels.hpp"
#include "sextant/kernel/detail/half_simd.hpp"
#include "sextant/kernel/half_kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

/// `flatten` draws every helper into the kernel, xsimd's included, so that none is left as a function of its own.
#define SEXTANT_KERNEL_ENTRY [[gnu::flatten]] static

template <class Arch, class Step>
struct HalfEntries {
    using Simd = HalfSimd<Arch>;

    SEXTANT_KERNEL_ENTRY void rows(const float* query, std::size_t dimension, const std::byte* base, std::size_t stride,
                                   const RowId* rows, std::size_t count, float* out) noexcept {
        rows_f32<Simd, Step, Half>(query, dimension, ListedRows{base, stride, rows}, count, out);
    }
    SEXTANT_KERNEL_ENTRY void range(const float* query, std::size_t dimension, const std::byte* rows,
                                    std::size_t stride, std::size_t row_count, float* out) noexcept {
        rows_f32<Simd, Step, Half>(query, dimension, ConsecutiveRows{rows, stride}, row_count, out);
    }
};

template <class Arch>
struct HalfConversion {
    SEXTANT_KERNEL_ENTRY void widen(const std::byte* row, std::size_t dimension, float* out) noexcept {
        using Simd = HalfSimd<Arch>;
        const Half* const halves = reinterpret_cast<const Half*>(row);
        std::size_t i = 0;
        for (; i + Simd::width <= dimension; i += Simd::width) {
            const typename Simd::Batch floats = Simd::load(halves + i);
            __builtin_memcpy(out + i, &floats, Simd::width * sizeof(float));
        }
        for (; i < dimension; ++i) out[i] = widen_half(halves[i]);
    }
};
#undef SEXTANT_KERNEL_ENTRY

template <class Arch>
constexpr HalfKernelTable make_half_table(const char* name) noexcept {
    using L2 = HalfEntries<Arch, SquaredDifference>;
    using Dot = HalfEntries<Arch, Product>;
    return {.name = name,
            .l2_rows = L2::rows,
            .dot_rows = Dot::rows,
            .l2_range = L2::range,
            .dot_range = Dot::range,
            .widen = HalfConversion<Arch>::widen};
}

}  // namespace
}  // namespace sextant::inline v1
