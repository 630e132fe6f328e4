#include "sextant/core/random.hpp"

#include <array>
#include <cstdint>
#include <set>

#include "support/catch.hpp"

using sextant::Random;

TEST_CASE("Random is splitmix64: the reference sequence for seed 1234567", "[core][random]") {
    Random random(1234567);
    const std::array<std::uint64_t, 5> expected{6457827717110365317ULL, 3203168211198807973ULL, 9817491932198370423ULL,
                                                4593380528125082431ULL, 16408922859458223821ULL};
    for (const std::uint64_t number : expected) CHECK(random.next() == number);
}

TEST_CASE("Neighbouring seeds give streams without common numbers", "[core][random]") {
    std::set<std::uint64_t> seen;
    for (std::uint64_t seed = 0; seed < 64; ++seed) {
        Random random(seed);
        for (int i = 0; i < 256; ++i) seen.insert(random.next());
    }
    CHECK(seen.size() == 64 * 256);
}

TEST_CASE("below() stays below its bound and reaches every number evenly", "[core][random]") {
    Random random(7);
    std::array<int, 10> counts{};
    for (int i = 0; i < 100'000; ++i) ++counts.at(random.below(10));
    for (const int count : counts) {
        CHECK(count > 9'500);  // 10,000 expected, standard deviation 95
        CHECK(count < 10'500);
    }
    for (int i = 0; i < 100; ++i) CHECK(random.below(1) == 0);
    CHECK(random.below(~std::uint64_t{0}) < ~std::uint64_t{0});
}

TEST_CASE("uniform() lies in [0, 1) with mean one half", "[core][random]") {
    Random random(3);
    double sum = 0;
    bool inside = true;
    for (int i = 0; i < 100'000; ++i) {
        const double number = random.uniform();
        inside = inside && number >= 0.0 && number < 1.0;
        sum += number;
    }
    CHECK(inside);
    CHECK(sum / 100'000 > 0.495);  // standard deviation of the mean: 0.0009
    CHECK(sum / 100'000 < 0.505);
}
