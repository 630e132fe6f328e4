#include "sextant/core/checked.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

#include "support/catch.hpp"

using sextant::checked_add;
using sextant::checked_mul;
using sextant::checked_narrow;
using sextant::checked_round_up;

TEMPLATE_TEST_CASE("Checked arithmetic is exact up to the largest value and refuses one more", "[core][checked]",
                   std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, std::size_t) {
    constexpr TestType most = std::numeric_limits<TestType>::max();
    constexpr TestType one = 1;
    constexpr TestType two = 2;
    constexpr TestType zero = 0;
    CHECK(checked_add<TestType>(most - 1, one) == most);
    CHECK(checked_add<TestType>(most, zero) == most);
    CHECK_FALSE(checked_add<TestType>(most, one).has_value());
    CHECK_FALSE(checked_add<TestType>(most, most).has_value());
    CHECK(checked_mul<TestType>(most, one) == most);
    CHECK(checked_mul<TestType>(most, zero) == zero);
    CHECK(checked_mul<TestType>(zero, most) == zero);
    CHECK(checked_mul<TestType>(most / 2, two) == static_cast<TestType>(most - 1));
    CHECK_FALSE(checked_mul<TestType>(most / 2 + 1, two).has_value());
    CHECK_FALSE(checked_mul<TestType>(most, most).has_value());
}

TEST_CASE("Checked arithmetic agrees with wide arithmetic for every pair of bytes", "[core][checked]") {
    bool agrees = true;
    for (unsigned a = 0; a < 256; ++a) {
        for (unsigned b = 0; b < 256; ++b) {
            const auto sum = checked_add(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b));
            const auto product = checked_mul(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b));
            agrees = agrees && sum.has_value() == (a + b < 256) && (!sum || *sum == a + b);
            agrees = agrees && product.has_value() == (a * b < 256) && (!product || *product == a * b);
        }
    }
    CHECK(agrees);
}

TEST_CASE("Checked rounding up gives the next multiple or nothing", "[core][checked]") {
    CHECK(checked_round_up<std::uint32_t>(0, 16) == 0U);
    CHECK(checked_round_up<std::uint32_t>(1, 16) == 16U);
    CHECK(checked_round_up<std::uint32_t>(16, 16) == 16U);
    CHECK(checked_round_up<std::uint32_t>(10, 7) == 14U);
    CHECK(checked_round_up<std::uint8_t>(255, 5) == 255);
    CHECK_FALSE(checked_round_up<std::uint8_t>(250, 16).has_value());
}

TEST_CASE("Checked narrowing keeps the value or refuses it", "[core][checked]") {
    CHECK(checked_narrow<std::uint32_t>(std::uint64_t{0xFFFFFFFF}) == 0xFFFFFFFFU);
    CHECK_FALSE(checked_narrow<std::uint32_t>(std::uint64_t{0x100000000}).has_value());
    CHECK_FALSE(checked_narrow<std::uint32_t>(-1).has_value());
    CHECK_FALSE(checked_narrow<std::int8_t>(128U).has_value());
    CHECK(checked_narrow<std::int8_t>(127U) == std::int8_t{127});
}

TEST_CASE("An overflow names the field, both numbers and the largest allowed", "[core][checked]") {
    const auto sum = checked_add<std::uint32_t>(4'294'967'295U, 7U, "offset + k");
    REQUIRE_FALSE(sum.has_value());
    CHECK(sum.error().code == sextant::ErrorCode::invalid_argument);
    CHECK(sum.error().message == "offset + k: 4294967295 + 7 is over 4294967295");
    const auto product = checked_mul<std::uint32_t>(65'536U, 65'536U, "rows * dimension");
    REQUIRE_FALSE(product.has_value());
    CHECK(product.error().message == "rows * dimension: 65536 * 65536 is over 4294967295");
    const auto narrow = checked_narrow<std::uint16_t>(std::uint64_t{70'000}, "m");
    REQUIRE_FALSE(narrow.has_value());
    CHECK(narrow.error().message == "m: 70000 does not fit (largest is 65535)");
    const auto negative = checked_narrow<std::uint16_t>(-5, "m");
    REQUIRE_FALSE(negative.has_value());
    CHECK(negative.error().message == "m: -5 does not fit (largest is 65535)");
    CHECK(checked_add<std::uint32_t>(1U, 2U, "x").value() == 3U);
    CHECK(checked_mul<std::uint32_t>(3U, 2U, "x").value() == 6U);
    CHECK(checked_narrow<std::uint16_t>(9, "x").value() == 9);
}
