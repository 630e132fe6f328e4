/// byte_simd_x86: the 8-bit primitives for SSE2, AVX2, AVX-512 and AVX-512 with VNNI.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/byte_simd.hpp"

#if SEXTANT_KERNEL_X86 && defined(__SSE2__)

namespace sextant::inline v1 {
namespace {

/// Four trailers, transposed.
struct QuadTrailer {
    __m128i sum;
    __m128i square_sum;

    SEXTANT_KERNEL_INLINE static __m128i load(const std::byte* trailer) noexcept {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(trailer));
    }
    SEXTANT_KERNEL_INLINE static QuadTrailer load4(const std::byte* const* trailers) noexcept {
        const __m128i ab = _mm_unpacklo_epi32(load(trailers[0]), load(trailers[1]));
        const __m128i cd = _mm_unpacklo_epi32(load(trailers[2]), load(trailers[3]));
        return {_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd)};
    }
};

/// u32 to float in one rounding: both halves and their scaling are exact, only the addition rounds.
SEXTANT_KERNEL_INLINE __m128 float_of_u32(__m128i value) noexcept {
    const __m128 high = _mm_cvtepi32_ps(_mm_srli_epi32(value, 16));
    const __m128 low = _mm_cvtepi32_ps(_mm_and_si128(value, _mm_set1_epi32(0xFFFF)));
    return _mm_add_ps(_mm_mul_ps(high, _mm_set1_ps(65536.0F)), low);
}

SEXTANT_KERNEL_INLINE void store_scaled(__m128 value, const I8Query& query, float* out) noexcept {
    _mm_storeu_ps(out, _mm_add_ps(_mm_set1_ps(query.offset), _mm_mul_ps(_mm_set1_ps(query.scale), value)));
}

/// `products` = Σ (q+128)·v of four rows.
SEXTANT_KERNEL_INLINE void finish_quad_l2(__m128i products, const std::byte* const* trailers, const I8Query& query,
                                          float* out) noexcept {
    const QuadTrailer trailer = QuadTrailer::load4(trailers);
    const __m128i dot = _mm_sub_epi32(products, _mm_slli_epi32(trailer.sum, 7));
    const __m128i squares = _mm_add_epi32(_mm_set1_epi32(static_cast<int>(query.square_sum)), trailer.square_sum);
    store_scaled(float_of_u32(_mm_sub_epi32(squares, _mm_slli_epi32(dot, 1))), query, out);
}
SEXTANT_KERNEL_INLINE void finish_quad_dot(__m128i products, const std::byte* const* trailers, const I8Query& query,
                                           float* out) noexcept {
    const QuadTrailer trailer = QuadTrailer::load4(trailers);
    const __m128i dot = _mm_sub_epi32(products, _mm_slli_epi32(trailer.sum, 7));
    store_scaled(_mm_cvtepi32_ps(dot), query, out);
}

SEXTANT_KERNEL_INLINE std::uint32_t sum_of_words(__m128i a) noexcept {
    const __m128i pairs = _mm_add_epi32(a, _mm_shuffle_epi32(a, 0x4E));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_add_epi32(pairs, _mm_shuffle_epi32(pairs, 0xB1))));
}

/// The part of the models that needs no more than the four sums of one register each.
template <class Model>
struct ByteFinish {
    template <class Sum>
    SEXTANT_KERNEL_INLINE static void finish_l2(const Sum* sums, const std::byte* const* trailers, const I8Query& query,
                                                float* out) noexcept {
        finish_quad_l2(Model::sum4(sums[0], sums[1], sums[2], sums[3]), trailers, query, out);
    }
    template <class Sum>
    SEXTANT_KERNEL_INLINE static void finish_dot(const Sum* sums, const std::byte* const* trailers,
                                                 const I8Query& query, float* out) noexcept {
        finish_quad_dot(Model::sum4(sums[0], sums[1], sums[2], sums[3]), trailers, query, out);
    }
};

/// Sixteen bytes at a time, widened to 16 bits.
template <>
struct ByteSimd<Sse2> : ByteFinish<ByteSimd<Sse2>> {
    static constexpr std::size_t width = 16;
    static constexpr int static_blocks = 0;
    struct Wide {
        __m128i low;
        __m128i high;
    };
    using Sum = __m128i;
    using Query = Wide;
    using Row = Wide;

