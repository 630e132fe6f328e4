/// byte_simd_arm: the 8-bit primitives for NEON, with and without the dot product extension.
/// Why signed here: NEON multiplies signed by signed bytes, so the bias of the query is taken off again (one exclusive
/// or per 16 bytes and pass of four rows) and no correction by the row's sum is needed.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/byte_simd.hpp"

#if SEXTANT_KERNEL_NEON

namespace sextant::inline v1 {
namespace {

/// All but the multiply-accumulate.
template <class Model>
struct ByteNeon {
    static constexpr std::size_t width = 16;
    static constexpr int static_blocks = 0;
    using Sum = int32x4_t;
    using Query = int8x16_t;
    using Row = int8x16_t;

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return vdupq_n_s32(0); }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* p) noexcept {
        return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p), vdupq_n_u8(0x80)));
    }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept {
        return vld1q_s8(reinterpret_cast<const std::int8_t*>(p));
    }
    /// `count` is a multiple of 4. What lies past it must be zero here: the query's padding becomes -128.
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        std::int32_t words[3] = {0, 0, 0};
        for (std::size_t i = 0; i < count / 4; ++i) __builtin_memcpy(words + i, p + 4 * i, 4);
        int32x4_t row = vsetq_lane_s32(words[0], vdupq_n_s32(0), 0);
        row = vsetq_lane_s32(words[1], row, 1);
        row = vsetq_lane_s32(words[2], row, 2);
        return vreinterpretq_s8_s32(row);
    }
    SEXTANT_KERNEL_INLINE static int32x4_t sum4(const Sum* sums) noexcept {
        return vpaddq_s32(vpaddq_s32(sums[0], sums[1]), vpaddq_s32(sums[2], sums[3]));
    }
    SEXTANT_KERNEL_INLINE static void store_scaled(float32x4_t value, const I8Query& query, float* out) noexcept {
        vst1q_f32(out, vaddq_f32(vdupq_n_f32(query.offset), vmulq_f32(vdupq_n_f32(query.scale), value)));
    }
    SEXTANT_KERNEL_INLINE static void finish_l2(const Sum* sums, const std::byte* const* trailers, const I8Query& query,
                                                float* out) noexcept {
        uint32x4_t squares = vdupq_n_u32(load_trailer(trailers[0]).square_sum);
        squares = vsetq_lane_u32(load_trailer(trailers[1]).square_sum, squares, 1);
        squares = vsetq_lane_u32(load_trailer(trailers[2]).square_sum, squares, 2);
        squares = vsetq_lane_u32(load_trailer(trailers[3]).square_sum, squares, 3);
        squares = vaddq_u32(squares, vdupq_n_u32(query.square_sum));
        const uint32x4_t twice = vshlq_n_u32(vreinterpretq_u32_s32(sum4(sums)), 1);
        store_scaled(vcvtq_f32_u32(vsubq_u32(squares, twice)), query, out);
    }
    SEXTANT_KERNEL_INLINE static void finish_dot(const Sum* sums, const std::byte* const* /*trailers*/,
                                                 const I8Query& query, float* out) noexcept {
        store_scaled(vcvtq_f32_s32(sum4(sums)), query, out);
    }
    SEXTANT_KERNEL_INLINE static std::uint32_t l2_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        int32x4_t sum = zero();
        std::size_t i = 0;
        for (; i + width <= dimension; i += width) {
            const int8x16_t x = vld1q_s8(a + i);
            const int8x16_t y = vld1q_s8(b + i);
            const int16x8_t low = vsubl_s8(vget_low_s8(x), vget_low_s8(y));
            const int16x8_t high = vsubl_high_s8(x, y);
            sum = vmlal_s16(sum, vget_low_s16(low), vget_low_s16(low));
            sum = vmlal_high_s16(sum, low, low);
            sum = vmlal_s16(sum, vget_low_s16(high), vget_low_s16(high));
            sum = vmlal_high_s16(sum, high, high);
        }
        return static_cast<std::uint32_t>(vaddvq_s32(sum)) + l2_pair_tail(a, b, i, dimension);
    }
    SEXTANT_KERNEL_INLINE static std::int32_t dot_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        int32x4_t sum = zero();
        std::size_t i = 0;
        for (; i + width <= dimension; i += width) sum = Model::accumulate(sum, vld1q_s8(a + i), vld1q_s8(b + i));
        return vaddvq_s32(sum) + dot_pair_tail(a, b, i, dimension);
    }
    SEXTANT_KERNEL_INLINE static int16x4_t encode4(const float* v, const float* offset, float inverse_step) noexcept {
        const float32x4_t scaled = vmulq_n_f32(vsubq_f32(vld1q_f32(v), vld1q_f32(offset)), inverse_step);
        // maxnm takes the number where the other is NaN.
        const float32x4_t clamped = vminnmq_f32(vmaxnmq_f32(scaled, vdupq_n_f32(-128.0F)), vdupq_n_f32(127.0F));
        return vmovn_s32(vcvtnq_s32_f32(clamped));
    }
    SEXTANT_KERNEL_INLINE static void encode(const float* v, const float* offset, float inverse_step,
                                             std::size_t dimension, std::int8_t* out) noexcept {
        std::size_t i = 0;
        for (; i + 8 <= dimension; i += 8) {
            const int16x8_t words = vcombine_s16(encode4(v + i, offset + i, inverse_step),
                                                 encode4(v + i + 4, offset + i + 4, inverse_step));
            vst1_s8(out + i, vmovn_s16(words));
        }
        for (; i < dimension; ++i) out[i] = encode_one(v[i], offset[i], inverse_step);
    }
};

template <>
struct ByteSimd<Neon> : ByteNeon<ByteSimd<Neon>> {
    /// 128 · 128 fits 16 bits; pairs are added into 32 bits at once.
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(query), vget_low_s8(row)));
        return vpadalq_s16(sum, vmull_high_s8(query, row));
    }
};

#if defined(__ARM_FEATURE_DOTPROD)
template <>
struct ByteSimd<NeonDot> : ByteNeon<ByteSimd<NeonDot>> {
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        return vdotq_s32(sum, query, row);
    }
};
#endif

}  // namespace
}  // namespace sextant::inline v1

#endif
