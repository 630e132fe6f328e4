/// make_packed_table: the kernels of packed codes of one instruction set as a table of function pointers. Included by
/// src/kernel/packed_<isa>.cpp only, each of which is compiled for its own instruction set.
/// Threads: immutable: a table is a constant.
#pragma once

#include "sextant/kernel/detail/packed_encode.hpp"
#include "sextant/kernel/detail/packed_kernels.hpp"
#include "sextant/kernel/packed_kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

/// `flatten` draws every helper into the kernel, so that none is left as a function of its own.
#define SEXTANT_KERNEL_ENTRY [[gnu::flatten]] static

template <class Arch>
struct PackedEntries {
    using Simd = PackedSimd<Arch>;
    using Lanes = ProductSimd<Arch>;

    template <int Bits>
    SEXTANT_KERNEL_ENTRY void rows(const PackedQuery& query, const std::byte* base, std::size_t stride,
                                   const RowId* rows, std::size_t count, float* out) noexcept {
        score_packed<Simd, Bits>(query, ListedRows{base, stride, rows}, count, out);
    }
    template <int Bits>
    SEXTANT_KERNEL_ENTRY void range(const PackedQuery& query, const std::byte* rows, std::size_t stride,
                                    std::size_t row_count, float* out) noexcept {
        score_packed<Simd, Bits>(query, ConsecutiveRows{rows, stride}, row_count, out);
    }
    SEXTANT_KERNEL_ENTRY void centre(const float* v, const float* origin, float scale, float limit, std::size_t count,
                                     std::size_t dimension, float* out) noexcept {
        centre_row<Lanes>(v, origin, scale, limit, count, dimension, out);
    }
    SEXTANT_KERNEL_ENTRY PackedResidual residual(float* v, const float* from, const float* centre,
                                                 std::size_t dimension) noexcept {
        return residual_row<Lanes>(v, from, centre, dimension);
    }
    SEXTANT_KERNEL_ENTRY PackedFit encode(const float* v, const float* centre, float inverse_step,
                                          std::size_t dimension, std::size_t bits, std::byte* out) noexcept {
        switch (bits) {
            case 1: return encode_row<Lanes, 1>(v, centre, inverse_step, dimension, out);
            case 2: return encode_row<Lanes, 2>(v, centre, inverse_step, dimension, out);
            case 3: return encode_row<Lanes, 3>(v, centre, inverse_step, dimension, out);
            case 4: return encode_row<Lanes, 4>(v, centre, inverse_step, dimension, out);
            case 5: return encode_row<Lanes, 5>(v, centre, inverse_step, dimension, out);
            case 6: return encode_row<Lanes, 6>(v, centre, inverse_step, dimension, out);
            case 7: return encode_row<Lanes, 7>(v, centre, inverse_step, dimension, out);
            default: return encode_row<Lanes, 8>(v, centre, inverse_step, dimension, out);
        }
    }
    SEXTANT_KERNEL_ENTRY void decode(const std::byte* row, std::size_t dimension, std::size_t bits,
                                     float* out) noexcept {
        switch (bits) {
            case 1: decode_row<1>(row, dimension, out); return;
            case 2: decode_row<2>(row, dimension, out); return;
            case 3: decode_row<3>(row, dimension, out); return;
            case 4: decode_row<4>(row, dimension, out); return;
            case 5: decode_row<5>(row, dimension, out); return;
            case 6: decode_row<6>(row, dimension, out); return;
            case 7: decode_row<7>(row, dimension, out); return;
            default: decode_row<8>(row, dimension, out); return;
        }
    }
    SEXTANT_KERNEL_ENTRY PackedFit encode_planes(const float* v, float inverse_step, std::size_t dimension,
                                                 std::size_t plane_words, std::uint64_t* out) noexcept {
        return encode_sign_planes<Lanes>(v, inverse_step, dimension, plane_words, out);
    }
};
#undef SEXTANT_KERNEL_ENTRY

template <class Arch>
constexpr PackedKernelTable make_packed_table(const char* name) noexcept {
    using Packed = PackedEntries<Arch>;
    return {.name = name,
            .rows = {Packed::template rows<1>, Packed::template rows<2>, Packed::template rows<3>,
                     Packed::template rows<4>, Packed::template rows<5>, Packed::template rows<6>,
                     Packed::template rows<7>, Packed::template rows<8>},
            .range = {Packed::template range<1>, Packed::template range<2>, Packed::template range<3>,
                      Packed::template range<4>, Packed::template range<5>, Packed::template range<6>,
                      Packed::template range<7>, Packed::template range<8>},
            .centre = Packed::centre,
            .residual = Packed::residual,
            .encode = Packed::encode,
            .decode = Packed::decode,
            .encode_planes = Packed::encode_planes};
}

}  // namespace
}  // namespace sextant::inline v1