    SEXTANT_KERNEL_INLINE static Wide widen_signed(__m128i bytes) noexcept {
        return {_mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8), _mm_srai_epi16(_mm_unpackhi_epi8(bytes, bytes), 8)};
    }
    SEXTANT_KERNEL_INLINE static __m128i load16(const void* p) noexcept {
        return _mm_loadu_si128(static_cast<const __m128i*>(p));
    }
    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return _mm_setzero_si128(); }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* p) noexcept {
        const __m128i bytes = load16(p);
        return {_mm_unpacklo_epi8(bytes, _mm_setzero_si128()), _mm_unpackhi_epi8(bytes, _mm_setzero_si128())};
    }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept { return widen_signed(load16(p)); }
    /// `count` is a multiple of 4, and eight bytes of trailer follow: the query's zeros cancel what is read of them.
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        if (count >= 8) return load_row(p);
        return widen_signed(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    }
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        return _mm_add_epi32(sum,
                             _mm_add_epi32(_mm_madd_epi16(query.low, row.low), _mm_madd_epi16(query.high, row.high)));
    }
    SEXTANT_KERNEL_INLINE static __m128i sum4(Sum a, Sum b, Sum c, Sum d) noexcept {
        const __m128i ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
        const __m128i cd = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
        return _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
    }
    SEXTANT_KERNEL_INLINE static std::uint32_t l2_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        Sum sum = zero();
        std::size_t i = 0;
        for (; i + width <= dimension; i += width) {
            const Wide x = widen_signed(load16(a + i));
            const Wide y = widen_signed(load16(b + i));
            const __m128i low = _mm_sub_epi16(x.low, y.low);
            const __m128i high = _mm_sub_epi16(x.high, y.high);
            sum = _mm_add_epi32(sum, _mm_add_epi32(_mm_madd_epi16(low, low), _mm_madd_epi16(high, high)));
        }
        return sum_of_words(sum) + l2_pair_tail(a, b, i, dimension);
    }
    SEXTANT_KERNEL_INLINE static std::int32_t dot_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        Sum sum = zero();
        std::size_t i = 0;
        for (; i + width <= dimension; i += width) {
            sum = accumulate(sum, widen_signed(load16(a + i)), widen_signed(load16(b + i)));
        }
        return static_cast<std::int32_t>(sum_of_words(sum)) + dot_pair_tail(a, b, i, dimension);
    }
    SEXTANT_KERNEL_INLINE static __m128i encode4(const float* v, const float* offset, __m128 inverse_step) noexcept {
        const __m128 scaled = _mm_mul_ps(_mm_sub_ps(_mm_loadu_ps(v), _mm_loadu_ps(offset)), inverse_step);
        return _mm_cvtps_epi32(_mm_min_ps(_mm_max_ps(scaled, _mm_set1_ps(-128.0F)), _mm_set1_ps(127.0F)));
    }
    SEXTANT_KERNEL_INLINE static void encode(const float* v, const float* offset, float inverse_step,
                                             std::size_t dimension, std::int8_t* out) noexcept {
        const __m128 step = _mm_set1_ps(inverse_step);
        std::size_t i = 0;
        for (; i + 16 <= dimension; i += 16) {
            const __m128i low =
                _mm_packs_epi32(encode4(v + i, offset + i, step), encode4(v + i + 4, offset + i + 4, step));
            const __m128i high =
                _mm_packs_epi32(encode4(v + i + 8, offset + i + 8, step), encode4(v + i + 12, offset + i + 12, step));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm_packs_epi16(low, high));
        }
        for (; i < dimension; ++i) out[i] = encode_one(v[i], offset[i], inverse_step);
    }
};

#if defined(__AVX2__) && defined(__FMA__)
/// Thirty-two bytes at a time, widened to 16 bits by the load itself.
template <>
struct ByteSimd<Avx2> : ByteFinish<ByteSimd<Avx2>> {
    static constexpr std::size_t width = 32;
    static constexpr int static_blocks = 0;
    struct Wide {
        __m256i low;
        __m256i high;
    };
    using Sum = __m256i;
    using Query = Wide;
    using Row = Wide;

