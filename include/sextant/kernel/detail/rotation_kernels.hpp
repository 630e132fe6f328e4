/// rotation_kernels: four rounds that turn a vector so that its length is spread evenly over all dimensions.
///
///     round:  v *= signs      hadamard(the first 2^k dimensions, or the last)      v = (low + high, low - high) / sqrt 2
///
/// Source: the FHT-Kac rotator of the RaBitQ library (Gao et al. 2025). 2^k is the largest power of two that fits; rounds
/// take the first and the last 2^k dimensions in turns. The halves are mixed only where 2^k is not the whole.
/// Invariant: additions and multiplications happen in one order, so every instruction set gives the same bits.
/// Threads: pure functions: what they read and write is the caller's. Cost: d log d.
#pragma once

#include "sextant/kernel/detail/product_simd.hpp"

namespace sextant::inline v1 {
namespace {

/// shuffled + v * signs. A product with 1 or -1 is exact, so it makes no difference whether it is fused.
SEXTANT_KERNEL_INLINE void add_signed(FloatQuad& v, const FloatQuad& shuffled, const FloatQuad& signs) noexcept {
    v = shuffled + v * signs;
}
/// Butterflies between lanes 1, 2, … apart: sums in the lower one, differences in the upper.
SEXTANT_KERNEL_INLINE void butterfly_lanes(FloatQuad& v) noexcept {
    add_signed(v, __builtin_shufflevector(v, v, 1, 0, 3, 2), FloatQuad{1, -1, 1, -1});
    add_signed(v, __builtin_shufflevector(v, v, 2, 3, 0, 1), FloatQuad{1, 1, -1, -1});
}
#if SEXTANT_KERNEL_X86 && defined(__AVX2__) && defined(__FMA__)
SEXTANT_KERNEL_INLINE void add_signed(FloatOctet& v, const FloatOctet& shuffled, const FloatOctet& signs) noexcept {
    v = reinterpret_cast<FloatOctet>(_mm256_fmadd_ps(reinterpret_cast<__m256>(v), reinterpret_cast<__m256>(signs),
                                                     reinterpret_cast<__m256>(shuffled)));
}
SEXTANT_KERNEL_INLINE void butterfly_lanes(FloatOctet& v) noexcept {
    add_signed(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6), FloatOctet{1, -1, 1, -1, 1, -1, 1, -1});
    add_signed(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5), FloatOctet{1, 1, -1, -1, 1, 1, -1, -1});
    add_signed(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3), FloatOctet{1, 1, 1, 1, -1, -1, -1, -1});
}
#endif
#if SEXTANT_KERNEL_X86 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
SEXTANT_KERNEL_INLINE void add_signed(FloatSixteen& v, const FloatSixteen& shuffled,
                                      const FloatSixteen& signs) noexcept {
    v = reinterpret_cast<FloatSixteen>(_mm512_fmadd_ps(reinterpret_cast<__m512>(v), reinterpret_cast<__m512>(signs),
                                                       reinterpret_cast<__m512>(shuffled)));
}
SEXTANT_KERNEL_INLINE void butterfly_lanes(FloatSixteen& v) noexcept {
    const FloatSixteen at1 = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1};
    const FloatSixteen at2 = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};
    const FloatSixteen at4 = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1};
    const FloatSixteen at8 = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};
    add_signed(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14), at1);
    add_signed(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13), at2);
    add_signed(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11), at4);
    add_signed(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7), at8);
}
#endif

template <class Float>
SEXTANT_KERNEL_INLINE void butterfly(Float& low, Float& high) noexcept {
    const Float difference = low - high;
    low = low + high;
    high = difference;
}

/// 64 values in registers: all butterflies between them. `signs` may be null: the inverse has them elsewhere.
template <class Simd>
SEXTANT_KERNEL_INLINE void hadamard64(float* v, const float* signs, float scale) noexcept {
    constexpr std::size_t count = 64 / Simd::width;
    typename Simd::Float part[count];
    for (std::size_t i = 0; i < count; ++i) {
        part[i] = Simd::load(v + i * Simd::width);
        if (signs != nullptr) part[i] = part[i] * Simd::load(signs + i * Simd::width);
        part[i] = part[i] * Simd::splat(scale);
        butterfly_lanes(part[i]);
    }
    for (std::size_t half = 1; half < count; half *= 2) {
        for (std::size_t i = 0; i < count; ++i) {
            if ((i & half) == 0) butterfly(part[i], part[i + half]);
        }
    }
    for (std::size_t i = 0; i < count; ++i) Simd::store(v + i * Simd::width, part[i]);
}

