#include "sextant/core/result.hpp"

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

using sextant::Error;
using sextant::ErrorCode;
using sextant::Result;

namespace {

Result<int> half(int number) {
    if (number % 2 != 0) return sextant::invalid_argument("number: " + std::to_string(number) + " is odd");
    return number / 2;
}

Result<void> must_be_even(int number) {
    SEXTANT_TRY(half(number));
    return {};
}

Result<std::string> quarter_as_text(int number) {
    SEXTANT_TRY_ASSIGN(const int first, half(number));
    SEXTANT_TRY_ASSIGN(const int second, half(first));
    return std::to_string(second);
}

Result<std::map<int, int>> a_map() { return std::map<int, int>{{1, 2}}; }

Result<int> with_commas_in_the_expression() {
    SEXTANT_TRY_ASSIGN(auto map, Result<std::map<int, int>>(a_map()));
    SEXTANT_TRY(Result<std::map<int, int>>(map));
    return map.at(1);
}

Result<std::vector<int>> numbers() { return std::vector<int>{1, 2, 3}; }

}  // namespace

TEST_CASE("A Result holds the value or the error", "[core][result]") {
    const Result<int> good = half(8);
    REQUIRE(good.has_value());
    CHECK(static_cast<bool>(good));
    CHECK(good.value() == 4);
    CHECK(*good == 4);
    const Result<int> bad = half(7);
    CHECK_FALSE(bad.has_value());
    CHECK_FALSE(static_cast<bool>(bad));
    CHECK(bad.error() == Error{ErrorCode::invalid_argument, "number: 7 is odd"});
}

TEST_CASE("value() throws an exception that is both an Error and a std::exception", "[core][result]") {
    const Result<int> bad = half(7);
    try {
        static_cast<void>(bad.value());
        FAIL("value() did not throw");
    } catch (const sextant::Error& error) {
        CHECK(error.code == ErrorCode::invalid_argument);
        CHECK(error.message == "number: 7 is odd");
    }
    try {
        must_be_even(3).value();
        FAIL("value() did not throw");
    } catch (const std::exception& error) {
        CHECK(std::string(error.what()) == "number: 3 is odd");
    }
    CHECK_THROWS_AS(half(7).value(), sextant::Error);
    Result<int> mutable_bad = half(5);
    CHECK_THROWS_AS(mutable_bad.value(), sextant::Error);
    CHECK_NOTHROW(must_be_even(4).value());
}

TEST_CASE("value() of a temporary gives the value itself, so a range over it is safe", "[core][result]") {
    static_assert(std::is_same_v<decltype(numbers().value()), std::vector<int>>);
    static_assert(std::is_same_v<decltype(std::declval<Result<int>&>().value()), int&>);
    static_assert(std::is_same_v<decltype(std::declval<const Result<int>&>().value()), const int&>);
    int sum = 0;
    for (const int number : numbers().value()) sum += number;
    CHECK(sum == 6);
}

TEST_CASE("A Result moves what cannot be copied", "[core][result]") {
    Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
    const std::unique_ptr<int> taken = std::move(result).value();
    CHECK(*taken == 5);
    Result<std::unique_ptr<int>> moved(Error{ErrorCode::closed, "gone"});
    const Error error = std::move(moved).error();
    CHECK(error.message == "gone");
}

TEST_CASE("value_or gives the value or the other one", "[core][result]") {
    CHECK(half(8).value_or(-1) == 4);
    CHECK(half(7).value_or(-1) == -1);
}

TEST_CASE("A Result can be changed through its operators", "[core][result]") {
    Result<std::string> text(std::string("ab"));
    text->push_back('c');
    (*text).push_back('d');
    CHECK(text.value() == "abcd");
    text.value() = "x";
    CHECK(text->size() == 1);
    text = Error{ErrorCode::busy, "later"};
    CHECK(text.error().code == ErrorCode::busy);
}

TEST_CASE("SEXTANT_TRY leaves with the error and goes on without one", "[core][result]") {
    CHECK(must_be_even(2).has_value());
    CHECK(must_be_even(9).error().message == "number: 9 is odd");
    CHECK(quarter_as_text(12).value() == "3");
    CHECK(quarter_as_text(6).error().message == "number: 3 is odd");
    CHECK(quarter_as_text(5).error().message == "number: 5 is odd");
    CHECK(with_commas_in_the_expression().value() == 2);
}

TEST_CASE("A Result of void is a success unless it was given an error", "[core][result]") {
    const Result<void> good;
    CHECK(good.has_value());
    CHECK(static_cast<bool>(good));
    Result<void> bad = Error{ErrorCode::io_error, "disk"};
    CHECK_FALSE(static_cast<bool>(bad));
    CHECK(bad.error().message == "disk");
    CHECK_THROWS_AS(bad.value(), sextant::Error);
    CHECK(std::move(bad).error().code == ErrorCode::io_error);
    good.ignore("nothing to lose in a test");
}
