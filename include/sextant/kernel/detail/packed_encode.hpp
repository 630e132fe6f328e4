/// packed_encode: vectors to packed codes and bit planes, and back.
/// Invariant: every instruction set gives the same bits: sums run in lanes of their own, added up in one order.
/// Threads: pure functions: what they read and write is the caller's.
#pragma once

#include "sextant/kernel/detail/packed_simd.hpp"
#include "sextant/kernel/detail/product_simd.hpp"
#include "sextant/kernel/detail/row_access.hpp"

namespace sextant::inline v1 {
namespace {

/// A sum over sixteen lanes, in as many registers as they take.
template <class Simd>
struct LaneSum {
    static constexpr std::size_t parts = 16 / Simd::width;
    typename Simd::Float lanes[parts] = {};

    /// `at`: of the row's first value in this register.
    SEXTANT_KERNEL_INLINE void add(std::size_t at, typename Simd::Float product) noexcept {
        lanes[at / Simd::width % parts] += product;
    }
    SEXTANT_KERNEL_INLINE double total() const noexcept {
        double sum = 0.0;
        for (std::size_t part = 0; part < parts; ++part) {
            float values[Simd::width];
            Simd::store(values, lanes[part]);
            for (std::size_t i = 0; i < Simd::width; ++i) sum += static_cast<double>(values[i]);
        }
        return sum;
    }
};

SEXTANT_KERNEL_INLINE float cut_component(float value, float limit) noexcept {
    const float least = value > -limit ? value : -limit;
    return least < limit ? least : limit;
}

template <class Simd>
SEXTANT_KERNEL_INLINE void centre_row(const float* v, const float* origin, float scale, float limit, std::size_t count,
                                      std::size_t dimension, float* out) noexcept {
    const auto most = Simd::splat(limit);
    const auto least = Simd::splat(-limit);
    std::size_t j = 0;
    for (; j + Simd::width <= count; j += Simd::width) {
        // Rows are mostly coded one after another.
        if (j % 16 == 0) prefetch_line(reinterpret_cast<const std::byte*>(v + j + count));
        auto value = Simd::load(v + j);
        if (origin != nullptr) value -= Simd::load(origin + j);
        value *= Simd::splat(scale);
        value = value > least ? value : least;
        Simd::store(out + j, value < most ? value : most);
    }
    for (; j < count; ++j) {
        const float value = origin != nullptr ? v[j] - origin[j] : v[j];
        out[j] = cut_component(value * scale, limit);
    }
    for (; j < dimension; ++j) {
        out[j] = 0.0F;
        asm volatile("" ::: "memory");  // or the loop becomes a call of memset
    }
}

template <class Simd>
SEXTANT_KERNEL_INLINE PackedResidual residual_row(float* v, const float* from, const float* centre,
                                                  std::size_t dimension) noexcept {
    LaneSum<Simd> square;
    LaneSum<Simd> with_centre;
    for (std::size_t block = 0; block < dimension; block += 64) {
        for (std::size_t at = 0; at < 64; at += Simd::width) {
            const auto rest = Simd::load(v + block + at) - Simd::load(from + block + at);
            Simd::store(v + block + at, rest);
            square.add(at, rest * rest);
            with_centre.add(at, rest * Simd::load(centre + block + at));
        }
    }
    return {square.total(), with_centre.total()};
}

/// As many bytes as there are lanes. Spelled out: g++ 12 forgets an attribute whose size depends on a template.
template <std::size_t Width>
struct ByteLanes;
template <>
struct ByteLanes<4> {
    using Type = std::uint8_t __attribute__((vector_size(4)));
};
template <>
struct ByteLanes<8> {
    using Type = std::uint8_t __attribute__((vector_size(8)));
};
template <>
struct ByteLanes<16> {
    using Type = std::uint8_t __attribute__((vector_size(16)));
};

/// Values become levels; a level l stands for l - (levels - 1) / 2.
template <class Simd>
struct Leveller {
    typename Simd::Float inverse_step;
    typename Simd::Float half;
    typename Simd::Float most;
    typename Simd::Float centre;
    using Bytes = typename ByteLanes<Simd::width>::Type;

    SEXTANT_KERNEL_INLINE Leveller(float step, float levels) noexcept
        : inverse_step(Simd::splat(step)),
          half(Simd::splat(levels * 0.5F)),
          most(Simd::splat(levels - 0.5F)),
          centre(Simd::splat(levels * 0.5F - 0.5F)) {}

