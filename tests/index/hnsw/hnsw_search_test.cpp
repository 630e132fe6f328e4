#include "sextant/index/hnsw/hnsw_search.hpp"

#include <algorithm>
#include <stop_token>
#include <vector>

#include "index/support/test_rows.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1 {
namespace {

using test::Bits;
using test::TestGraph;
using test::TestRows;

TEST_CASE("a filtered search finds what an exact search under the filter finds", "[index]") {
    const TestRows rows = TestRows::uniform(3000, 8, 1);
    const TestRows queries = TestRows::uniform(40, 8, 2);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    const double share = GENERATE(0.002, 0.05, 0.5, 0.95);
    const bool as_deleted = GENERATE(false, true);
    Random random(3);
    Bits admitted(rows.count());
    Bits deleted(rows.count());
    for (std::uint32_t r = 0; r < rows.count(); ++r) random.uniform() < share ? admitted.set(r) : deleted.set(r);
    const RowFilter filter = as_deleted ? RowFilter{{}, deleted.view()} : RowFilter{admitted.view(), {}};
    CHECK(graph.recall(queries, 10, 100, filter) > 0.985);
    for (const Neighbor& near : graph.search(queries.row(0), 10, 100, filter)) CHECK(filter(near.row));
}

TEST_CASE("a filter that fails everything gives an empty answer after one walk", "[index]") {
    const TestRows rows = TestRows::uniform(1000, 4, 1);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    const Bits nothing(rows.count());
    CHECK(graph.search(rows.row(0), 10, 50, {nothing.view(), {}}).empty());
    CHECK(graph.counters.hops <= rows.count() + 20);
    CHECK_FALSE(graph.counters.stopped);
}

TEST_CASE("one admitted row is found wherever it is", "[index]") {
    const TestRows rows = TestRows::clustered(2000, 4, 20, 1);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    for (std::uint32_t r = 0; r < rows.count(); r += 111) {
        Bits one(rows.count());
        one.set(r);
        const auto found = graph.search(rows.row(1999 - r), 10, 10, {one.view(), {}});
        REQUIRE(found.size() == 1);
        CHECK(found[0].row == RowId{r});
    }
}

TEST_CASE("answers are sorted, unique and no longer than asked", "[index]") {
    const TestRows rows = TestRows::uniform(2000, 3, 1);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    const std::size_t k = GENERATE(1U, 10U, 200U, 3000U);
    const std::size_t ef = GENERATE(1U, 64U, 700U);
    const auto found = graph.search(rows.row(7), k, ef);
    CHECK(found.size() == std::min<std::size_t>(k, 2000));
    for (std::size_t i = 1; i < found.size(); ++i) REQUIRE(found[i - 1] < found[i]);
}

TEST_CASE("the same search gives the same answer and counts, whatever came before", "[index]") {
    const TestRows rows = TestRows::uniform(3000, 8, 1);
    const TestRows queries = TestRows::uniform(30, 8, 2);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    const auto first = graph.search(queries.row(0), 10, 80);
    const auto counters = graph.counters;
    for (std::uint32_t q = 0; q < queries.count(); ++q) {
        const std::size_t ef = 10 + q * 30;
        graph.search(queries.row(q), 10, ef);
        Bits half(rows.count());
        for (std::uint32_t r = q % 2; r < rows.count(); r += 2) half.set(r);
        graph.search(queries.row(q), 10, ef, {half.view(), {}});
    }
    CHECK(graph.search(queries.row(0), 10, 80) == first);
    CHECK(graph.counters.scored == counters.scored);
    CHECK(graph.counters.hops == counters.hops);
    HnswScratch fresh;
    const TestRows::State state{&rows, queries.row(0)};
    std::vector<Neighbor> out(10);
    SearchCounters own;
    REQUIRE(graph.index.search(TestRows::scorer(state), {}, {80, nullptr}, fresh, out, own) == 10);
    CHECK(out == first);
}

TEST_CASE("a larger ef finds no less and looks at more", "[index]") {
    const TestRows rows = TestRows::uniform(5000, 16, 1);
    const TestRows queries = TestRows::uniform(50, 16, 2);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    const double low = graph.recall(queries, 10, 10);
    const std::uint64_t few = graph.counters.scored;
    const double high = graph.recall(queries, 10, 400);
    CHECK(high > low);
    CHECK(high > 0.99);
    CHECK(graph.counters.scored > 2 * few);
}

TEST_CASE("growing hops find what hops of one row find, in fewer lists to score", "[index]") {
    const TestRows rows = TestRows::uniform(4000, 16, 1);
    const TestRows queries = TestRows::uniform(60, 16, 2);
    const std::uint32_t m = GENERATE(4U, 16U, 64U);
    TestGraph graph(rows, {.m = m, .ef_construction = 64});
    REQUIRE(graph.link(rows.count()).has_value());
    // Lists that are scored, counted by a scorer of its own.
    struct Counting {
        TestRows::State inner;
        std::uint64_t* calls;
        std::size_t* longest;
    };
    const auto score = [](const void* state, const RowId* ids, std::size_t count, float* out) noexcept {
        const auto& self = *static_cast<const Counting*>(state);
        ++*self.calls;
        *self.longest = std::max(*self.longest, count);
        TestRows::scorer(self.inner).score({ids, count}, {out, count});
    };
    const std::size_t ef = 200;
    std::uint64_t calls = 0;
    std::size_t longest = 0;
    SearchCounters counters;
    double right = 0;
    for (std::uint32_t q = 0; q < queries.count(); ++q) {
        const Counting state{{&rows, queries.row(q)}, &calls, &longest};
        const RowScorer scorer{&state, score, nullptr, [](const void*, RowId) noexcept {}};
        std::vector<Neighbor> out(10);
        REQUIRE(graph.index.search(scorer, {}, {ef, nullptr}, graph.scratch, out, counters) == 10);
        const auto exact = rows.exact(queries.row(q), 10);
        for (const Neighbor& near : out) right += std::find(exact.begin(), exact.end(), near) != exact.end() ? 1 : 0;
    }
    CHECK(right / (10.0 * queries.count()) > (m == 4 ? 0.9 : 0.99));
    CHECK(counters.hops > ef * queries.count());
    CHECK(calls * 3 < counters.hops);  // hops of up to 8 rows, or 4 where lists hold 128
    CHECK(longest <= VisitedSet::max_list);
    CHECK(longest > 2UL * m);
}

TEST_CASE("a stop token ends a search early and the answer says so", "[index]") {
    const TestRows rows = TestRows::uniform(3000, 4, 1);
    TestGraph graph(rows);
    REQUIRE(graph.link(rows.count()).has_value());
    std::stop_source source;
    source.request_stop();
    const std::stop_token token = source.get_token();
    const TestRows::State state{&rows, rows.row(5)};
    std::vector<Neighbor> out(10);
    const Bits none(rows.count());
    for (const bool filtered : {false, true}) {
        SearchCounters counters;
        const RowFilter filter = filtered ? RowFilter{none.view(), {}} : RowFilter{};
        CHECK(graph.index.search(TestRows::scorer(state), filter, {2000, &token}, graph.scratch, out, counters) <= 10);
        CHECK(counters.stopped);
        CHECK(counters.hops <= 128);
    }
    SearchCounters counters;
    const std::stop_token never;
    CHECK(graph.index.search(TestRows::scorer(state), {}, {50, &never}, graph.scratch, out, counters) == 10);
    CHECK_FALSE(counters.stopped);
}

}  // namespace
}  // namespace sextant::inline v1
