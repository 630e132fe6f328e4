/// float_simd: the float vectors of each instruction set: xsimd batches, plus the two things xsimd cannot say: loading
/// a tail without reading past it, and reducing four sums at once.
/// Why own reductions: four horizontal sums one after the other cost about 4 × 6 dependent steps; transposed they are
/// 13 additions and shuffles for all four rows.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/target.hpp"

#if SEXTANT_KERNEL_X86 || SEXTANT_KERNEL_NEON
#include <xsimd/xsimd.hpp>
#endif

namespace sextant::inline v1 {
namespace {

template <class Arch>
struct FloatSimd;

/// 16-byte vectors of the language itself.
template <>
struct FloatSimd<Portable> {
    using Batch = float __attribute__((vector_size(16)));
    static constexpr std::size_t width = 4;
    static constexpr int tile_queries = 2;

    SEXTANT_KERNEL_INLINE static Batch zero() noexcept { return Batch{}; }
    SEXTANT_KERNEL_INLINE static Batch load(const float* p) noexcept { return Batch{p[0], p[1], p[2], p[3]}; }
    SEXTANT_KERNEL_INLINE static Batch load_tail(const float* p, std::size_t count) noexcept {
        return Batch{p[0], count > 1 ? p[1] : 0.0F, count > 2 ? p[2] : 0.0F, 0.0F};
    }
    SEXTANT_KERNEL_INLINE static Batch multiply_add(Batch a, Batch b, Batch c) noexcept { return a * b + c; }
    SEXTANT_KERNEL_INLINE static float sum(Batch a) noexcept { return (a[0] + a[1]) + (a[2] + a[3]); }
    SEXTANT_KERNEL_INLINE static void sum4(Batch a, Batch b, Batch c, Batch d, float* out) noexcept {
        out[0] = sum(a);
        out[1] = sum(b);
        out[2] = sum(c);
        out[3] = sum(d);
    }
};

#if SEXTANT_KERNEL_X86 || SEXTANT_KERNEL_NEON
/// What xsimd says alike for every instruction set.
template <class XsimdArch>
struct XsimdFloat {
    using Batch = xsimd::batch<float, XsimdArch>;
    static constexpr std::size_t width = Batch::size;

    SEXTANT_KERNEL_INLINE static Batch zero() noexcept { return Batch(0.0F); }
    SEXTANT_KERNEL_INLINE static Batch load(const float* p) noexcept { return Batch::load_unaligned(p); }
    SEXTANT_KERNEL_INLINE static Batch multiply_add(Batch a, Batch b, Batch c) noexcept { return xsimd::fma(a, b, c); }
};
#endif

#if SEXTANT_KERNEL_X86
SEXTANT_KERNEL_INLINE float sum_of_quad(__m128 a) noexcept {
    const __m128 pairs = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(pairs, _mm_shuffle_ps(pairs, pairs, 1)));
}
/// {Σa, Σb, Σc, Σd}
SEXTANT_KERNEL_INLINE __m128 sums_of_quads(__m128 a, __m128 b, __m128 c, __m128 d) noexcept {
    const __m128 ab = _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
    const __m128 cd = _mm_add_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
    return _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
}
#endif

#if SEXTANT_KERNEL_X86 && defined(__SSE2__)
template <>
struct FloatSimd<Sse2> : XsimdFloat<xsimd::sse2> {
    static constexpr int tile_queries = 2;

    SEXTANT_KERNEL_INLINE static Batch load_tail(const float* p, std::size_t count) noexcept {
        if (count == 1) return _mm_load_ss(p);
        const __m128 low = _mm_castpd_ps(_mm_load_sd(reinterpret_cast<const double*>(p)));
        return count == 2 ? low : _mm_movelh_ps(low, _mm_load_ss(p + 2));
    }
    SEXTANT_KERNEL_INLINE static float sum(Batch a) noexcept { return sum_of_quad(a); }
    SEXTANT_KERNEL_INLINE static void sum4(Batch a, Batch b, Batch c, Batch d, float* out) noexcept {
        _mm_storeu_ps(out, sums_of_quads(a, b, c, d));
    }
};
#endif

#if SEXTANT_KERNEL_X86 && defined(__AVX2__) && defined(__FMA__)
/// Eight ones, eight zeros: eight words read from `tail_words + 8 - n` select the first n lanes.
alignas(64) constexpr std::int32_t tail_words[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

SEXTANT_KERNEL_INLINE __m256i tail_mask(std::size_t word_count) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tail_words + 8 - word_count));
}
SEXTANT_KERNEL_INLINE __m128 fold(__m256 a) noexcept {
    return _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
}

