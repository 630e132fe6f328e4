/// make_rotation_table: the rotation kernels of one instruction set as a table of function pointers. Included by
/// src/kernel/rotation_<isa>.cpp only, each of which is compiled for its own instruction set.
/// Threads: immutable: a table is a constant.
#pragma once

#include "sextant/kernel/detail/rotation_kernels.hpp"
#include "sextant/kernel/rotation_kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

/// `flatten` draws every helper into the kernel, so that none is left as a function of its own.
#define SEXTANT_KERNEL_ENTRY [[gnu::flatten]] static

template <class Arch>
struct RotationEntries {
    using Simd = ProductSimd<Arch>;

    SEXTANT_KERNEL_ENTRY void rotate(const float* signs, std::size_t dimension, float* v) noexcept {
        rotate_in_place<Simd>(signs, dimension, v);
    }
    SEXTANT_KERNEL_ENTRY void rotate_back(const float* signs, std::size_t dimension, float* v) noexcept {
        rotate_back_in_place<Simd>(signs, dimension, v);
    }
};
#undef SEXTANT_KERNEL_ENTRY

template <class Arch>
constexpr RotationKernelTable make_rotation_table(const char* name) noexcept {
    using Rotations = RotationEntries<Arch>;
    return {.name = name, .rotate = Rotations::rotate, .rotate_back = Rotations::rotate_back};
}

}  // namespace
}  // namespace sextant::inline v1
