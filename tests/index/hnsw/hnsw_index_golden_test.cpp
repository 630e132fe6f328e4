#include <string>

#include "index/support/test_rows.hpp"
#include "sextant/index/hnsw/hnsw_index.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace sextant {
namespace {

/// Points of a small grid, many of them equal: distances are whole numbers, the same on every machine.
test::TestRows grid(std::size_t count) {
    test::TestRows rows(2);
    Random random(3);
    for (std::size_t i = 0; i < count; ++i) {
        const auto x = static_cast<float>(random.below(24));
        rows.push_back({x, static_cast<float>(random.below(24))});
    }
    return rows;
}

}  // namespace

// Sections as version 1 lays them out. A better way to build graphs may choose other links: then the file is written
// anew, with a decision that says so. The layout itself is pinned by the worked example in link_store_test.
TEST_CASE("a graph of version 1 has the bytes it ever had", "[index][golden]") {
    const auto rows = grid(60);
    test::TestGraph graph(rows, {.m = 4, .ef_construction = 16, .seed = 42});
    REQUIRE(graph.link(60).has_value());
    REQUIRE(graph.finish().has_value());
    auto golden = test_support::golden_lines("graph.txt");
    CHECK(test_support::to_hex(graph.index.sections().level0) == golden["level 0"]);
    CHECK(test_support::to_hex(graph.index.sections().upper) == golden["upper levels"]);
    CHECK(golden.size() == 2);
    CHECK(graph.index.audit({}).value().reachable_live_rows == 60);
}

}  // namespace sextant
