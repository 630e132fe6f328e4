#include "sextant/index/hnsw/hnsw_index.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "index/support/test_rows.hpp"
#include "sextant/concepts/archetypes.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1 {
namespace {

using test::Bits;
using test::TestGraph;
using test::TestRows;

void require_all_reachable(const TestGraph& graph) {
    const auto audit = graph.index.audit(graph.deleted);
    REQUIRE(audit.has_value());
    REQUIRE(audit->first_unreachable == to_index(no_row));
    REQUIRE(audit->reachable_live_rows == audit->live_rows);
}

TEST_CASE("a graph finds what an exact search finds", "[index]") {
    struct Case {
        const char* name;
        TestRows rows;
        double floor;
    };
    const int which = GENERATE(0, 1, 2);
    const TestRows rows = which == 0   ? TestRows::uniform(4000, 12, 1)
                          : which == 1 ? TestRows::clustered(4000, 16, 40, 2)
                                       : TestRows::uniform(4000, 2, 3);
    const TestRows queries =
        which == 1 ? TestRows::clustered(100, 16, 40, 2) : TestRows::uniform(100, rows.dimension(), 9);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    CHECK(graph.index.linked() == rows.count());
    CHECK(graph.recall(queries, 10, 100) > 0.97);
    require_all_reachable(graph);
    REQUIRE(graph.finish().has_value());
    CHECK(graph.recall(queries, 10, 100) > 0.985);
    require_all_reachable(graph);
    std::uint32_t missed = 0;
    for (std::uint32_t r = 0; r < rows.count(); ++r) {
        const auto found = graph.search(rows.row(r), 1, 50);
        REQUIRE(found.size() == 1);
        missed += found[0] == Neighbor{0.0F, RowId{r}} ? 0U : 1U;
    }
    CHECK(missed <= rows.count() / 1000);
}

TEST_CASE("empty graphs and graphs of a few rows answer with all they have", "[index]") {
    const std::uint32_t count = GENERATE(0U, 1U, 2U, 3U, 17U, 40U);
    const bool finished = GENERATE(false, true);
    const TestRows rows = TestRows::uniform(count, 4, 5);
    const TestRows query = TestRows::uniform(1, 4, 6);
    TestGraph graph(rows);
    CHECK(graph.search(query.row(0), 10, 20).empty());
    REQUIRE(graph.link(count).has_value());
    if (finished) REQUIRE(graph.finish().has_value());
    CHECK(graph.search(query.row(0), 40, 40) == rows.exact(query.row(0), 40));
    require_all_reachable(graph);
}

TEST_CASE("crowds of equal rows stay reachable and cheap to search", "[index]") {
    TestRows rows = TestRows::equal(20000, 4);
    rows.append(TestRows::uniform(500, 4, 8));
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    require_all_reachable(graph);
    const auto found = graph.search(rows.row(0), 10, 100);
    REQUIRE(found.size() == 10);
    for (const Neighbor& near : found) CHECK(near.distance == 0.0F);
    CHECK(graph.counters.hops < 400);
    for (std::uint32_t r = 20000; r < rows.count(); ++r) {
        REQUIRE(graph.search(rows.row(r), 1, 50)[0].row == RowId{r});
    }
    REQUIRE(graph.finish().has_value());
    require_all_reachable(graph);
    graph.search(rows.row(0), 10, 100);
    CHECK(graph.counters.hops < 400);
}

TEST_CASE("many small crowds of equal rows are no islands", "[index]") {
    TestRows rows(8);
    const TestRows centres = TestRows::uniform(60, 8, 4);
    for (std::uint32_t c = 0; c < centres.count(); ++c) {
        for (int i = 0; i < 100; ++i) rows.push_back({centres.row(c), centres.row(c) + 8});
    }
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    require_all_reachable(graph);
    // Greedy walks stop at the edge of a crowd now and then: nothing nearer is in sight. Most find their own.
    std::size_t found_own = 0;
    for (std::uint32_t c = 0; c < centres.count(); ++c) {
        const auto found = graph.search(centres.row(c), 10, 150);
        REQUIRE(found.size() == 10);
        found_own += found.back().distance == 0.0F ? 1U : 0U;
    }
    CHECK(found_own >= 50);
}

TEST_CASE("parameters out of range are refused by name", "[index]") {
    MemoryAccount account("test");
    const auto message = [&](HnswParams params, std::uint32_t rows) {
        const auto made = HnswIndex::create(params, rows, account);
        REQUIRE_FALSE(made.has_value());
        CHECK(made.error().code == ErrorCode::invalid_argument);
        return made.error().message;
    };
    CHECK(message({.m = 3}, 10).find("m is 3") != std::string::npos);
    CHECK(message({.m = 65}, 10).find("m is 65") != std::string::npos);
    CHECK(message({.ef_construction = 15}, 10).find("ef_construction is 15") != std::string::npos);
    CHECK(message({.ef_construction = 4097}, 10).find("4097") != std::string::npos);
    CHECK(message({}, 0x80000000U).find("max_rows") != std::string::npos);
    CHECK(HnswIndex::create({.m = 64, .ef_construction = 4096}, 10, account).has_value());
}

TEST_CASE("small and large m work", "[index]") {
    const std::uint32_t m = GENERATE(4U, 64U);
    const TestRows rows = TestRows::uniform(1500, 6, m);
    TestGraph graph(rows, {.m = m, .ef_construction = 80});
    REQUIRE(graph.link(rows.count()).has_value());
    REQUIRE(graph.finish().has_value());
    require_all_reachable(graph);
    CHECK(graph.recall(TestRows::uniform(50, 6, 99), 10, 100) > 0.97);
}

TEST_CASE("a finished graph refuses changes and more rows than reserved are refused", "[index]") {
    const TestRows rows = TestRows::uniform(100, 4, 1);
    TestGraph graph(rows);
    const auto too_many = graph.link(101);
    REQUIRE_FALSE(too_many.has_value());
    CHECK(too_many.error().code == ErrorCode::resource_exhausted);
    REQUIRE(graph.link(50).has_value());
    REQUIRE(graph.finish().has_value());
    REQUIRE(graph.finish().has_value());
    CHECK(graph.link(100).error().code == ErrorCode::read_only);
    CHECK(graph.repair({RowId{1}}).error().code == ErrorCode::read_only);
}

TEST_CASE("memory is what the estimate says, and comes back", "[index]") {
    const TestRows rows = TestRows::uniform(20000, 2, 1);
    TestGraph graph(rows, {.m = 16, .ef_construction = 32});
    REQUIRE(graph.link(rows.count()).has_value());
    CHECK(graph.index.memory_bytes() == graph.account().used());
    REQUIRE(graph.finish().has_value());
    CHECK(graph.index.memory_bytes() == graph.account().used());
    const auto estimate = static_cast<double>(HnswIndex::estimate_bytes(rows.count(), graph.index.params()));
    CHECK(static_cast<double>(graph.index.memory_bytes()) == Approx(estimate).epsilon(0.02));
    CHECK(static_cast<double>(graph.index.memory_bytes()) / rows.count() < 134.0);
}

TEST_CASE("the graph asks no more of a scorer than the concept gives", "[index]") {
    MemoryAccount account("test");
    InlineExecutor executor;
    HnswIndex index = HnswIndex::create({}, 300, account).value();
    const auto factory = [](QueryScratch& scratch) { return archetype::pair_scorer(scratch); };
    const auto key = [](RowId row) { return std::uint64_t{to_index(row)}; };
    REQUIRE(index.link(300, true, {factory, key, {}, &executor, {}}).has_value());
    RowScorer scorer = archetype::row_scorer();
    scorer.score_consecutive = nullptr;
    HnswScratch scratch;
    SearchCounters counters;
    std::vector<Neighbor> out(5);
    REQUIRE(index.search(scorer, {}, {20, nullptr}, scratch, out, counters) == 5);
    for (std::uint32_t i = 0; i < 5; ++i) CHECK(out[i] == Neighbor{static_cast<float>(i), RowId{i}});
}

TEST_CASE("a graph read from its sections answers as before", "[index]") {
    const TestRows rows = TestRows::uniform(1000, 6, 21);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    REQUIRE(graph.finish().has_value());
    const HnswSections sections = graph.index.sections();
    MemoryAccount account("test");
    const auto load = [&](std::uint32_t count, std::uint64_t upper_size) {
        return HnswIndex::load(
            graph.index.params(), count, upper_size, account,
            [&](std::span<std::byte> level0, std::span<std::byte> upper) -> Result<void> {
                if (level0.size() != sections.level0.size() || upper.size() != sections.upper.size()) {
                    return Error{ErrorCode::corruption, "another size"};
                }
                std::memcpy(level0.data(), sections.level0.data(), level0.size());
                std::memcpy(upper.data(), sections.upper.data(), upper.size());
                return {};
            });
    };
    {
        auto loaded = load(rows.count(), sections.upper.size());
        REQUIRE(loaded.has_value());
        CHECK(loaded->linked() == rows.count());
        const auto before = graph.index.audit({});
        const auto after = loaded->audit({});
        REQUIRE(after.has_value());
        CHECK(after->reachable_live_rows == before->reachable_live_rows);
        CHECK(after->level0_links == before->level0_links);
        const HnswSections again = loaded->sections();
        CHECK(std::equal(again.level0.begin(), again.level0.end(), sections.level0.begin(), sections.level0.end()));
        CHECK(std::equal(again.upper.begin(), again.upper.end(), sections.upper.begin(), sections.upper.end()));
    }
    CHECK(load(rows.count() + 1, sections.upper.size()).error().message == "another size");
    CHECK_FALSE(load(rows.count(), 0).has_value());
    CHECK(account.used() == 0);
}

TEST_CASE("a graph over bytes that lie elsewhere answers as one of its own, and touches nothing else when they go bad",
          "[index]") {
    const TestRows rows = TestRows::uniform(1000, 6, 21);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    REQUIRE(graph.finish().has_value());
    const HnswSections sections = graph.index.sections();
    MemoryAccount account("test");
    const auto lists = std::make_shared<std::vector<std::byte>>(sections.level0.begin(), sections.level0.end());
    const auto map = [&](std::span<const std::byte> level0) {
        return HnswIndex::map(graph.index.params(), rows.count(), level0, sections.upper, lists, account);
    };
    CHECK(map(std::span(*lists).first(lists->size() - 4)).error().code == ErrorCode::corruption);
    auto mapped = map(*lists);
    REQUIRE(mapped.has_value());
    CHECK(mapped->memory_bytes() < lists->size());  // the upper levels
    CHECK(mapped->audit({})->reachable_live_rows == rows.count());
    CHECK(mapped->sections().level0.data() == lists->data());
    const auto find = [&](const HnswIndex& index, std::uint32_t query) {
        const TestRows::State state{&rows, rows.row(query)};
        HnswScratch scratch;
        SearchCounters counters;
        std::vector<Neighbor> out(10);
        out.resize(index.search(TestRows::scorer(state), {}, {50, nullptr}, scratch, out, counters));
        return out;
    };
    for (std::uint32_t query = 0; query < rows.count(); query += 50) {
        CHECK(find(*mapped, query) == find(graph.index, query));
    }
    // As a disk might give them back: numbers of no row, in the midst of lists.
    for (std::size_t i = 0; i < lists->size(); i += 12) (*lists)[i + 3] = std::byte{0x7F};
    for (std::uint32_t query = 0; query < rows.count(); query += 50) {
        for (const Neighbor& found : find(*mapped, query)) CHECK(to_index(found.row) < rows.count());
    }
    CHECK_FALSE(mapped->audit({}).has_value());
}

}  // namespace
}  // namespace sextant::inline v1
