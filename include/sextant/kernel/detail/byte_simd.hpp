/// byte_simd: what the 8-bit kernels need of each instruction set: loads, multiply-accumulate, and turning the integer
/// sums of four rows into four distances.
/// Invariant: every result is exact in 32-bit arithmetic and becomes a float in one rounding; scale and offset are one
/// multiplication and one addition, never fused (the kernels are built with -ffp-contract=off). So all instruction
/// sets give the same bits.
/// Why the query is biased: vpdpbusd multiplies unsigned by signed bytes, so Σ (q+128)·v = Σ q·v + 128·Σ v, and Σ v
/// stands in the row's trailer. AVX2's vpmaddubsw would saturate (2·255·128 > 32767): it widens to 16 bits instead.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/target.hpp"
#include "sextant/kernel/kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

SEXTANT_KERNEL_INLINE I8Trailer load_trailer(const std::byte* trailer) noexcept {
    I8Trailer value;
    __builtin_memcpy(&value, trailer, sizeof value);
    return value;
}

/// The rule of encode_i8 for one value; NaN becomes -128. Adding and taking away 1.5·2²³ rounds to nearest even.
SEXTANT_KERNEL_INLINE std::int8_t encode_one(float value, float offset, float inverse_step) noexcept {
    float scaled = (value - offset) * inverse_step;
    scaled = scaled > -128.0F ? scaled : -128.0F;
    scaled = scaled < 127.0F ? scaled : 127.0F;
    const float magic = 12582912.0F;
    return static_cast<std::int8_t>((scaled + magic) - magic);
}

/// What follows the last whole vector of a pair of plain vectors.
SEXTANT_KERNEL_INLINE std::uint32_t l2_pair_tail(const std::int8_t* a, const std::int8_t* b, std::size_t first,
                                                 std::size_t dimension) noexcept {
    std::uint32_t sum = 0;
    for (std::size_t i = first; i < dimension; ++i) {
        const int difference = a[i] - b[i];
        sum += static_cast<std::uint32_t>(difference * difference);
    }
    return sum;
}
SEXTANT_KERNEL_INLINE std::int32_t dot_pair_tail(const std::int8_t* a, const std::int8_t* b, std::size_t first,
                                                 std::size_t dimension) noexcept {
    std::int32_t sum = 0;
    for (std::size_t i = first; i < dimension; ++i) sum += a[i] * b[i];
    return sum;
}

/// A model has: `width` bytes per vector; `static_blocks`, up to how many vectors a row is worth a loop of its own with
/// the query in registers; zero, load_query, load_row, load_row_tail (reads nothing past `count` bytes that is not part
/// of the row), accumulate; finish_l2 and finish_dot for four rows; l2_pair, dot_pair, encode.
template <class Arch>
struct ByteSimd;

template <>
struct ByteSimd<Portable> {
    static constexpr std::size_t width = 16;
    static constexpr int static_blocks = 0;
    using Sum = std::int32_t;
    using Query = const std::uint8_t*;
    struct Row {
        std::int8_t values[width];
    };

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return 0; }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::uint8_t* p) noexcept { return p; }
    SEXTANT_KERNEL_INLINE static Row load_row(const std::byte* p) noexcept {
        Row row;
        __builtin_memcpy(row.values, p, width);
        return row;
    }
    SEXTANT_KERNEL_INLINE static Row load_row_tail(const std::byte* p, std::size_t count) noexcept {
        Row row{};
        for (std::size_t i = 0; i < count; ++i) row.values[i] = static_cast<std::int8_t>(p[i]);
        return row;
    }
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Query query, Row row) noexcept {
        for (std::size_t i = 0; i < width; ++i) sum += query[i] * row.values[i];
        return sum;
    }
    SEXTANT_KERNEL_INLINE static void finish_l2(const Sum* sums, const std::byte* const* trailers, const I8Query& query,
                                                float* out) noexcept {
        for (int r = 0; r < 4; ++r) {
            const I8Trailer trailer = load_trailer(trailers[r]);
            const auto dot = static_cast<std::uint32_t>(sums[r]) - 128U * static_cast<std::uint32_t>(trailer.sum);
            const std::uint32_t distance = query.square_sum + trailer.square_sum - 2U * dot;
            out[r] = query.offset + query.scale * static_cast<float>(distance);
        }
    }
    SEXTANT_KERNEL_INLINE static void finish_dot(const Sum* sums, const std::byte* const* trailers,
                                                 const I8Query& query, float* out) noexcept {
        for (int r = 0; r < 4; ++r) {
            const I8Trailer trailer = load_trailer(trailers[r]);
            const auto dot = static_cast<std::uint32_t>(sums[r]) - 128U * static_cast<std::uint32_t>(trailer.sum);
            out[r] = query.offset + query.scale * static_cast<float>(static_cast<std::int32_t>(dot));
        }
    }
    SEXTANT_KERNEL_INLINE static std::uint32_t l2_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        return l2_pair_tail(a, b, 0, dimension);
    }
    SEXTANT_KERNEL_INLINE static std::int32_t dot_pair(const std::int8_t* a, const std::int8_t* b,
                                                       std::size_t dimension) noexcept {
        return dot_pair_tail(a, b, 0, dimension);
    }
    SEXTANT_KERNEL_INLINE static void encode(const float* v, const float* offset, float inverse_step,
                                             std::size_t dimension, std::int8_t* out) noexcept {
        for (std::size_t i = 0; i < dimension; ++i) out[i] = encode_one(v[i], offset[i], inverse_step);
    }
};

}  // namespace
}  // namespace sextant::inline v1
