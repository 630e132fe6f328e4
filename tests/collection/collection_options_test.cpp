#include "sextant/collection/collection_options.hpp"

#include "collection/collection_support.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace sextant;
using namespace test_support;

TEST_CASE("options left out can be told from options said, and resolve to defaults", "[options]") {
    const L2::Options given{.dimension = 8, .index = {.m = 24}};
    CHECK_FALSE(given.index.ef_construction.has_value());
    CHECK_FALSE(given.durability.has_value());
    const L2::Options all = given.resolved();
    CHECK(all.dimension == 8U);
    CHECK(all.index.m == 24U);
    CHECK(all.index.ef_construction == 64U);
    CHECK(all.index.seed == 0U);
    CHECK(all.durability == Durability::None);
    CHECK(given.resolved(true).durability == Durability::Sync);
    CHECK(all.deterministic == false);
    CHECK_FALSE(given.raw.has_value());
    CHECK(all.raw == RawPrecision::F32);
    CHECK(L2::Options{.dimension = 8, .raw = RawPrecision::F16}.resolved().raw == RawPrecision::F16);
}

TEST_CASE("resolving again changes nothing, and resolved options are valid", "[options]") {
    const L2Codes::Options once = L2Codes::Options{.dimension = 3}.resolved();
    const L2Codes::Options twice = once.resolved();
    CHECK(twice.index == once.index);
    CHECK(once.validate().has_value());
}

TEST_CASE("the options of a quantizer are said by name among the others", "[options]") {
    const L2Codes::Options given{.dimension = 3, .quantizer = {.quantile = 0.99}};
    CHECK(given.resolved().quantizer == ScalarQuantizer::Options{.quantile = 0.99});
    CHECK(Collection<Cosine, MappedStorage, ProductQuantizer>::Options{.quantizer = {.subvectors = 16}}
              .quantizer.subvectors == 16U);
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

// What an option means that a collection of version 1 leaves out, for ever: later versions may have other defaults, and
// must give such a collection these.
TEST_CASE("defaults of version 1 are as ever", "[options][golden]") {
    const auto golden = golden_lines("options.txt");
    const L2Codes::Options memory = L2Codes::Options{.dimension = 8}.resolved(false);
    const L2Codes::Options files = L2Codes::Options{.dimension = 8}.resolved(true);
    const std::map<std::string, std::string> now{
        {"index.m", std::to_string(*memory.index.m)},
        {"index.ef_construction", std::to_string(*memory.index.ef_construction)},
        {"index.seed", std::to_string(*memory.index.seed)},
        {"durability in memory", std::to_string(static_cast<int>(*memory.durability))},
        {"durability of files", std::to_string(static_cast<int>(*files.durability))},
        {"deterministic", std::to_string(*memory.deterministic ? 1 : 0)},
        {"raw", std::to_string(static_cast<int>(*memory.raw))},
        {"scalar quantile given", std::to_string(memory.quantizer.quantile.has_value() ? 1 : 0)},
    };
    CHECK(now == golden);
}