/// Butterflies `half` apart.
template <class Simd>
SEXTANT_KERNEL_INLINE void hadamard_step(float* v, std::size_t size, std::size_t half) noexcept {
    for (std::size_t block = 0; block < size; block += 2 * half) {
        for (std::size_t i = block; i < block + half; i += Simd::width) {
            auto low = Simd::load(v + i);
            auto high = Simd::load(v + i + half);
            butterfly(low, high);
            Simd::store(v + i, low);
            Simd::store(v + i + half, high);
        }
    }
}

/// Butterflies `quarter` and 2 · `quarter` apart: half the loads and stores of two steps.
template <class Simd>
SEXTANT_KERNEL_INLINE void hadamard_two_steps(float* v, std::size_t size, std::size_t quarter) noexcept {
    for (std::size_t block = 0; block < size; block += 4 * quarter) {
        for (std::size_t i = block; i < block + quarter; i += Simd::width) {
            typename Simd::Float part[4];
            for (std::size_t j = 0; j < 4; ++j) part[j] = Simd::load(v + i + j * quarter);
            butterfly(part[0], part[1]);
            butterfly(part[2], part[3]);
            butterfly(part[0], part[2]);
            butterfly(part[1], part[3]);
            for (std::size_t j = 0; j < 4; ++j) Simd::store(v + i + j * quarter, part[j]);
        }
    }
}

/// `size` is a power of two, at least 64.
template <class Simd>
SEXTANT_KERNEL_INLINE void hadamard(float* v, const float* signs, std::size_t size, float scale) noexcept {
    for (std::size_t i = 0; i < size; i += 64) {
        hadamard64<Simd>(v + i, signs == nullptr ? nullptr : signs + i, scale);
    }
    std::size_t half = 64;
    for (; half * 4 <= size; half *= 4) hadamard_two_steps<Simd>(v, size, half);
    if (half < size) hadamard_step<Simd>(v, size, half);
}

template <class Simd>
SEXTANT_KERNEL_INLINE void multiply_signs(float* v, const float* signs, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; i += Simd::width) {
        Simd::store(v + i, Simd::load(v + i) * Simd::load(signs + i));
    }
}

/// Sums and differences of both halves, scaled to keep lengths.
template <class Simd>
SEXTANT_KERNEL_INLINE void mix_halves(float* v, std::size_t dimension) noexcept {
    const auto scale = Simd::splat(0.70710678118654752440F);
    const std::size_t half = dimension / 2;
    for (std::size_t i = 0; i < half; i += Simd::width) {
        auto low = Simd::load(v + i);
        auto high = Simd::load(v + i + half);
        butterfly(low, high);
        Simd::store(v + i, low * scale);
        Simd::store(v + i + half, high * scale);
    }
}

struct RotationShape {
    std::size_t covered;  ///< the largest power of two that fits
    float scale;          ///< 1 / sqrt(covered)

    SEXTANT_KERNEL_INLINE static RotationShape of(std::size_t dimension) noexcept {
        std::size_t covered = 64;
        float power = 0.125F;  // exact for even exponents
        bool odd = false;
        while (covered * 2 <= dimension) {
            covered *= 2;
            if (odd) power *= 0.5F;
            odd = !odd;
        }
        return {covered, odd ? power * 0.70710678118654752440F : power};
    }
};

template <class Simd>
SEXTANT_KERNEL_INLINE void rotate_in_place(const float* all_signs, std::size_t dimension, float* v) noexcept {
    const RotationShape shape = RotationShape::of(dimension);
    const std::size_t rest = dimension - shape.covered;
    for (std::size_t round = 0; round < 4; ++round) {
        const float* const signs = all_signs + round * dimension;
        const bool first = round % 2 == 0;
        const std::size_t covered = first ? 0 : rest;
        const std::size_t uncovered = first ? shape.covered : 0;
        multiply_signs<Simd>(v + uncovered, signs + uncovered, rest);
        hadamard<Simd>(v + covered, signs + covered, shape.covered, shape.scale);
        if (rest != 0) mix_halves<Simd>(v, dimension);
    }
}

template <class Simd>
SEXTANT_KERNEL_INLINE void rotate_back_in_place(const float* signs, std::size_t dimension, float* v) noexcept {
    const RotationShape shape = RotationShape::of(dimension);
    const std::size_t rest = dimension - shape.covered;
    for (std::size_t round = 4; round-- > 0;) {
        if (rest != 0) mix_halves<Simd>(v, dimension);
        hadamard<Simd>(v + (round % 2 == 0 ? 0 : rest), nullptr, shape.covered, shape.scale);
        multiply_signs<Simd>(v, signs + round * dimension, dimension);
    }
}

}  // namespace
}  // namespace sextant::inline v1
