/// nibble_simd: what the kernels of 4-bit codes need of each instruction set: loading halves of bytes and multiplying
/// them with bytes of a query.
/// Why halves are unsigned: 2 · 255 · 15 fits 16 bits with room for another pair, so AVX2 multiplies bytes at once
/// (vpmaddubsw), where 8-bit codes must be widened first.
/// Invariant: every result is exact in 32-bit arithmetic.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/target.hpp"

namespace sextant::inline v1 {
namespace {

/// A model has: `width` bytes of a row per vector; load_row; load_row_tail of `count` bytes, a multiple of 4, which may
/// read 8 bytes past them (the trailer; the query is 0 there); load_query of the bytes for low and for high halves;
/// accumulate; store4: the sums of four rows as words.
template <class Arch>
struct NibbleSimd;

template <>
struct NibbleSimd<Portable> {
    static constexpr std::size_t width = 16;
    using Sum = std::uint32_t;
    struct Query {
        const std::uint8_t* low;
        const std::uint8_t* high;
    };
    struct Row {
        std::uint8_t bytes[width];
    };

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return 0; }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* low, const std::uint8_t* high) noexcept {
        return {low, high};
    }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept {
        Row row;
        __builtin_memcpy(row.bytes, p, width);
        return row;
    }
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        Row row{};
        for (std::size_t i = 0; i < count; ++i) row.bytes[i] = static_cast<std::uint8_t>(p[i]);
        return row;
    }
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        for (std::size_t i = 0; i < width; ++i) {
            sum += std::uint32_t{query.low[i]} * (row.bytes[i] & 15U) +
                   std::uint32_t{query.high[i]} * (row.bytes[i] >> 4U);
        }
        return sum;
    }
    SEXTANT_KERNEL_INLINE static void store4(const Sum* sums, std::uint32_t* out) noexcept {
        for (int r = 0; r < 4; ++r) out[r] = sums[r];
    }
};

#if SEXTANT_KERNEL_X86 && defined(__SSE2__)
/// Widened to 16 bits: SSE2 multiplies no bytes.
template <>
struct NibbleSimd<Sse2> {
    static constexpr std::size_t width = 16;
    struct Wide {
        __m128i low[2];
        __m128i high[2];
    };
    using Sum = __m128i;
    using Query = Wide;
    using Row = Wide;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return _mm_setzero_si128(); }
    SEXTANT_KERNEL_INLINE static __m128i load16(const void* p) noexcept {
        return _mm_loadu_si128(static_cast<const __m128i*>(p));
    }
    SEXTANT_KERNEL_INLINE static Wide widen(__m128i low, __m128i high) noexcept {
        const __m128i none = _mm_setzero_si128();
        return {{_mm_unpacklo_epi8(low, none), _mm_unpackhi_epi8(low, none)},
                {_mm_unpacklo_epi8(high, none), _mm_unpackhi_epi8(high, none)}};
    }
    SEXTANT_KERNEL_INLINE static Row halves(__m128i bytes) noexcept {
        const __m128i mask = _mm_set1_epi8(15);
        return widen(_mm_and_si128(bytes, mask), _mm_and_si128(_mm_srli_epi16(bytes, 4), mask));
    }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* low, const std::uint8_t* high) noexcept {
        return widen(load16(low), load16(high));
    }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept { return halves(load16(p)); }
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        if (count >= 8) return load_row(p);
        return halves(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    }
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, const Query& query, const Row& row) noexcept {
        for (int i = 0; i < 2; ++i) {
            sum = _mm_add_epi32(sum, _mm_add_epi32(_mm_madd_epi16(query.low[i], row.low[i]),
                                                   _mm_madd_epi16(query.high[i], row.high[i])));
        }
        return sum;
    }
    SEXTANT_KERNEL_INLINE static void store4(const Sum* sums, std::uint32_t* out) noexcept {
        const __m128i ab = _mm_add_epi32(_mm_unpacklo_epi32(sums[0], sums[1]), _mm_unpackhi_epi32(sums[0], sums[1]));
        const __m128i cd = _mm_add_epi32(_mm_unpacklo_epi32(sums[2], sums[3]), _mm_unpackhi_epi32(sums[2], sums[3]));
        const __m128i all = _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), all);
    }
};
#endif

