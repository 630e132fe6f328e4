/// make_scalar4_table: the kernels of 4-bit scalar codes of one instruction set as a table of function pointers. Included
/// by src/kernel/scalar4_<isa>.cpp only, each of which is compiled for its own instruction set.
/// Threads: immutable: a table is a constant.
#pragma once

#include "sextant/kernel/detail/scalar4_kernels.hpp"

namespace sextant::inline v1 {
namespace {

/// `flatten` draws every helper into the kernel, so that none is left as a function of its own.
#define SEXTANT_KERNEL_ENTRY [[gnu::flatten]] static

template <class Arch>
struct Scalar4Entries {
    SEXTANT_KERNEL_ENTRY void rows(const I4Query& query, const std::byte* base, std::size_t stride, const RowId* rows,
                                   std::size_t count, float* out) noexcept {
        score_i4<NibbleSimd<Arch>>(query, ListedRows{base, stride, rows}, count, out);
    }
    SEXTANT_KERNEL_ENTRY void range(const I4Query& query, const std::byte* rows, std::size_t stride,
                                    std::size_t row_count, float* out) noexcept {
        score_i4<NibbleSimd<Arch>>(query, ConsecutiveRows{rows, stride}, row_count, out);
    }
};
#undef SEXTANT_KERNEL_ENTRY

template <class Arch>
constexpr Scalar4KernelTable make_scalar4_table(const char* name) noexcept {
    using Entries = Scalar4Entries<Arch>;
    return {.name = name, .rows = Entries::rows, .range = Entries::range};
}

}  // namespace
}  // namespace sextant::inline v1
