/// product_simd: float lanes for kernels whose results must not depend on the instruction set: no fused operation, and
/// each lane is a column or a partial sum of its own.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/target.hpp"

namespace sextant::inline v1 {
namespace {

/// Vectors of the language: both compilers make native instructions of their operators.
template <class FloatVector, class WordVector>
struct VectorLanes {
    using Float = FloatVector;
    using Word = WordVector;
    static constexpr std::size_t width = sizeof(Float) / sizeof(float);

    SEXTANT_KERNEL_INLINE static Float load(const float* p) noexcept {
        Float value;
        __builtin_memcpy(&value, p, sizeof value);
        return value;
    }
    SEXTANT_KERNEL_INLINE static void store(float* p, Float value) noexcept {
        __builtin_memcpy(p, &value, sizeof value);
    }
    SEXTANT_KERNEL_INLINE static Float splat(float value) noexcept { return Float{} + value; }
    SEXTANT_KERNEL_INLINE static Word splat_word(std::int32_t value) noexcept { return Word{} + value; }
    /// 0, 1, 2, …
    SEXTANT_KERNEL_INLINE static Word counting() noexcept {
        Word lanes{};
        for (std::size_t i = 0; i < width; ++i) lanes[i] = static_cast<std::int32_t>(i);
        return lanes;
    }
    /// Where a distance is less than the best so far, it and its column are kept instead.
    SEXTANT_KERNEL_INLINE static void keep_less(Float distance, Word column, Float& best, Word& best_column) noexcept {
        const Word less = distance < best;
        best = less ? distance : best;
        best_column = less ? column : best_column;
    }
    /// The least lane, and the least column among those that hold it.
    SEXTANT_KERNEL_INLINE static void least(Float best, Word columns, float* distance, std::int32_t* column) noexcept {
        float least_distance = best[0];
        std::int32_t least_column = columns[0];
        for (std::size_t i = 1; i < width; ++i) {
            const bool closer = best[i] < least_distance || (best[i] == least_distance && columns[i] < least_column);
            least_distance = closer ? best[i] : least_distance;
            least_column = closer ? columns[i] : least_column;
        }
        *distance = least_distance;
        *column = least_column;
    }
};

using FloatQuad = float __attribute__((vector_size(16)));
using WordQuad = std::int32_t __attribute__((vector_size(16)));

/// `tile_vectors`: vectors that share each load of four registers of columns.
template <class Arch>
struct ProductSimd : VectorLanes<FloatQuad, WordQuad> {
    static constexpr int tile_vectors = 2;
};

#if SEXTANT_KERNEL_NEON
template <>
struct ProductSimd<Neon> : VectorLanes<FloatQuad, WordQuad> {
    static constexpr int tile_vectors = 4;
};
#if defined(__ARM_FEATURE_DOTPROD)
template <>
struct ProductSimd<NeonDot> : ProductSimd<Neon> {};
#endif
#endif

#if SEXTANT_KERNEL_X86 && defined(__AVX2__) && defined(__FMA__)
using FloatOctet = float __attribute__((vector_size(32)));
using WordOctet = std::int32_t __attribute__((vector_size(32)));
template <>
struct ProductSimd<Avx2> : VectorLanes<FloatOctet, WordOctet> {
    static constexpr int tile_vectors = 2;
};
#endif

#if SEXTANT_KERNEL_X86 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
using FloatSixteen = float __attribute__((vector_size(64)));
using WordSixteen = std::int32_t __attribute__((vector_size(64)));
template <>
struct ProductSimd<Avx512> : VectorLanes<FloatSixteen, WordSixteen> {
    static constexpr int tile_vectors = 4;

    SEXTANT_KERNEL_INLINE static void keep_less(Float distance, Word column, Float& best, Word& best_column) noexcept {
        const __mmask16 less = _mm512_cmp_ps_mask(distance, best, _CMP_LT_OQ);
        best = _mm512_mask_mov_ps(best, less, distance);
        best_column = reinterpret_cast<Word>(
            _mm512_mask_mov_epi32(reinterpret_cast<__m512i>(best_column), less, reinterpret_cast<__m512i>(column)));
    }
    SEXTANT_KERNEL_INLINE static void least(Float best, Word columns, float* distance, std::int32_t* column) noexcept {
        *distance = _mm512_reduce_min_ps(best);
        const __mmask16 equal = _mm512_cmp_ps_mask(best, _mm512_set1_ps(*distance), _CMP_EQ_OQ);
        *column = _mm512_mask_reduce_min_epi32(equal, reinterpret_cast<__m512i>(columns));
    }
};
#if defined(__AVX512VNNI__)
template <>
struct ProductSimd<Avx512Vnni> : ProductSimd<Avx512> {};
#endif
#endif

}  // namespace
}  // namespace sextant::inline v1