    SEXTANT_KERNEL_INLINE static __m128i load16(const void* p) noexcept {
        return _mm_loadu_si128(static_cast<const __m128i*>(p));
    }
    SEXTANT_KERNEL_INLINE static Wide load_signed(const void* p) noexcept {
        const auto* bytes = static_cast<const std::byte*>(p);
        return {_mm256_cvtepi8_epi16(load16(bytes)), _mm256_cvtepi8_epi16(load16(bytes + 16))};
    }
    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return _mm256_setzero_si256(); }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* p) noexcept {
        return {_mm256_cvtepu8_epi16(load16(p)), _mm256_cvtepu8_epi16(load16(p + 16))};
    }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept { return load_signed(p); }
    /// Rows are padded to whole words, so a mask of words suffices.
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        const __m256i bytes = _mm256_maskload_epi32(reinterpret_cast<const int*>(p), tail_mask(count / 4));
        return {_mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes)),
                _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1))};
    }
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        return _mm256_add_epi32(
            sum, _mm256_add_epi32(_mm256_madd_epi16(query.low, row.low), _mm256_madd_epi16(query.high, row.high)));
    }
    SEXTANT_KERNEL_INLINE static __m128i fold(Sum a) noexcept {
        return _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    }
    SEXTANT_KERNEL_INLINE static __m128i sum4(Sum a, Sum b, Sum c, Sum d) noexcept {
        const __m256i ab = _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        const __m256i cd = _mm256_add_epi32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        return fold(_mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd)));
    }
    SEXTANT_KERNEL_INLINE static std::uint32_t l2_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        Sum sum = zero();
        std::size_t i = 0;
        for (; i + width <= dimension; i += width) {
            const Wide x = load_signed(a + i);
            const Wide y = load_signed(b + i);
            const __m256i low = _mm256_sub_epi16(x.low, y.low);
            const __m256i high = _mm256_sub_epi16(x.high, y.high);
            sum = _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_madd_epi16(low, low), _mm256_madd_epi16(high, high)));
        }
        return sum_of_words(fold(sum)) + l2_pair_tail(a, b, i, dimension);
    }
    SEXTANT_KERNEL_INLINE static std::int32_t dot_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        Sum sum = zero();
        std::size_t i = 0;
        for (; i + width <= dimension; i += width) sum = accumulate(sum, load_signed(a + i), load_signed(b + i));
        return static_cast<std::int32_t>(sum_of_words(fold(sum))) + dot_pair_tail(a, b, i, dimension);
    }
    SEXTANT_KERNEL_INLINE static __m256i encode8(const float* v, const float* offset, __m256 inverse_step) noexcept {
        const __m256 scaled = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(v), _mm256_loadu_ps(offset)), inverse_step);
        return _mm256_cvtps_epi32(
            _mm256_min_ps(_mm256_max_ps(scaled, _mm256_set1_ps(-128.0F)), _mm256_set1_ps(127.0F)));
    }
    SEXTANT_KERNEL_INLINE static void encode(const float* v, const float* offset, float inverse_step,
                                             std::size_t dimension, std::int8_t* out) noexcept {
        const __m256 step = _mm256_set1_ps(inverse_step);
        std::size_t i = 0;
        for (; i + 16 <= dimension; i += 16) {
            const __m256i words =
                _mm256_packs_epi32(encode8(v + i, offset + i, step), encode8(v + i + 8, offset + i + 8, step));
            const __m256i ordered = _mm256_permute4x64_epi64(words, 0xD8);
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                             _mm_packs_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1)));
        }
        for (; i < dimension; ++i) out[i] = encode_one(v[i], offset[i], inverse_step);
    }
};
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
/// What both AVX-512 models share: masked tails, so no loop of single bytes anywhere.
struct ByteWide512 {
    static constexpr std::size_t width = 64;
    using Sum = __m512i;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return _mm512_setzero_si512(); }
    SEXTANT_KERNEL_INLINE static __m512i load64(const void* p) noexcept { return _mm512_loadu_si512(p); }
    SEXTANT_KERNEL_INLINE static __mmask64 first_bytes(std::size_t count) noexcept {
        return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
    }
    SEXTANT_KERNEL_INLINE static __m512i load_masked(const void* p, std::size_t count) noexcept {
        return _mm512_maskz_loadu_epi8(first_bytes(count), p);
    }
    SEXTANT_KERNEL_INLINE static __m128i fold(Sum a) noexcept {
        const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
        return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    }
    SEXTANT_KERNEL_INLINE static __m128i sum4(Sum a, Sum b, Sum c, Sum d) noexcept {
        const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        return fold(_mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd)));
    }
    SEXTANT_KERNEL_INLINE static __m512i low_words(__m512i bytes) noexcept {
        return _mm512_cvtepi8_epi16(_mm512_castsi512_si256(bytes));
    }
    SEXTANT_KERNEL_INLINE static __m512i high_words(__m512i bytes) noexcept {
        return _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(bytes, 1));
    }
    SEXTANT_KERNEL_INLINE static Sum add_squares(Sum sum, __m512i a, __m512i b) noexcept {
        const __m512i low = _mm512_sub_epi16(low_words(a), low_words(b));
        const __m512i high = _mm512_sub_epi16(high_words(a), high_words(b));
        return _mm512_add_epi32(sum, _mm512_add_epi32(_mm512_madd_epi16(low, low), _mm512_madd_epi16(high, high)));
    }
    SEXTANT_KERNEL_INLINE static std::uint32_t l2_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        Sum sum = zero();
        std::size_t i = 0;
        for (; i + width <= dimension; i += width) sum = add_squares(sum, load64(a + i), load64(b + i));
        if (i < dimension) {
            sum = add_squares(sum, load_masked(a + i, dimension - i), load_masked(b + i, dimension - i));
        }
        return sum_of_words(fold(sum));
    }
    SEXTANT_KERNEL_INLINE static __m128i encode16(__m512 v, __m512 offset, __m512 inverse_step) noexcept {
        const __m512 scaled = _mm512_mul_ps(_mm512_sub_ps(v, offset), inverse_step);
        const __m512 clamped = _mm512_min_ps(_mm512_max_ps(scaled, _mm512_set1_ps(-128.0F)), _mm512_set1_ps(127.0F));
        return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(clamped));
    }
    SEXTANT_KERNEL_INLINE static void encode(const float* v, const float* offset, float inverse_step,
                                             std::size_t dimension, std::int8_t* out) noexcept {
        const __m512 step = _mm512_set1_ps(inverse_step);
        std::size_t i = 0;
        for (; i + 16 <= dimension; i += 16) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                             encode16(_mm512_loadu_ps(v + i), _mm512_loadu_ps(offset + i), step));
        }
        if (i < dimension) {
            const auto mask = static_cast<__mmask16>((1U << (dimension - i)) - 1U);
            _mm_mask_storeu_epi8(
                out + i, mask,
                encode16(_mm512_maskz_loadu_ps(mask, v + i), _mm512_maskz_loadu_ps(mask, offset + i), step));
        }
    }
};

