/// half_simd: float vectors that can also be loaded from half floats.
/// Why F16C is taken for granted beside AVX2 (cpu_features.cpp checks it): every CPU with AVX2 has it.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/float_simd.hpp"

namespace sextant::inline v1 {
namespace {

/// Not a number type: what kernels are told a row consists of.
struct Half {
    std::uint16_t bits;
};

/// The rest of a row as eight halves, zero past `count` < 8; reads nothing else.
struct HalfTail {
    alignas(16) std::uint16_t bits[8] = {};

    SEXTANT_KERNEL_INLINE static HalfTail load(const Half* p, std::size_t count) noexcept {
        HalfTail tail;
        for (std::size_t i = 0; i < count; ++i) tail.bits[i] = p[i].bits;
        return tail;
    }
};

/// Moved to the place of a float's, exponent and fraction are 2^112 times too small, subnormal ones too.
SEXTANT_KERNEL_INLINE float widen_half(Half half) noexcept {
    const std::uint32_t size = (half.bits & 0x7FFFU) << 13U;
    float scaled;
    __builtin_memcpy(&scaled, &size, sizeof scaled);
    scaled *= 0x1.0p112F;
    return (half.bits & 0x8000U) != 0 ? -scaled : scaled;
}

template <class Arch>
struct HalfSimd;

template <>
struct HalfSimd<Portable> : FloatSimd<Portable> {
    using FloatSimd<Portable>::load;
    using FloatSimd<Portable>::load_tail;

    SEXTANT_KERNEL_INLINE static Batch load(const Half* p) noexcept {
        return Batch{widen_half(p[0]), widen_half(p[1]), widen_half(p[2]), widen_half(p[3])};
    }
    SEXTANT_KERNEL_INLINE static Batch load_tail(const Half* p, std::size_t count) noexcept {
        return Batch{widen_half(p[0]), count > 1 ? widen_half(p[1]) : 0.0F, count > 2 ? widen_half(p[2]) : 0.0F, 0.0F};
    }
};

#if SEXTANT_KERNEL_X86 && defined(__SSE2__)
template <>
struct HalfSimd<Sse2> : FloatSimd<Sse2> {
    using FloatSimd<Sse2>::load;
    using FloatSimd<Sse2>::load_tail;

    /// Four halves in the low half of `bits`, as widen_half().
    SEXTANT_KERNEL_INLINE static Batch widen(__m128i bits) noexcept {
        const __m128i words = _mm_unpacklo_epi16(bits, _mm_setzero_si128());
        const __m128i size = _mm_slli_epi32(_mm_and_si128(words, _mm_set1_epi32(0x7FFF)), 13);
        const __m128i sign = _mm_slli_epi32(_mm_and_si128(words, _mm_set1_epi32(0x8000)), 16);
        const __m128 scaled = _mm_mul_ps(_mm_castsi128_ps(size), _mm_set1_ps(0x1.0p112F));
        return _mm_or_ps(scaled, _mm_castsi128_ps(sign));
    }
    SEXTANT_KERNEL_INLINE static Batch load(const Half* p) noexcept {
        return widen(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    }
    SEXTANT_KERNEL_INLINE static Batch load_tail(const Half* p, std::size_t count) noexcept {
        const HalfTail tail = HalfTail::load(p, count);
        return widen(_mm_load_si128(reinterpret_cast<const __m128i*>(tail.bits)));
    }
};
#endif

#if SEXTANT_KERNEL_X86 && defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
template <>
struct HalfSimd<Avx2> : FloatSimd<Avx2> {
    using FloatSimd<Avx2>::load;
    using FloatSimd<Avx2>::load_tail;

    SEXTANT_KERNEL_INLINE static Batch load(const Half* p) noexcept {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    SEXTANT_KERNEL_INLINE static Batch load_tail(const Half* p, std::size_t count) noexcept {
        const HalfTail tail = HalfTail::load(p, count);
        return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(tail.bits)));
    }
};
#endif

#if SEXTANT_KERNEL_X86 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
template <>
struct HalfSimd<Avx512> : FloatSimd<Avx512> {
    using FloatSimd<Avx512>::load;
    using FloatSimd<Avx512>::load_tail;

    SEXTANT_KERNEL_INLINE static Batch load(const Half* p) noexcept {
        return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
    SEXTANT_KERNEL_INLINE static Batch load_tail(const Half* p, std::size_t count) noexcept {
        return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(static_cast<__mmask16>((1U << count) - 1U), p));
    }
};
#endif

#if SEXTANT_KERNEL_NEON
template <>
struct HalfSimd<Neon> : FloatSimd<Neon> {
    using FloatSimd<Neon>::load;
    using FloatSimd<Neon>::load_tail;

    SEXTANT_KERNEL_INLINE static Batch load(const Half* p) noexcept {
        return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&p->bits)));
    }
    SEXTANT_KERNEL_INLINE static Batch load_tail(const Half* p, std::size_t count) noexcept {
        const HalfTail tail = HalfTail::load(p, count);
        return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(tail.bits)));
    }
};
#endif

}  // namespace
}  // namespace sextant::inline v1
