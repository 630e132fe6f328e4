#include "sextant/collection/collection_options.hpp"

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

TEST_CASE("options left out can be told from options said, and resolve to defaults", "[options]") {
    const L2::Options given{.dimension = 8, .index = {.m = 24}};
    CHECK_FALSE(given.index.ef_construction.has_value());
    CHECK_FALSE(given.quantizer.has_value());
    CHECK_FALSE(given.durability.has_value());
    const L2::Options all = given.resolved();
    CHECK(all.dimension == 8U);
    CHECK(all.index.m == 24U);
    CHECK(all.index.ef_construction == 80U);
    CHECK(all.index.seed == 0U);
    CHECK(all.quantizer.has_value());
    CHECK(all.durability == Durability::None);
    CHECK(given.resolved(true).durability == Durability::Sync);
    CHECK(all.deterministic == false);
}

TEST_CASE("resolving again changes nothing, and resolved options are valid", "[options]") {
    const L2Codes::Options once = L2Codes::Options{.dimension = 3}.resolved();
    const L2Codes::Options twice = once.resolved();
    CHECK(twice.index == once.index);
    CHECK(once.validate().has_value());
}

TEST_CASE("the options of a quantizer are checked with the others", "[options]") {
    ScalarQuantizer::Options bad;
    bad.quantile = 2.0F;
    REQUIRE_FALSE(bad.validate().has_value());
    const auto refused = L2Codes::Options{.dimension = 3, .quantizer = bad}.validate();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == bad.validate().error());
    CHECK_FALSE(L2Codes::open({.dimension = 3, .quantizer = bad}).has_value());
}