    SEXTANT_KERNEL_INLINE typename Simd::Float of(typename Simd::Float value, std::uint8_t* out) const noexcept {
        auto scaled = value * inverse_step + half;
        const auto zero = Simd::splat(0.0F);
        scaled = scaled > zero ? scaled : zero;
        scaled = scaled < most ? scaled : most;
        const auto whole = __builtin_convertvector(scaled, typename Simd::Word);
        const auto bytes = __builtin_convertvector(whole, Bytes);
        __builtin_memcpy(out, &bytes, sizeof bytes);
        return __builtin_convertvector(whole, typename Simd::Float) - centre;
    }
};

/// Bit `which` of eight bytes, as one byte.
SEXTANT_KERNEL_INLINE unsigned gather_bits(std::uint64_t bytes, unsigned which) noexcept {
    return static_cast<unsigned>((((bytes >> which) & 0x0101010101010101U) * 0x0102040810204080U) >> 56U);
}

SEXTANT_KERNEL_INLINE std::uint64_t load_levels(const std::uint8_t* levels) noexcept {
    std::uint64_t word;
    __builtin_memcpy(&word, levels, sizeof word);
    return word;
}

template <int Bits>
SEXTANT_KERNEL_INLINE void pack_block(const std::uint8_t* codes, std::byte* out) noexcept {
    using Groups = PackedGroups<Bits>;
    const auto bytes = reinterpret_cast<std::uint8_t*>(out);
    if constexpr (Bits == 8) {
        __builtin_memcpy(bytes, codes, 64);
    } else {
        if constexpr (Groups::has4) {
            for (int j = 0; j < 32; ++j) {
                bytes[j] =
                    static_cast<std::uint8_t>((codes[j] >> Groups::shift4) | ((codes[j + 32] >> Groups::shift4) << 4));
            }
        }
        if constexpr (Groups::has2) {
            for (int j = 0; j < 16; ++j) {
                unsigned byte = 0;
                for (int k = 0; k < 4; ++k) {
                    byte |= ((static_cast<unsigned>(codes[j + 16 * k]) >> Groups::shift2) & 3U) << (2 * k);
                }
                bytes[Groups::offset2 + static_cast<std::size_t>(j)] = static_cast<std::uint8_t>(byte);
            }
        }
        if constexpr (Groups::has1) {
            for (std::size_t j = 0; j < 8; ++j) {
                bytes[Groups::offset1 + j] = static_cast<std::uint8_t>(gather_bits(load_levels(codes + 8 * j), 0));
            }
        }
    }
}

template <class Simd, int Bits>
SEXTANT_KERNEL_INLINE PackedFit encode_row(const float* v, const float* centre, float inverse_step,
                                           std::size_t dimension, std::byte* out) noexcept {
    LaneSum<Simd> product;
    LaneSum<Simd> square;
    LaneSum<Simd> with_centre;
    const Leveller<Simd> leveller(inverse_step, static_cast<float>(1 << Bits));
    for (std::size_t block = 0; block < dimension / 64; ++block) {
        std::uint8_t codes[64];
        for (std::size_t at = 0; at < 64; at += Simd::width) {
            const auto value = Simd::load(v + 64 * block + at);
            const auto level = leveller.of(value, codes + at);
            product.add(at, value * level);
            square.add(at, level * level);
            with_centre.add(at, level * Simd::load(centre + 64 * block + at));
        }
        pack_block<Bits>(codes, out + block * PackedGroups<Bits>::block_size);
    }
    return {product.total(), square.total(), with_centre.total()};
}

template <int Bits>
SEXTANT_KERNEL_INLINE void decode_row(const std::byte* row, std::size_t dimension, float* out) noexcept {
    const float centre = static_cast<float>((1 << Bits) - 1) * 0.5F;
    for (std::size_t block = 0; block < dimension / 64; ++block) {
        const auto codes = PackedSimd<Portable>::load_codes<Bits>(row + block * PackedGroups<Bits>::block_size);
        for (std::size_t j = 0; j < 64; ++j) out[64 * block + j] = static_cast<float>(codes.values[j]) - centre;
    }
}

template <class Simd>
SEXTANT_KERNEL_INLINE PackedFit encode_sign_planes(const float* v, float inverse_step, std::size_t dimension,
                                                   std::size_t plane_words, std::uint64_t* out) noexcept {
    LaneSum<Simd> product;
    LaneSum<Simd> square;
    const Leveller<Simd> leveller(inverse_step, static_cast<float>(1 << sign_planes));
    for (std::size_t block = 0; block < dimension / 64; ++block) {
        std::uint8_t codes[64];
        for (std::size_t at = 0; at < 64; at += Simd::width) {
            const auto value = Simd::load(v + 64 * block + at);
            const auto level = leveller.of(value, codes + at);
            product.add(at, value * level);
            square.add(at, level * level);
        }
        for (unsigned plane = 0; plane < sign_planes; ++plane) {
            std::uint64_t word = 0;
            for (unsigned j = 0; j < 8; ++j) {
                word |= std::uint64_t{gather_bits(load_levels(codes + 8 * j), plane)} << (8 * j);
            }
            out[plane * plane_words + block] = word;
        }
    }
    for (std::size_t plane = 0; plane < sign_planes; ++plane) {
        for (std::size_t word = dimension / 64; word < plane_words; ++word) {
            out[plane * plane_words + word] = 0;
            asm volatile("" ::: "memory");  // or the loop becomes a call of memset
        }
    }
    return {product.total(), square.total(), 0.0};
}

}  // namespace
}  // namespace sextant::inline v1
