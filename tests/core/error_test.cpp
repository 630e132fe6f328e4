#include "sextant/core/error.hpp"

#include <set>
#include <string_view>

#include "support/catch.hpp"

using sextant::Error;
using sextant::ErrorCode;

TEST_CASE("Each error code has a name of its own and a number that never changes", "[core][error]") {
    std::set<std::string_view> names;
    for (int number = 1; number <= 13; ++number) names.insert(to_string(static_cast<ErrorCode>(number)));
    CHECK(names.size() == 13);
    CHECK(names.count("unknown") == 0);
    CHECK(to_string(static_cast<ErrorCode>(0)) == "unknown");
    CHECK(to_string(static_cast<ErrorCode>(14)) == "unknown");
    CHECK(static_cast<int>(ErrorCode::invalid_argument) == 1);
    CHECK(static_cast<int>(ErrorCode::corruption) == 5);
    CHECK(static_cast<int>(ErrorCode::deadline_exceeded) == 13);
    CHECK(to_string(ErrorCode::resource_exhausted) == "resource_exhausted");
}

TEST_CASE("Errors compare by code and message", "[core][error]") {
    const Error error{ErrorCode::busy, "x"};
    CHECK(error == Error{ErrorCode::busy, "x"});
    CHECK_FALSE(error == Error{ErrorCode::busy, "y"});
    CHECK_FALSE(error == Error{ErrorCode::closed, "x"});
}
