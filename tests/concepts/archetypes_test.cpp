#include "sextant/concepts/archetypes.hpp"

#include <vector>

#include "support/catch.hpp"

namespace sextant::inline v1 {
namespace {

struct NotEmpty : archetype::Metric {
    int state = 0;
};
struct MayThrow : archetype::Metric {
    static float to_score(float distance) { return distance; }
};
struct ThrowingIndex : archetype::Index {
    std::size_t search(const RowScorer&, const RowFilter&, const SearchParams&, Scratch&, std::span<Neighbor>,
                       SearchCounters&) const {
        return 0;
    }
};
struct Untrainable : archetype::Quantizer {
    static void train(MatrixView, const Options&, const TrainContext&) {}
};

TEST_CASE("concepts accept their archetypes and nothing less", "[concepts]") {
    STATIC_REQUIRE(Metric<archetype::Metric>);
    STATIC_REQUIRE_FALSE(Metric<NotEmpty>);
    STATIC_REQUIRE_FALSE(Metric<MayThrow>);
    STATIC_REQUIRE_FALSE(Metric<int>);
    STATIC_REQUIRE(Quantizer<archetype::Quantizer>);
    STATIC_REQUIRE(QuantizerFor<archetype::Quantizer, archetype::Metric>);
    STATIC_REQUIRE_FALSE(QuantizerFor<archetype::Quantizer, NotEmpty>);
    STATIC_REQUIRE_FALSE(Quantizer<Untrainable>);
    STATIC_REQUIRE_FALSE(IdentityQuantizer<archetype::Quantizer>);
    STATIC_REQUIRE(Storage<archetype::Storage>);
    STATIC_REQUIRE_FALSE(Storage<NotEmpty>);
    STATIC_REQUIRE(Index<archetype::Index>);
    STATIC_REQUIRE_FALSE(Index<ThrowingIndex>);
}

TEST_CASE("archetype scorers measure the distance of row numbers", "[concepts]") {
    QueryScratch scratch;
    PairScorer pairs = archetype::pair_scorer(scratch);
    pairs.bind(RowId{5});
    const std::vector<RowId> rows{RowId{3}, RowId{5}, RowId{9}};
    std::vector<float> out(3);
    pairs.score(rows, out);
    CHECK(out == std::vector<float>{2, 0, 4});
    pairs.as_row_scorer().score(rows, out);
    CHECK(out == std::vector<float>{2, 0, 4});
    const RowScorer scorer = archetype::row_scorer();
    scorer.score_range(RowId{7}, out);
    CHECK(out == std::vector<float>{7, 8, 9});
}

}  // namespace
}  // namespace sextant::inline v1
