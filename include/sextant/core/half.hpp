/// half: IEEE 754 binary16 numbers as bits, to and from float, alike on every CPU.
/// Threads: pure functions.
/// Cost: some nanoseconds a number; kernels convert vectors of them by instruction.
#pragma once

#include <bit>
#include <cstdint>

namespace sextant::inline v1 {

/// Beyond it in size, a float is not a half: from 65,520 on the nearest one would be infinite.
inline constexpr float largest_half = 65504.0F;
inline constexpr float beyond_halves = 65520.0F;

/// Exact.
[[nodiscard]] constexpr float float_of_half(std::uint16_t half) noexcept {
    const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16U;
    const std::uint32_t exponent = (half >> 10U) & 31U;
    const std::uint32_t fraction = half & 1023U;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13U);
    if (exponent == 0) {
        const float size = static_cast<float>(fraction) * 0x1.0p-24F;
        return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(size));
    }
    return std::bit_cast<float>(sign | (exponent + 112U) << 23U | fraction << 13U);
}

/// The nearest half, of two the even one: below 2^-14 a multiple of 2^-24, so that less than 2^-25 becomes 0. The sign of
/// zero is kept. Too large a number becomes infinite; what is no number stays none.
[[nodiscard]] constexpr std::uint16_t half_of_float(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16U) & 0x8000U;
    const std::uint32_t size = bits & 0x7FFFFFFFU;
    if (size > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U);
    if (size >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);  // 65,520
    if (size <= 0x33000000U) return static_cast<std::uint16_t>(sign);            // 2^-25
    // Normal: the exponent loses 112. Else the fraction with its leading one becomes a number of steps of 2^-24.
    const bool normal = size >= 0x38800000U;  // 2^-14
    const std::uint32_t whole = normal ? size - 0x38000000U : (size & 0x7FFFFFU) | 0x800000U;
    const std::uint32_t shift = normal ? 13U : 126U - (size >> 23U);
    const std::uint32_t kept = whole >> shift;
    const std::uint32_t rest = whole & ((1U << shift) - 1U);
    const std::uint32_t halfway = 1U << (shift - 1U);
    const bool up = rest > halfway || (rest == halfway && (kept & 1U) != 0);
    return static_cast<std::uint16_t>(sign | (kept + (up ? 1U : 0U)));  // a carry makes the next exponent
}

/// float_of_half(half_of_float(value)), without a branch, so that compilers do many at once. REQUIRES: |value| < 65,520.
[[nodiscard]] constexpr float rounded_to_half(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits & 0x80000000U;
    const std::uint32_t size = bits & 0x7FFFFFFFU;
    const std::uint32_t normal = (size + 0xFFFU + ((size >> 13U) & 1U)) & ~0x1FFFU;
    // Below 2^-14 halves are multiples of 2^-24, as floats between a half and 1 are.
    const auto small = std::bit_cast<std::uint32_t>((std::bit_cast<float>(size) + 0.5F) - 0.5F);
    return std::bit_cast<float>(sign | (size < 0x38800000U ? small : normal));
}

}  // namespace sextant::inline v1
