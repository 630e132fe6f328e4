#include "sextant/core/function_ref.hpp"

#include <memory>
#include <string>
#include <utility>

#include "support/catch.hpp"

using sextant::FunctionRef;

namespace {

int twice(int number) { return 2 * number; }

int apply(FunctionRef<int(int)> function, int number) { return function(number); }

struct Counter {
    int calls = 0;
    int operator()(int number) { return calls += number; }
};

}  // namespace

TEST_CASE("A FunctionRef calls lambdas, functors and functions", "[core][function_ref]") {
    const int base = 10;
    CHECK(apply([&](int number) { return base + number; }, 5) == 15);
    Counter counter;
    CHECK(apply(counter, 3) == 3);
    CHECK(apply(counter, 3) == 6);
    CHECK(counter.calls == 6);
    CHECK(apply(twice, 4) == 8);
    CHECK(apply(&twice, 5) == 10);
    int (*const pointer)(int) = twice;
    CHECK(apply(pointer, 6) == 12);
}

TEST_CASE("A FunctionRef of void drops what the callable returns", "[core][function_ref]") {
    int seen = 0;
    const auto assign = [&](int number) { return seen = number; };
    const FunctionRef<void(int)> function = assign;
    function(4);
    CHECK(seen == 4);
}

TEST_CASE("A FunctionRef converts results and passes move-only arguments on", "[core][function_ref]") {
    const auto length = [](const std::string& text) { return static_cast<short>(text.size()); };
    CHECK(FunctionRef<long(const std::string&)>(length)("four") == 4);
    const auto take = [](std::unique_ptr<int> pointer) { return *pointer; };
    CHECK(FunctionRef<int(std::unique_ptr<int>)>(take)(std::make_unique<int>(9)) == 9);
}

TEST_CASE("A copy of a FunctionRef calls the same callable", "[core][function_ref]") {
    Counter counter;
    const FunctionRef<int(int)> first = counter;
    const FunctionRef<int(int)> second = first;
    second(2);
    CHECK(first(1) == 3);
}
