/// packed_simd_x86: packed codes for SSE2, AVX2, AVX-512, and AVX-512 with VNNI and with VPOPCNTDQ.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/packed_simd.hpp"

#if SEXTANT_KERNEL_X86 && defined(__SSE2__)

namespace sextant::inline v1 {
namespace {

/// Modulo 2^32.
SEXTANT_KERNEL_INLINE std::uint32_t sum_of_four(__m128i words) noexcept {
    const __m128i two = _mm_add_epi32(words, _mm_unpackhi_epi64(words, words));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1))));
}

template <>
struct PackedSimd<Sse2> {
    using Signs = SignByWord<CountByShifts>;
    using Sum = __m128i;
    struct Codes {
        __m128i part[4];
    };
    using Query = const std::int8_t*;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return _mm_setzero_si128(); }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::int8_t* p) noexcept { return p; }
    SEXTANT_KERNEL_INLINE static __m128i load(const std::byte* p) noexcept {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
    SEXTANT_KERNEL_INLINE static __m128i spread16(const std::byte* p) noexcept {
        return _mm_set_epi64x(static_cast<long long>(spread_bits(static_cast<unsigned>(p[1]))),
                              static_cast<long long>(spread_bits(static_cast<unsigned>(p[0]))));
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Codes load_codes(const std::byte* p) noexcept {
        using Groups = PackedGroups<Bits>;
        Codes codes = {{zero(), zero(), zero(), zero()}};
        if constexpr (Bits == 8) {
            for (int i = 0; i < 4; ++i) codes.part[i] = load(p + 16 * i);
            return codes;
        }
        if constexpr (Groups::has4) {
            const __m128i low = _mm_set1_epi8(15);
            for (int i = 0; i < 2; ++i) {
                const __m128i both = load(p + 16 * i);
                codes.part[i] = _mm_slli_epi16(_mm_and_si128(both, low), Groups::shift4);
                codes.part[i + 2] = _mm_slli_epi16(_mm_and_si128(_mm_srli_epi16(both, 4), low), Groups::shift4);
            }
        }
        if constexpr (Groups::has2) {
            const __m128i all = load(p + Groups::offset2);
            const __m128i low = _mm_set1_epi8(3);
            for (int i = 0; i < 4; ++i) {
                const __m128i two = _mm_and_si128(_mm_srli_epi16(all, 2 * i), low);
                codes.part[i] = _mm_or_si128(codes.part[i], _mm_slli_epi16(two, Groups::shift2));
            }
        }
        if constexpr (Groups::has1) {
            for (int i = 0; i < 4; ++i) {
                codes.part[i] = _mm_or_si128(codes.part[i], spread16(p + Groups::offset1 + 2 * i));
            }
        }
        return codes;
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, const Codes& codes, Query query) noexcept {
        for (int i = 0; i < 4; ++i) {
            const __m128i values = load(reinterpret_cast<const std::byte*>(query + 16 * i));
            const __m128i signs = _mm_cmpgt_epi8(zero(), values);
            const __m128i low =
                _mm_madd_epi16(_mm_unpacklo_epi8(codes.part[i], zero()), _mm_unpacklo_epi8(values, signs));
            const __m128i high =
                _mm_madd_epi16(_mm_unpackhi_epi8(codes.part[i], zero()), _mm_unpackhi_epi8(values, signs));
            sum = _mm_add_epi32(sum, _mm_add_epi32(low, high));
        }
        return sum;
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static std::int32_t total(Sum sum) noexcept {
        return static_cast<std::int32_t>(sum_of_four(sum));
    }
};

#if defined(__AVX2__) && defined(__FMA__)

struct CountByInstruction {
    SEXTANT_KERNEL_INLINE static std::uint32_t of(std::uint64_t word) noexcept {
        return static_cast<std::uint32_t>(_mm_popcnt_u64(word));
    }
};

template <>
struct PackedSimd<Avx2> {
    using Signs = SignByWord<CountByInstruction>;
    using Sum = __m256i;
    struct Codes {
        __m256i low;
        __m256i high;
    };
    using Query = Codes;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return _mm256_setzero_si256(); }
    SEXTANT_KERNEL_INLINE static __m256i load(const void* p) noexcept {
        return _mm256_loadu_si256(static_cast<const __m256i*>(p));
    }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::int8_t* p) noexcept { return {load(p), load(p + 32)}; }
    SEXTANT_KERNEL_INLINE static __m256i spread32(std::uint64_t word, __m256i which) noexcept {
        const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi64x(static_cast<long long>(word)), which);
        const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201U));
        return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit), _mm256_set1_epi8(1));
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Codes load_codes(const std::byte* p) noexcept {
        using Groups = PackedGroups<Bits>;
        if constexpr (Bits == 8) return {load(p), load(p + 32)};
        Codes codes = {zero(), zero()};
        if constexpr (Groups::has4) {
            const __m256i both = load(p);
            const __m256i four = _mm256_set1_epi8(15);
            codes.low = _mm256_slli_epi16(_mm256_and_si256(both, four), Groups::shift4);
            codes.high = _mm256_slli_epi16(_mm256_and_si256(_mm256_srli_epi16(both, 4), four), Groups::shift4);
        }
        if constexpr (Groups::has2) {
            const __m256i all =
                _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + Groups::offset2)));
            const __m256i two = _mm256_set1_epi8(3);
            const __m256i low = _mm256_srlv_epi32(all, _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2));
            const __m256i high = _mm256_srlv_epi32(all, _mm256_setr_epi32(4, 4, 4, 4, 6, 6, 6, 6));
            codes.low = _mm256_or_si256(codes.low, _mm256_slli_epi16(_mm256_and_si256(low, two), Groups::shift2));
            codes.high = _mm256_or_si256(codes.high, _mm256_slli_epi16(_mm256_and_si256(high, two), Groups::shift2));
        }
        if constexpr (Groups::has1) {
            const std::uint64_t word = load_word(p + Groups::offset1);
            const __m256i first = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
            const __m256i last = _mm256_add_epi8(first, _mm256_set1_epi8(4));
            codes.low = _mm256_or_si256(codes.low, spread32(word, first));
            codes.high = _mm256_or_si256(codes.high, spread32(word, last));
        }
        return codes;
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Codes codes, Query query) noexcept {
        if constexpr (Bits == 8) {
            // vpmaddubsw would saturate: 2 · 255 · 127 is above 32,767.
            sum = add_wide(sum, codes.low, query.low);
            return add_wide(sum, codes.high, query.high);
        }
        const __m256i pairs = _mm256_set1_epi16(1);
        const __m256i low = _mm256_madd_epi16(_mm256_maddubs_epi16(codes.low, query.low), pairs);
        const __m256i high = _mm256_madd_epi16(_mm256_maddubs_epi16(codes.high, query.high), pairs);
        return _mm256_add_epi32(sum, _mm256_add_epi32(low, high));
    }
    SEXTANT_KERNEL_INLINE static Sum add_wide(Sum sum, __m256i codes, __m256i query) noexcept {
        const __m256i low = _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm256_castsi256_si128(codes)),
                                              _mm256_cvtepi8_epi16(_mm256_castsi256_si128(query)));
        const __m256i high = _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm256_extracti128_si256(codes, 1)),
                                               _mm256_cvtepi8_epi16(_mm256_extracti128_si256(query, 1)));
        return _mm256_add_epi32(sum, _mm256_add_epi32(low, high));
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static std::int32_t total(Sum sum) noexcept {
        const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        return static_cast<std::int32_t>(sum_of_four(half));
    }
};

