#include <cstdint>
#include <memory>

#include "support/allocations.hpp"
#include "support/catch.hpp"

TEST_CASE("allocations are counted", "[counting_new]") {
    const std::uint64_t before = test_support::allocations_of_this_thread();
    const auto one = std::make_unique<std::uint64_t[]>(before + 5);
    CHECK(one != nullptr);
    CHECK(test_support::allocations_of_this_thread() > before);
}
