/// packed_simd_arm: packed codes for NEON, with and without the dot product extension.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/packed_simd.hpp"

#if SEXTANT_KERNEL_NEON

namespace sextant::inline v1 {
namespace {

struct SignNeon {
    SEXTANT_KERNEL_INLINE static uint64x2_t load(const std::byte* row, std::size_t word, std::size_t words) noexcept {
        const std::uint64_t first = load_word(row + 8 * word);
        const std::uint64_t second = word + 1 < words ? load_word(row + 8 * word + 8) : 0;
        return vcombine_u64(vcreate_u64(first), vcreate_u64(second));
    }
    SEXTANT_KERNEL_INLINE static void weigh(const PackedQuery& query, const std::byte* const* rows,
                                            std::int32_t* out) noexcept {
        const std::size_t words = query.dimension / 64;
        uint32x4_t counts[4][sign_planes];
        for (auto& row : counts) {
            for (auto& plane : row) plane = vdupq_n_u32(0);
        }
        for (std::size_t w = 0; w < words; w += 2) {
            uint64x2_t row[4];
            for (int r = 0; r < 4; ++r) row[r] = load(rows[r], w, words);
            for (std::size_t p = 0; p < sign_planes; ++p) {
                const uint64x2_t plane = vld1q_u64(query.planes + p * query.plane_words + w);
                for (int r = 0; r < 4; ++r) {
                    const uint8x16_t bits = vcntq_u8(vreinterpretq_u8_u64(veorq_u64(row[r], plane)));
                    counts[r][p] = vpadalq_u16(counts[r][p], vpaddlq_u8(bits));
                }
            }
        }
        for (int r = 0; r < 4; ++r) {
            std::uint32_t sum = 0;
            for (std::size_t p = 0; p < sign_planes; ++p) sum += vaddvq_u32(counts[r][p]) << p;
            out[r] = static_cast<std::int32_t>(sum);
        }
    }
};

/// All but the multiply-accumulate.
struct PackedNeon {
    using Signs = SignNeon;
    using Sum = int32x4_t;
    struct Codes {
        uint8x16_t part[4];
    };
    using Query = const std::int8_t*;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return vdupq_n_s32(0); }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::int8_t* p) noexcept { return p; }
    SEXTANT_KERNEL_INLINE static uint8x16_t load(const std::byte* p) noexcept {
        return vld1q_u8(reinterpret_cast<const std::uint8_t*>(p));
    }
    SEXTANT_KERNEL_INLINE static uint8x16_t shifted(uint8x16_t v, int by) noexcept {
        return vshlq_u8(v, vdupq_n_s8(static_cast<std::int8_t>(by)));
    }
    SEXTANT_KERNEL_INLINE static uint8x16_t spread16(const std::byte* p) noexcept {
        return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(spread_bits(static_cast<unsigned>(p[0]))),
                                                 vcreate_u64(spread_bits(static_cast<unsigned>(p[1])))));
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Codes load_codes(const std::byte* p) noexcept {
        using Groups = PackedGroups<Bits>;
        Codes codes;
        for (auto& part : codes.part) part = vdupq_n_u8(0);
        if constexpr (Bits == 8) {
            for (int i = 0; i < 4; ++i) codes.part[i] = load(p + 16 * i);
            return codes;
        }
        if constexpr (Groups::has4) {
            for (int i = 0; i < 2; ++i) {
                const uint8x16_t both = load(p + 16 * i);
                codes.part[i] = shifted(vandq_u8(both, vdupq_n_u8(15)), Groups::shift4);
                codes.part[i + 2] = shifted(vshrq_n_u8(both, 4), Groups::shift4);
            }
        }
        if constexpr (Groups::has2) {
            const uint8x16_t all = load(p + Groups::offset2);
            for (int i = 0; i < 4; ++i) {
                const uint8x16_t two = vandq_u8(shifted(all, -2 * i), vdupq_n_u8(3));
                codes.part[i] = vorrq_u8(codes.part[i], shifted(two, Groups::shift2));
            }
        }
        if constexpr (Groups::has1) {
            for (int i = 0; i < 4; ++i) {
                codes.part[i] = vorrq_u8(codes.part[i], spread16(p + Groups::offset1 + 2 * i));
            }
        }
        return codes;
    }
    SEXTANT_KERNEL_INLINE static Sum add_wide(Sum sum, uint8x16_t codes, int8x16_t query) noexcept {
        const int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(codes)));
        const int16x8_t high = vreinterpretq_s16_u16(vmovl_high_u8(codes));
        const int16x8_t query_low = vmovl_s8(vget_low_s8(query));
        const int16x8_t query_high = vmovl_high_s8(query);
        sum = vmlal_s16(sum, vget_low_s16(low), vget_low_s16(query_low));
        sum = vmlal_high_s16(sum, low, query_low);
        sum = vmlal_s16(sum, vget_low_s16(high), vget_low_s16(query_high));
        return vmlal_high_s16(sum, high, query_high);
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static std::int32_t total(Sum sum) noexcept {
        return vaddvq_s32(sum);
    }
};

template <>
struct PackedSimd<Neon> : PackedNeon {
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, const Codes& codes, Query query) noexcept {
        for (int i = 0; i < 4; ++i) {
            const int8x16_t values = vld1q_s8(query + 16 * i);
            if constexpr (Bits == 8) {
                sum = add_wide(sum, codes.part[i], values);
            } else {
                // 127 · 127 fits 16 bits; pairs are added into 32 bits at once.
                const int8x16_t part = vreinterpretq_s8_u8(codes.part[i]);
                sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(part), vget_low_s8(values)));
                sum = vpadalq_s16(sum, vmull_high_s8(part, values));
            }
        }
        return sum;
    }
};

#if defined(__ARM_FEATURE_DOTPROD)
template <>
struct PackedSimd<NeonDot> : PackedNeon {
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, const Codes& codes, Query query) noexcept {
        for (int i = 0; i < 4; ++i) {
            const int8x16_t values = vld1q_s8(query + 16 * i);
            if constexpr (Bits == 8) {
                sum = add_wide(sum, codes.part[i], values);
            } else {
                sum = vdotq_s32(sum, vreinterpretq_s8_u8(codes.part[i]), values);
            }
        }
        return sum;
    }
};
#endif

}  // namespace
}  // namespace sextant::inline v1

#endif