#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)

/// Bits of eight words counted: by table where there is no instruction.
SEXTANT_KERNEL_INLINE __m512i count_bits(__m512i words) noexcept {
#if defined(__AVX512VPOPCNTDQ__)
    return _mm512_popcnt_epi64(words);
#else
    const __m512i table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m512i four = _mm512_set1_epi8(15);
    const __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(words, four));
    const __m512i high = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(words, 4), four));
    return _mm512_sad_epu8(_mm512_add_epi8(low, high), _mm512_setzero_si512());
#endif
}

struct SignByRegister {
    SEXTANT_KERNEL_INLINE static void weigh(const PackedQuery& query, const std::byte* const* rows,
                                            std::int32_t* out) noexcept {
        const std::size_t words = query.dimension / 64;
        __m512i counts[4][sign_planes];
        for (auto& row : counts) {
            for (auto& plane : row) plane = _mm512_setzero_si512();
        }
        for (std::size_t w = 0; w < words; w += 8) {
            const std::size_t left = words - w;
            const auto mask = static_cast<__mmask8>(left >= 8 ? 0xFFU : (1U << left) - 1U);
            __m512i row[4];
            for (int r = 0; r < 4; ++r) row[r] = _mm512_maskz_loadu_epi64(mask, rows[r] + 8 * w);
            for (std::size_t p = 0; p < sign_planes; ++p) {
                const __m512i plane = _mm512_load_si512(query.planes + p * query.plane_words + w);
                for (int r = 0; r < 4; ++r) {
                    counts[r][p] = _mm512_add_epi64(counts[r][p], count_bits(_mm512_xor_si512(row[r], plane)));
                }
            }
        }
        for (int r = 0; r < 4; ++r) {
            __m512i sum = counts[r][0];
            for (unsigned p = 1; p < sign_planes; ++p) {
                sum = _mm512_add_epi64(sum, _mm512_slli_epi64(counts[r][p], p));
            }
            const __m256i half = _mm256_add_epi64(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
            const __m128i quarter = _mm_add_epi64(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
            out[r] = static_cast<std::int32_t>(
                _mm_cvtsi128_si64(_mm_add_epi64(quarter, _mm_unpackhi_epi64(quarter, quarter))));
        }
    }
};

/// All but the multiply-accumulate.
struct PackedAvx512 {
    using Signs = SignByRegister;
    using Sum = __m512i;
    using Codes = __m512i;
    using Query = __m512i;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return _mm512_setzero_si512(); }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::int8_t* p) noexcept { return _mm512_load_si512(p); }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Codes load_codes(const std::byte* p) noexcept {
        using Groups = PackedGroups<Bits>;
        if constexpr (Bits == 8) return _mm512_loadu_si512(p);
        __m512i codes = zero();
        if constexpr (Groups::has4) {
            const __m512i both = _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
            const __m512i shifts = _mm512_inserti64x4(zero(), _mm256_set1_epi32(4), 1);
            const __m512i four = _mm512_and_si512(_mm512_srlv_epi32(both, shifts), _mm512_set1_epi8(15));
            codes = Groups::shift4 == 0 ? four : _mm512_slli_epi16(four, Groups::shift4);
        }
        if constexpr (Groups::has2) {
            const __m512i all =
                _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + Groups::offset2)));
            const __m512i shifts = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
            const __m512i two = _mm512_and_si512(_mm512_srlv_epi32(all, shifts), _mm512_set1_epi8(3));
            codes = _mm512_or_si512(codes, Groups::shift2 == 0 ? two : _mm512_slli_epi16(two, Groups::shift2));
        }
        if constexpr (Groups::has1) {
            const auto bits = static_cast<__mmask64>(load_word(p + Groups::offset1));
            codes = _mm512_or_si512(codes, _mm512_maskz_set1_epi8(bits, 1));
        }
        return codes;
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static std::int32_t total(Sum sum) noexcept {
        const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
        const __m128i quarter = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
        return static_cast<std::int32_t>(sum_of_four(quarter));
    }
};

template <>
struct PackedSimd<Avx512> : PackedAvx512 {
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Codes codes, Query query) noexcept {
        if constexpr (Bits == 8) {
            const __m512i low = _mm512_madd_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(codes)),
                                                  _mm512_cvtepi8_epi16(_mm512_castsi512_si256(query)));
            const __m512i high = _mm512_madd_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(codes, 1)),
                                                   _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(query, 1)));
            return _mm512_add_epi32(sum, _mm512_add_epi32(low, high));
        }
        const __m512i pairs = _mm512_maddubs_epi16(codes, query);
        return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
    }
};

#if defined(__AVX512VNNI__)
template <>
struct PackedSimd<Avx512Vnni> : PackedAvx512 {
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Codes codes, Query query) noexcept {
        return _mm512_dpbusd_epi32(sum, codes, query);
    }
};
#endif

#endif

}  // namespace
}  // namespace sextant::inline v1

#endif
