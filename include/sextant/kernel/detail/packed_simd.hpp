/// packed_simd: what kernels over packed codes need of each instruction set: 64 codes as bytes, their products with 64
/// signed bytes of a query, and bits counted.
/// Invariant: sums are exact modulo 2^32, so all instruction sets give the same bits.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/target.hpp"
#include "sextant/kernel/packed_kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

/// Of the groups that make up a code of `Bits` bits, which there are, and how far their values are shifted.
template <int Bits>
struct PackedGroups {
    static constexpr bool has4 = (Bits & 4) != 0;
    static constexpr bool has2 = (Bits & 2) != 0;
    static constexpr bool has1 = (Bits & 1) != 0;
    static constexpr int shift4 = Bits - 4;
    static constexpr int shift2 = has1 ? 1 : 0;
    static constexpr std::size_t offset2 = has4 ? 32 : 0;
    static constexpr std::size_t offset1 = offset2 + (has2 ? 16 : 0);
    static constexpr std::size_t block_size = 8 * Bits;
};

SEXTANT_KERNEL_INLINE std::uint64_t load_word(const std::byte* p) noexcept {
    std::uint64_t word;
    __builtin_memcpy(&word, p, sizeof word);
    return word;
}

/// Eight bits as eight bytes of 0 or 1.
SEXTANT_KERNEL_INLINE std::uint64_t spread_bits(unsigned bits) noexcept {
    const std::uint64_t picked = (std::uint64_t{bits} * 0x0101010101010101U) & 0x8040201008040201U;
    return ((picked + 0x7F7F7F7F7F7F7F7FU) >> 7U) & 0x0101010101010101U;
}

/// Without an instruction for it.
SEXTANT_KERNEL_INLINE std::uint32_t count_bits(std::uint64_t word) noexcept {
    word -= (word >> 1U) & 0x5555555555555555U;
    word = (word & 0x3333333333333333U) + ((word >> 2U) & 0x3333333333333333U);
    word = (word + (word >> 4U)) & 0x0F0F0F0F0F0F0F0FU;
    return static_cast<std::uint32_t>((word * 0x0101010101010101U) >> 56U);
}

/// Bits counted a word at a time, four rows at once.
template <class Count>
struct SignByWord {
    SEXTANT_KERNEL_INLINE static void weigh(const PackedQuery& query, const std::byte* const* rows,
                                            std::int32_t* out) noexcept {
        const std::size_t words = query.dimension / 64;
        std::uint32_t counts[4][sign_planes] = {};
        for (std::size_t w = 0; w < words; ++w) {
            std::uint64_t row[4];
            for (int r = 0; r < 4; ++r) row[r] = load_word(rows[r] + 8 * w);
            for (std::size_t p = 0; p < sign_planes; ++p) {
                const std::uint64_t plane = query.planes[p * query.plane_words + w];
                for (int r = 0; r < 4; ++r) counts[r][p] += Count::of(row[r] ^ plane);
            }
        }
        for (int r = 0; r < 4; ++r) {
            std::uint32_t sum = 0;
            for (std::size_t p = 0; p < sign_planes; ++p) sum += counts[r][p] << p;
            out[r] = static_cast<std::int32_t>(sum);
        }
    }
};

struct CountByShifts {
    SEXTANT_KERNEL_INLINE static std::uint32_t of(std::uint64_t word) noexcept { return count_bits(word); }
};

/// A model has: Codes, Query, Sum; zero; load_codes<Bits> (64 codes as bytes); load_query; accumulate<Bits>; total<Bits>
/// (less than 2^31 for whole rows); and Signs::weigh for four rows of single bits.
template <class Arch>
struct PackedSimd;

template <>
struct PackedSimd<Portable> {
    using Signs = SignByWord<CountByShifts>;
    using Sum = std::int32_t;
    using Query = const std::int8_t*;
    struct Codes {
        std::uint8_t values[64];
    };

    SEXTANT_KERNEL_INLINE static Sum zero() noexcept { return 0; }
    SEXTANT_KERNEL_INLINE static Query load_query(const std::int8_t* p) noexcept { return p; }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Codes load_codes(const std::byte* p) noexcept {
        using Groups = PackedGroups<Bits>;
        const auto bytes = reinterpret_cast<const std::uint8_t*>(p);
        Codes codes;
        if constexpr (Bits == 8) {
            __builtin_memcpy(codes.values, p, 64);
        } else {
            for (std::size_t j = 0; j < 64; ++j) {
                unsigned value = 0;
                if constexpr (Groups::has4) {
                    value |= ((bytes[j % 32] >> (4 * (j / 32))) & 15U) << Groups::shift4;
                }
                if constexpr (Groups::has2) {
                    value |= ((bytes[Groups::offset2 + j % 16] >> (2 * (j / 16))) & 3U) << Groups::shift2;
                }
                if constexpr (Groups::has1) value |= (bytes[Groups::offset1 + j / 8] >> (j % 8)) & 1U;
                codes.values[j] = static_cast<std::uint8_t>(value);
            }
        }
        return codes;
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static Sum accumulate(Sum sum, Codes codes, Query query) noexcept {
        for (std::size_t j = 0; j < 64; ++j) sum += codes.values[j] * query[j];
        return sum;
    }
    template <int Bits>
    SEXTANT_KERNEL_INLINE static std::int32_t total(Sum sum) noexcept {
        return sum;
    }
};

}  // namespace
}  // namespace sextant::inline v1
