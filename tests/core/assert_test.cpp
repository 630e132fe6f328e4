#include "sextant/core/assert.hpp"

#include <string>

#include "core/death.hpp"
#include "support/catch.hpp"

TEST_CASE("SEXTANT_CHECK lets a true condition pass and evaluates it once", "[core][assert]") {
    int evaluated = 0;
    SEXTANT_CHECK(++evaluated == 1);
    CHECK(evaluated == 1);
}

TEST_CASE("SEXTANT_CHECK terminates naming file, line and condition", "[core][assert]") {
    const std::string line = std::to_string(__LINE__ + 1);
    const auto death = sextant_test::dies([] { SEXTANT_CHECK(1 + 1 == 3); });
    CHECK(death.terminated);
    CHECK(death.said.find("assert_test.cpp:" + line + ":") != std::string::npos);
    CHECK(death.said.find("check failed: 1 + 1 == 3") != std::string::npos);
}

TEST_CASE("SEXTANT_CHECK takes a condition with commas", "[core][assert]") {
    constexpr auto first = [](int a, int) { return a; };
    SEXTANT_CHECK(first(1, 2) == 1);
    SUCCEED();
}

TEST_CASE("SEXTANT_ASSERT is checked in debug builds and not evaluated in others", "[core][assert]") {
    int evaluated = 0;
    const auto death = sextant_test::dies([] { SEXTANT_ASSERT(1 == 2); });
    SEXTANT_ASSERT(++evaluated > 0);
#ifdef NDEBUG
    CHECK_FALSE(death.terminated);
    CHECK(evaluated == 0);
#else
    CHECK(death.terminated);
    CHECK(evaluated == 1);
#endif
}
