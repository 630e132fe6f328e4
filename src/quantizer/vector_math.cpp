#include "sextant/quantizer/vector_math.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sextant::inline v1::detail {
namespace {

/// Σ term(i) over eight running sums: the additions of one sum wait for each other, those of eight do not.
template <class Term>
double sum_of(std::size_t count, Term term) noexcept {
    double sums[8] = {};
    std::size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += term(i + lane);
    }
    for (; i < count; ++i) sums[0] += term(i);
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

constexpr float largest = std::numeric_limits<float>::max();

}  // namespace

double square_norm(VectorView v) noexcept {
    const float* values = v.data();
    return sum_of(v.size(), [values](std::size_t i) { return double{values[i]} * double{values[i]}; });
}

double l2_in_double(const float* a, const float* b, std::size_t dimension) noexcept {
    return sum_of(dimension, [a, b](std::size_t i) {
        const double difference = double{a[i]} - double{b[i]};
        return difference * difference;
    });
}

double dot_in_double(const float* a, const float* b, std::size_t dimension) noexcept {
    return sum_of(dimension, [a, b](std::size_t i) { return double{a[i]} * double{b[i]}; });
}

double cosine_distance_in_double(const float* a, const float* b, std::size_t dimension) noexcept {
    const double length = std::sqrt(square_norm({a, dimension}) * square_norm({b, dimension}));
    return length > 0.0 ? 1.0 - dot_in_double(a, b, dimension) / length : 1.0;
}

float inverse_norm(VectorView v) noexcept {
    const double length = std::sqrt(square_norm(v));
    if (length == 0.0) return 0.0F;
    const double inverse = 1.0 / length;
    const bool normal = inverse >= double{std::numeric_limits<float>::min()} && inverse <= double{largest};
    return normal ? static_cast<float>(inverse) : std::numeric_limits<float>::infinity();
}

bool to_unit(VectorView v, float* out) noexcept {
    const double length = std::sqrt(square_norm(v));
    const double inverse = length > 0.0 ? 1.0 / length : 0.0;
    for (std::size_t i = 0; i < v.size(); ++i) out[i] = static_cast<float>(double{v[i]} * inverse);
    return length > 0.0;
}

float saturate(double distance) noexcept {
    constexpr std::uint32_t spread = 8191;
    constexpr double octaves = 160.0;  // the largest sum is 2^(2·129 + 16) = 2^274; the limit is near 2^128
    const float limit = std::bit_cast<float>(std::bit_cast<std::uint32_t>(largest) - spread);
    if (std::isnan(distance)) return largest;
    const bool negative = distance < 0.0;
    const double size = std::fabs(distance);
    if (size <= double{limit}) return static_cast<float>(distance);
    const double rank = std::fmin(std::log2(size / double{limit}) / octaves, 1.0) * double{spread};
    const float kept = std::bit_cast<float>(std::bit_cast<std::uint32_t>(limit) + static_cast<std::uint32_t>(rank));
    return negative ? -kept : kept;
}

bool any_non_finite(const float* values, std::size_t count) noexcept {
    // On the bits, so that the compiler can use its integer vectors: all exponent bits set is infinity or NaN.
    constexpr std::uint32_t exponent = 0x7F800000U;
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
        found |= (std::bit_cast<std::uint32_t>(values[i]) & exponent) == exponent ? 1U : 0U;
    }
    return found != 0;
}

}  // namespace sextant::inline v1::detail
