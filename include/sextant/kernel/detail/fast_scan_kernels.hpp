/// fast_scan_kernels: a query against blocks of 32 codes of 4 bits, with tables that stay in registers: a byte shuffle
/// looks up 16 to 64 of them at once (André, Kermarrec, Le Scouarnec 2015, 2017).
/// Invariant: sums are exact. 16-bit sums are drawn into 32 bits after at most 256 bytes each, before they can overflow.
/// Why even and odd bytes apart: a 16-bit addition of looked-up bytes is Σ even + 256 · Σ odd; the odd bytes are summed
/// once more, shifted down, and taken off at the end. So a shuffle costs three more instructions instead of four.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/row_access.hpp"
#include "sextant/kernel/detail/target.hpp"
#include "sextant/kernel/product_kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

/// Sub-vectors whose bytes together fit 16 bits: 256 · 255 < 65,536.
inline constexpr std::size_t fast_scan_chunk = 256;

/// A model has `add(tables, codes, count, sums)`: adds the bytes of `count` <= fast_scan_chunk sub-vectors to the 32 sums.
template <class Arch>
struct FastScanSimd {
    SEXTANT_KERNEL_INLINE static void add(const std::uint8_t* tables, const std::uint8_t* codes, std::size_t count,
                                          std::uint32_t* sums) noexcept {
        for (std::size_t s = 0; s < count; ++s, tables += 16, codes += 16) {
            for (std::size_t j = 0; j < 16; ++j) {
                sums[j] += tables[codes[j] & 15U];
                sums[j + 16] += tables[codes[j] >> 4U];
            }
        }
    }
};

#if SEXTANT_KERNEL_X86 && defined(__AVX2__) && defined(__FMA__)
/// Looked-up bytes of 16 rows, spread over one or more lanes of 16 bytes.
struct ByteSums256 {
    __m256i all = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();

    SEXTANT_KERNEL_INLINE void add(__m256i bytes) noexcept {
        all = _mm256_add_epi16(all, bytes);
        odd = _mm256_add_epi16(odd, _mm256_srli_epi16(bytes, 8));
    }
    /// Adds the 16 sums to `sums`.
    SEXTANT_KERNEL_INLINE void finish(std::uint32_t* sums) const noexcept {
        const __m256i even = _mm256_sub_epi16(all, _mm256_slli_epi16(odd, 8));
        const __m128i even16 = _mm_add_epi16(_mm256_castsi256_si128(even), _mm256_extracti128_si256(even, 1));
        const __m128i odd16 = _mm_add_epi16(_mm256_castsi256_si128(odd), _mm256_extracti128_si256(odd, 1));
        add_words(_mm_unpacklo_epi16(even16, odd16), sums);
        add_words(_mm_unpackhi_epi16(even16, odd16), sums + 8);
    }
    SEXTANT_KERNEL_INLINE static void add_words(__m128i words, std::uint32_t* sums) noexcept {
        auto* const target = reinterpret_cast<__m256i*>(sums);
        _mm256_storeu_si256(target, _mm256_add_epi32(_mm256_loadu_si256(target), _mm256_cvtepu16_epi32(words)));
    }
};

/// Two sub-vectors at once, one in each half of a register.
template <>
struct FastScanSimd<Avx2> {
    SEXTANT_KERNEL_INLINE static void add(const std::uint8_t* tables, const std::uint8_t* codes, std::size_t count,
                                          std::uint32_t* sums) noexcept {
        ByteSums256 low;
        ByteSums256 high;
        const __m256i low_bits = _mm256_set1_epi8(0x0F);
        const auto step = [&](__m256i table, __m256i code) noexcept {
            low.add(_mm256_shuffle_epi8(table, _mm256_and_si256(code, low_bits)));
            high.add(_mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(code, 4), low_bits)));
        };
        std::size_t s = 0;
        for (; s + 2 <= count; s += 2) {
            step(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(tables + 16 * s)),
                 _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 16 * s)));
        }
        if (s < count) {  // the other half looks up zeros
            step(_mm256_zextsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(tables + 16 * s))),
                 _mm256_zextsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + 16 * s))));
        }
        low.finish(sums);
        high.finish(sums + 16);
    }
};
#endif

#if SEXTANT_KERNEL_X86 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
struct ByteSums512 {
    __m512i all = _mm512_setzero_si512();
    __m512i odd = _mm512_setzero_si512();

    SEXTANT_KERNEL_INLINE void add(__m512i bytes) noexcept {
        all = _mm512_add_epi16(all, bytes);
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16(bytes, 8));
    }
    SEXTANT_KERNEL_INLINE void finish(std::uint32_t* sums) const noexcept {
        ByteSums256 half;
        half.all = _mm256_add_epi16(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
        half.odd = _mm256_add_epi16(_mm512_castsi512_si256(odd), _mm512_extracti64x4_epi64(odd, 1));
        half.finish(sums);
    }
};

