// SEXTANT_CRASH_SEED in the environment begins the long form at another seed, so that several can run at once.
#include <cstdlib>
#include <iostream>

#include "collection/crash_support.hpp"
#include "support/catch.hpp"
#include "support/sanitized.hpp"

using namespace test_support;

namespace {

constexpr std::size_t most_images = sanitized ? 100 : 1'000'000;
constexpr std::uint64_t share = sanitized ? 20 : 1;

void crash_all(CrashBudget budget, std::uint64_t least_unique, std::uint64_t least_nested) {
    budget.most_images = most_images;
    least_unique /= share;
    CrashFindings all;
    for (const CrashShape& shape : crash_shapes()) {
        const CrashFindings found = shape.run(budget);
        INFO(shape.name << ": " << found.violations << " of " << found.images << " images: " << found.first);
        CHECK(found.violations == 0);
        CHECK(found.images > 50);
        all += found;
    }
    std::cout << "crash images recovered: " << all.images << " and " << all.nested_images << " in recovery, "
              << all.unique << " of them different; wrong: " << all.violations << "\n";
    CHECK(all.unique >= least_unique);
    CHECK(all.nested_images >= least_nested / share);
}

}  // namespace

TEST_CASE("after a loss of power at any moment everything acknowledged is there, and nothing else",
          "[durable][crash]") {
    crash_all({}, 10'000, 0);
}

TEST_CASE("after a loss of power during recovery the next one succeeds", "[durable][crash]") {
    crash_all({.exhaustive_pending = 3,
               .random_subsets = 2,
               .nested_every = 97,
               .nested_random_subsets = 2,
               .written_every = 0},
              500, 1'000);
}

TEST_CASE("after a loss of power at any moment everything acknowledged is there, at length", "[.][soak][crash]") {
    constexpr std::uint64_t wanted = 2'000'000;
    const char* const first = std::getenv("SEXTANT_CRASH_SEED");
    constexpr std::uint64_t wanted_nested = 100'000;
    std::uint64_t unique = 0;
    std::uint64_t nested = 0;
    for (std::uint64_t seed = first == nullptr ? 1 : std::strtoull(first, nullptr, 10);
         unique < wanted || nested < wanted_nested; ++seed) {
        for (const CrashShape& shape : crash_shapes()) {
            const CrashFindings found = shape.run({.exhaustive_pending = 12,
                                                   .random_subsets = 3'000,
                                                   .nested_every = 499,
                                                   .nested_random_subsets = 40,
                                                   .seed = seed});
            unique += found.unique;
            nested += found.nested_images;
            std::cout << "seed " << seed << ", " << shape.name << ": " << found.images << " images, "
                      << found.nested_images << " in recovery, " << nested << " of these and " << unique
                      << " different so far; wrong: " << found.violations << std::endl;
            INFO(shape.name << ", seed " << seed << ": " << found.first);
            REQUIRE(found.violations == 0);
        }
    }
}