#if SEXTANT_KERNEL_X86 && defined(__AVX2__) && defined(__FMA__)
template <>
struct NibbleSimd<Avx2> {
    static constexpr std::size_t width = 32;
    struct Pair {
        __m256i low;
        __m256i high;
    };
    using Sum = __m256i;
    using Query = Pair;
    using Row = Pair;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return _mm256_setzero_si256(); }
    SEXTANT_KERNEL_INLINE static __m256i load32(const void* p) noexcept {
        return _mm256_loadu_si256(static_cast<const __m256i*>(p));
    }
    SEXTANT_KERNEL_INLINE static Row halves(__m256i bytes) noexcept {
        const __m256i mask = _mm256_set1_epi8(15);
        return {_mm256_and_si256(bytes, mask), _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask)};
    }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* low, const std::uint8_t* high) noexcept {
        return {load32(low), load32(high)};
    }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept { return halves(load32(p)); }
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        const __m256i words = _mm256_set1_epi32(static_cast<int>(count / 4));
        const __m256i mask = _mm256_cmpgt_epi32(words, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
        return halves(_mm256_maskload_epi32(reinterpret_cast<const int*>(p), mask));
    }
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        const __m256i pairs =
            _mm256_add_epi16(_mm256_maddubs_epi16(query.low, row.low), _mm256_maddubs_epi16(query.high, row.high));
        return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    SEXTANT_KERNEL_INLINE static void store4(const Sum* sums, std::uint32_t* out) noexcept {
        const __m256i ab =
            _mm256_add_epi32(_mm256_unpacklo_epi32(sums[0], sums[1]), _mm256_unpackhi_epi32(sums[0], sums[1]));
        const __m256i cd =
            _mm256_add_epi32(_mm256_unpacklo_epi32(sums[2], sums[3]), _mm256_unpackhi_epi32(sums[2], sums[3]));
        const __m256i all = _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                         _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1)));
    }
};
#endif

#if SEXTANT_KERNEL_X86 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
/// A vector is a whole block.
struct NibbleWide512 {
    static constexpr std::size_t width = 64;
    struct Pair {
        __m512i low;
        __m512i high;
    };
    using Sum = __m512i;
    using Query = Pair;
    using Row = Pair;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return _mm512_setzero_si512(); }
    SEXTANT_KERNEL_INLINE static Row halves(__m512i bytes) noexcept {
        const __m512i mask = _mm512_set1_epi8(15);
        return {_mm512_and_si512(bytes, mask), _mm512_and_si512(_mm512_srli_epi16(bytes, 4), mask)};
    }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* low, const std::uint8_t* high) noexcept {
        return {_mm512_loadu_si512(low), _mm512_loadu_si512(high)};
    }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept { return halves(_mm512_loadu_si512(p)); }
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        return halves(_mm512_maskz_loadu_epi8((__mmask64{1} << count) - 1, p));
    }
    SEXTANT_KERNEL_INLINE static void store4(const Sum* sums, std::uint32_t* out) noexcept {
        const __m512i ab =
            _mm512_add_epi32(_mm512_unpacklo_epi32(sums[0], sums[1]), _mm512_unpackhi_epi32(sums[0], sums[1]));
        const __m512i cd =
            _mm512_add_epi32(_mm512_unpacklo_epi32(sums[2], sums[3]), _mm512_unpackhi_epi32(sums[2], sums[3]));
        const __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
        const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                         _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
    }
};

template <>
struct NibbleSimd<Avx512> : NibbleWide512 {
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        const __m512i pairs =
            _mm512_add_epi16(_mm512_maddubs_epi16(query.low, row.low), _mm512_maddubs_epi16(query.high, row.high));
        return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
    }
};

#if defined(__AVX512VNNI__)
template <>
struct NibbleSimd<Avx512Vnni> : NibbleWide512 {
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum, query.low, row.low), query.high, row.high);
    }
};
#endif
#endif

#if SEXTANT_KERNEL_NEON
/// All but the multiply-accumulate.
struct NibbleNeon {
    static constexpr std::size_t width = 16;
    struct Pair {
        uint8x16_t low;
        uint8x16_t high;
    };
    using Sum = uint32x4_t;
    using Query = Pair;
    using Row = Pair;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return vdupq_n_u32(0); }
    SEXTANT_KERNEL_INLINE static Row halves(uint8x16_t bytes) noexcept {
        return {vandq_u8(bytes, vdupq_n_u8(15)), vshrq_n_u8(bytes, 4)};
    }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* low, const std::uint8_t* high) noexcept {
        return {vld1q_u8(low), vld1q_u8(high)};
    }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept {
        return halves(vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)));
    }
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        if (count >= 8) return load_row(p);
        return halves(vcombine_u8(vld1_u8(reinterpret_cast<const std::uint8_t*>(p)), vdup_n_u8(0)));
    }
    SEXTANT_KERNEL_INLINE static void store4(const Sum* sums, std::uint32_t* out) noexcept {
        vst1q_u32(out, vpaddq_u32(vpaddq_u32(sums[0], sums[1]), vpaddq_u32(sums[2], sums[3])));
    }
};

template <>
struct NibbleSimd<Neon> : NibbleNeon {
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        uint16x8_t first = vmull_u8(vget_low_u8(query.low), vget_low_u8(row.low));
        first = vmlal_u8(first, vget_low_u8(query.high), vget_low_u8(row.high));
        uint16x8_t second = vmull_high_u8(query.low, row.low);
        second = vmlal_high_u8(second, query.high, row.high);
        return vpadalq_u16(vpadalq_u16(sum, first), second);
    }
};

#if defined(__ARM_FEATURE_DOTPROD)
template <>
struct NibbleSimd<NeonDot> : NibbleNeon {
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        return vdotq_u32(vdotq_u32(sum, query.low, row.low), query.high, row.high);
    }
};
#endif
#endif

}  // namespace
}  // namespace sextant::inline v1