/// Four sub-vectors at once.
template <>
struct FastScanSimd<Avx512> {
    SEXTANT_KERNEL_INLINE static void add(const std::uint8_t* tables, const std::uint8_t* codes, std::size_t count,
                                          std::uint32_t* sums) noexcept {
        ByteSums512 low;
        ByteSums512 high;
        const __m512i low_bits = _mm512_set1_epi8(0x0F);
        const auto step = [&](__m512i table, __m512i code) noexcept {
            low.add(_mm512_shuffle_epi8(table, _mm512_and_si512(code, low_bits)));
            high.add(_mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(code, 4), low_bits)));
        };
        std::size_t s = 0;
        for (; s + 4 <= count; s += 4) step(_mm512_loadu_si512(tables + 16 * s), _mm512_loadu_si512(codes + 16 * s));
        if (s < count) {  // the other lanes look up zeros
            const auto lanes = static_cast<__mmask8>((1U << (2 * (count - s))) - 1U);
            step(_mm512_maskz_loadu_epi64(lanes, tables + 16 * s), _mm512_maskz_loadu_epi64(lanes, codes + 16 * s));
        }
        low.finish(sums);
        high.finish(sums + 16);
    }
};
#if defined(__AVX512VNNI__)
template <>
struct FastScanSimd<Avx512Vnni> : FastScanSimd<Avx512> {};
#endif
#endif

#if SEXTANT_KERNEL_NEON
/// The sums of 16 rows in 16 bits.
struct ByteSumsNeon {
    uint16x8_t first = vdupq_n_u16(0);
    uint16x8_t last = vdupq_n_u16(0);

    SEXTANT_KERNEL_INLINE void add(uint8x16_t bytes) noexcept {
        first = vaddw_u8(first, vget_low_u8(bytes));
        last = vaddw_high_u8(last, bytes);
    }
    SEXTANT_KERNEL_INLINE void finish(std::uint32_t* sums) const noexcept {
        vst1q_u32(sums, vaddw_u16(vld1q_u32(sums), vget_low_u16(first)));
        vst1q_u32(sums + 4, vaddw_high_u16(vld1q_u32(sums + 4), first));
        vst1q_u32(sums + 8, vaddw_u16(vld1q_u32(sums + 8), vget_low_u16(last)));
        vst1q_u32(sums + 12, vaddw_high_u16(vld1q_u32(sums + 12), last));
    }
};

template <>
struct FastScanSimd<Neon> {
    SEXTANT_KERNEL_INLINE static void add(const std::uint8_t* tables, const std::uint8_t* codes, std::size_t count,
                                          std::uint32_t* sums) noexcept {
        ByteSumsNeon low;
        ByteSumsNeon high;
        for (std::size_t s = 0; s < count; ++s) {
            const uint8x16_t table = vld1q_u8(tables + 16 * s);
            const uint8x16_t code = vld1q_u8(codes + 16 * s);
            low.add(vqtbl1q_u8(table, vandq_u8(code, vdupq_n_u8(0x0F))));
            high.add(vqtbl1q_u8(table, vshrq_n_u8(code, 4)));
        }
        low.finish(sums);
        high.finish(sums + 16);
    }
};
#if defined(__ARM_FEATURE_DOTPROD)
template <>
struct FastScanSimd<NeonDot> : FastScanSimd<Neon> {};
#endif
#endif

template <class Simd>
SEXTANT_KERNEL_INLINE void scan_blocks(const FastScanQuery& shared_query, const std::byte* blocks, std::size_t stride,
                                       std::size_t block_count, float* out) noexcept {
    const FastScanQuery query = shared_query;  // a copy: stores to `out` could otherwise change it
    const std::size_t size = block_count * stride;
    for (std::size_t i = 0; i < block_count; ++i, out += fast_scan_rows) {
        const std::byte* const block = blocks + i * stride;
        if (i * stride + short_stream_ahead < size) {  // a block of a graph has no successor that it would be worth it
            for (std::size_t at = 0; at < stride; at += cache_line_size) prefetch_line(block + short_stream_ahead + at);
        }
        const auto* const codes = reinterpret_cast<const std::uint8_t*>(block);
        std::uint32_t sums[fast_scan_rows] = {};
        for (std::size_t first = 0; first < query.subvectors; first += fast_scan_chunk) {
            const std::size_t rest = query.subvectors - first;
            Simd::add(query.tables + 16 * first, codes + 16 * first, rest < fast_scan_chunk ? rest : fast_scan_chunk,
                      sums);
        }
        // Below 2^24 for 65,793 sub-vectors: signed conversion, one rounding.
        for (std::size_t r = 0; r < fast_scan_rows; ++r) {
            out[r] = query.offset + query.scale * static_cast<float>(static_cast<std::int32_t>(sums[r]));
        }
    }
}

}  // namespace
}  // namespace sextant::inline v1