/// Without VNNI: widened to 16 bits.
template <>
struct ByteSimd<Avx512> : ByteWide512, ByteFinish<ByteWide512> {
    static constexpr int static_blocks = 0;
    struct Wide {
        __m512i low;
        __m512i high;
    };
    using Query = Wide;
    using Row = Wide;

    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* p) noexcept {
        const __m512i bytes = load64(p);
        return {_mm512_cvtepu8_epi16(_mm512_castsi512_si256(bytes)),
                _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(bytes, 1))};
    }
    SEXTANT_KERNEL_INLINE static Wide widen(__m512i bytes) noexcept { return {low_words(bytes), high_words(bytes)}; }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept { return widen(load64(p)); }
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        return widen(load_masked(p, count));
    }
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        return _mm512_add_epi32(
            sum, _mm512_add_epi32(_mm512_madd_epi16(query.low, row.low), _mm512_madd_epi16(query.high, row.high)));
    }
    SEXTANT_KERNEL_INLINE static std::int32_t dot_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        Sum sum = zero();
        std::size_t i = 0;
        for (; i + width <= dimension; i += width) sum = accumulate(sum, widen(load64(a + i)), widen(load64(b + i)));
        if (i < dimension) {
            sum = accumulate(sum, widen(load_masked(a + i, dimension - i)), widen(load_masked(b + i, dimension - i)));
        }
        return static_cast<std::int32_t>(sum_of_words(fold(sum)));
    }
};

#if defined(__AVX512VNNI__)
/// vpdpbusd: 64 products of an unsigned and a signed byte added to 16 sums in one instruction.
template <>
struct ByteSimd<Avx512Vnni> : ByteWide512, ByteFinish<ByteWide512> {
    static constexpr int static_blocks = 4;
    using Query = __m512i;
    using Row = __m512i;

    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* p) noexcept { return load64(p); }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept { return load64(p); }
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        return load_masked(p, count);
    }
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        return _mm512_dpbusd_epi32(sum, query, row);
    }
    /// Σ a·b = Σ (a+128)·b - 128·Σ b; turning the top bit of a byte adds 128 to it.
    SEXTANT_KERNEL_INLINE static std::int32_t dot_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        const __m512i top_bits = _mm512_set1_epi8(static_cast<char>(-128));
        const __m512i ones = _mm512_set1_epi8(1);
        Sum products = zero();
        Sum sums = zero();
        std::size_t i = 0;
        for (; i + width <= dimension; i += width) {
            const __m512i y = load64(b + i);
            products = _mm512_dpbusd_epi32(products, _mm512_xor_si512(load64(a + i), top_bits), y);
            sums = _mm512_dpbusd_epi32(sums, ones, y);
        }
        if (i < dimension) {
            const __m512i y = load_masked(b + i, dimension - i);
            const __m512i x = _mm512_xor_si512(load_masked(a + i, dimension - i), top_bits);
            products = _mm512_dpbusd_epi32(products, x, y);
            sums = _mm512_dpbusd_epi32(sums, ones, y);
        }
        const Sum exact = _mm512_sub_epi32(products, _mm512_slli_epi32(sums, 7));
        return static_cast<std::int32_t>(sum_of_words(fold(exact)));
    }
};
#endif
#endif

}  // namespace
}  // namespace sextant::inline v1

#endif