template <>
struct FloatSimd<Avx2> : XsimdFloat<xsimd::fma3<xsimd::avx2>> {
    static constexpr int tile_queries = 2;

    SEXTANT_KERNEL_INLINE static Batch load_tail(const float* p, std::size_t count) noexcept {
        return _mm256_maskload_ps(p, tail_mask(count));
    }
    SEXTANT_KERNEL_INLINE static float sum(Batch a) noexcept { return sum_of_quad(fold(a)); }
    SEXTANT_KERNEL_INLINE static void sum4(Batch a, Batch b, Batch c, Batch d, float* out) noexcept {
        const __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        const __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        const __m256 low = _mm256_shuffle_ps(ab, cd, 0x44);
        const __m256 high = _mm256_shuffle_ps(ab, cd, 0xEE);
        _mm_storeu_ps(out, fold(_mm256_add_ps(low, high)));
    }
};
#endif

#if SEXTANT_KERNEL_X86 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
template <>
struct FloatSimd<Avx512> : XsimdFloat<xsimd::avx512bw> {
    static constexpr int tile_queries = 4;

    /// xsimd 8.1 has no fused form for AVX-512: its fma() is a multiplication and an addition, a third more work.
    SEXTANT_KERNEL_INLINE static Batch multiply_add(Batch a, Batch b, Batch c) noexcept {
        return _mm512_fmadd_ps(a, b, c);
    }
    SEXTANT_KERNEL_INLINE static Batch load_tail(const float* p, std::size_t count) noexcept {
        return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), p);
    }
    SEXTANT_KERNEL_INLINE static __m256 fold_wide(__m512 a) noexcept {
        return _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    }
    SEXTANT_KERNEL_INLINE static float sum(Batch a) noexcept { return sum_of_quad(fold(fold_wide(a))); }
    SEXTANT_KERNEL_INLINE static void sum4(Batch a, Batch b, Batch c, Batch d, float* out) noexcept {
        const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        const __m512 low = _mm512_shuffle_ps(ab, cd, 0x44);
        const __m512 high = _mm512_shuffle_ps(ab, cd, 0xEE);
        _mm_storeu_ps(out, fold(fold_wide(_mm512_add_ps(low, high))));
    }
};
#if defined(__AVX512VNNI__)
template <>
struct FloatSimd<Avx512Vnni> : FloatSimd<Avx512> {};
#endif
#endif

#if SEXTANT_KERNEL_NEON
template <>
struct FloatSimd<Neon> : XsimdFloat<xsimd::neon64> {
    static constexpr int tile_queries = 4;

    SEXTANT_KERNEL_INLINE static Batch load_tail(const float* p, std::size_t count) noexcept {
        float32x4_t tail = vsetq_lane_f32(p[0], vdupq_n_f32(0.0F), 0);
        if (count > 1) tail = vsetq_lane_f32(p[1], tail, 1);
        if (count > 2) tail = vsetq_lane_f32(p[2], tail, 2);
        return tail;
    }
    SEXTANT_KERNEL_INLINE static float sum(Batch a) noexcept { return vaddvq_f32(a); }
    SEXTANT_KERNEL_INLINE static void sum4(Batch a, Batch b, Batch c, Batch d, float* out) noexcept {
        vst1q_f32(out, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
    }
};
#if defined(__ARM_FEATURE_DOTPROD)
template <>
struct FloatSimd<NeonDot> : FloatSimd<Neon> {};
#endif
#endif

}  // namespace
}  // namespace sextant::inline v1
