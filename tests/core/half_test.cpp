#include "sextant/core/half.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "support/catch.hpp"

using sextant::float_of_half;
using sextant::half_of_float;

static_assert(float_of_half(0x3C00) == 1.0F);
static_assert(float_of_half(0x7BFF) == sextant::largest_half);
static_assert(half_of_float(-2.0F) == 0xC000);

namespace {

/// What the bits of a half say, by the definition of the format.
double meaning_of(std::uint32_t half) {
    const double sign = (half & 0x8000U) != 0 ? -1.0 : 1.0;
    const int exponent = static_cast<int>((half >> 10U) & 31U);
    const double fraction = half & 1023U;
    if (exponent == 0) return sign * std::ldexp(fraction, -24);
    return sign * std::ldexp(1024.0 + fraction, exponent - 25);
}

}  // namespace

TEST_CASE("every half is the float it says, and back", "[core]") {
    for (std::uint32_t half = 0; half < 65'536; ++half) {
        const auto bits = static_cast<std::uint16_t>(half);
        const float value = float_of_half(bits);
        const bool special = (half & 0x7C00U) == 0x7C00U;
        if (special) {
            if ((half & 1023U) != 0) {
                REQUIRE(std::isnan(value));
                REQUIRE(std::isnan(float_of_half(half_of_float(value))));
            } else {
                REQUIRE(std::isinf(value));
                REQUIRE(half_of_float(value) == bits);
            }
            continue;
        }
        REQUIRE(double{value} == meaning_of(half));
        REQUIRE(std::signbit(value) == ((half & 0x8000U) != 0));
        REQUIRE(half_of_float(value) == bits);
    }
}

TEST_CASE("floats become the nearest half, of two the even one", "[core]") {
    // Between each half and the next: what lies below the middle, at it and above it.
    for (std::uint32_t half = 0; half < 0x7BFF; ++half) {
        const double low = meaning_of(half);
        const double high = meaning_of(half + 1);
        const auto middle = static_cast<float>((low + high) / 2.0);
        REQUIRE(double{middle} == (low + high) / 2.0);
        const auto even = static_cast<std::uint16_t>(half % 2 == 0 ? half : half + 1);
        REQUIRE(half_of_float(middle) == even);
        REQUIRE(half_of_float(-middle) == (even | 0x8000U));
        REQUIRE(half_of_float(std::nextafter(middle, 0.0F)) == half);
        REQUIRE(half_of_float(std::nextafter(middle, 1e9F)) == half + 1);
    }
    std::mt19937 random(5);
    for (int round = 0; round < 100'000; ++round) {
        const float value = std::ldexp(static_cast<float>(random()), static_cast<int>(random() % 60) - 62);
        if (value > sextant::largest_half) continue;
        const double got = double{float_of_half(half_of_float(value))};
        const double step = std::max(std::ldexp(1.0, std::ilogb(value) - 10), std::ldexp(1.0, -24));
        REQUIRE(std::fabs(got - double{value}) <= step / 2.0);
    }
}

TEST_CASE("numbers outside the range of halves become 0 or infinite", "[core]") {
    CHECK(half_of_float(65'504.0F) == 0x7BFF);
    CHECK(half_of_float(65'519.99F) == 0x7BFF);
    CHECK(half_of_float(65'520.0F) == 0x7C00);
    CHECK(half_of_float(-std::numeric_limits<float>::max()) == 0xFC00);
    CHECK(half_of_float(0x1.0p-25F) == 0);
    CHECK(half_of_float(0x1.8p-25F) == 1);
    CHECK(half_of_float(std::numeric_limits<float>::denorm_min()) == 0);
    CHECK(half_of_float(-std::numeric_limits<float>::denorm_min()) == 0x8000);
    CHECK(half_of_float(-0.0F) == 0x8000);
    CHECK(half_of_float(std::numeric_limits<float>::quiet_NaN()) == 0x7E00);
}

TEST_CASE("rounding a float to a half gives the float of the nearest half", "[core]") {
    const auto agrees = [](float value) {
        const float expected = float_of_half(half_of_float(value));
        return std::bit_cast<std::uint32_t>(sextant::rounded_to_half(value)) == std::bit_cast<std::uint32_t>(expected);
    };
    for (std::uint32_t half = 0; half < 0x7BFF; ++half) {
        const float low = float_of_half(static_cast<std::uint16_t>(half));
        const float middle = (low + float_of_half(static_cast<std::uint16_t>(half + 1))) / 2.0F;
        for (const float value : {low, middle, std::nextafter(middle, 0.0F), std::nextafter(middle, 1e9F)}) {
            REQUIRE(agrees(value));
            REQUIRE(agrees(-value));
        }
    }
    for (const float value : {65'504.0F, 65'519.99F, std::numeric_limits<float>::denorm_min(), 0x1.0p-25F, 0x1.8p-25F,
                              std::nextafter(0x1.0p-14F, 0.0F), 0x1.0p-14F, 0x1.0p-126F}) {
        CHECK(agrees(value));
        CHECK(agrees(-value));
    }
    // Every seventeen-hundredth float below the limit.
    for (std::uint32_t bits = 0; bits < std::bit_cast<std::uint32_t>(sextant::beyond_halves); bits += 1'709) {
        REQUIRE(agrees(std::bit_cast<float>(bits)));
    }
    static_assert(sextant::rounded_to_half(1.0F + 0x1.0p-11F) == 1.0F);
    static_assert(sextant::rounded_to_half(1.0F + 0x1.8p-10F) == 1.0F + 0x1.0p-9F);
}
