#include "sextant/index/flat/flat_index.hpp"

#include <stop_token>
#include <vector>

#include "index/support/test_rows.hpp"
#include "sextant/concepts/archetypes.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1 {
namespace {

using test::Bits;
using test::TestRows;

std::vector<Neighbor> scan(const FlatIndex& index, const RowScorer& scorer, std::size_t k, const RowFilter& filter,
                           SearchCounters& counters) {
    static FlatScratch scratch;
    std::vector<Neighbor> out(k);
    out.resize(index.search(scorer, filter, {}, scratch, out, counters));
    return out;
}

TEST_CASE("a scan finds exactly what sorting everything finds, under any filter", "[index]") {
    const TestRows rows = TestRows::uniform(3001, 8, 1);
    const TestRows queries = TestRows::uniform(5, 8, 2);
    const double admitted_share = GENERATE(0.0, 0.001, 0.03, 0.4, 0.6, 1.0);
    const double deleted_share = GENERATE(0.0, 0.2);
    Random random(7);
    Bits admitted(rows.count());
    Bits deleted(rows.count());
    std::size_t passing = 0;
    for (std::uint32_t r = 0; r < rows.count(); ++r) {
        if (random.uniform() < admitted_share) admitted.set(r);
        if (random.uniform() < deleted_share) deleted.set(r);
        passing += admitted.test(r) && !deleted.test(r) ? 1U : 0U;
    }
    RowFilter filter{admitted.view(), deleted.view()};
    if (admitted_share == 1.0) filter.admitted = {};
    if (deleted_share == 0.0) filter.deleted = {};
    for (std::uint32_t q = 0; q < queries.count(); ++q) {
        const TestRows::State state{&rows, queries.row(q)};
        SearchCounters counters;
        CHECK(scan(FlatIndex(rows.count()), TestRows::scorer(state), 10, filter, counters) ==
              rows.exact(queries.row(q), 10, filter));
        RowScorer by_list = TestRows::scorer(state);
        by_list.score_consecutive = nullptr;
        SearchCounters list_counters;
        CHECK(scan(FlatIndex(rows.count()), by_list, 10, filter, list_counters) ==
              rows.exact(queries.row(q), 10, filter));
        CHECK(list_counters.scored == passing);
        if (admitted_share < 0.1) CHECK(counters.scored == passing);
    }
}

TEST_CASE("a scan of a range sees nothing outside it", "[index]") {
    const std::uint32_t first = GENERATE(0U, 1U, 63U, 255U, 256U, 300U);
    const std::uint32_t end = GENERATE(300U, 301U, 512U, 700U);
    const bool filtered = GENERATE(false, true);
    Bits odd(1000);
    for (std::uint32_t r = 1; r < 1000; r += 2) odd.set(r);
    SearchCounters counters;
    const RowFilter filter = filtered ? RowFilter{odd.view(), {}} : RowFilter{};
    const auto found = scan(FlatIndex(first, end), archetype::row_scorer(), 1000, filter, counters);
    std::vector<Neighbor> expected;
    for (std::uint32_t r = first; r < end; ++r) {
        if (filter(RowId{r})) expected.push_back({static_cast<float>(r), RowId{r}});
    }
    CHECK(found == expected);
}

TEST_CASE("equal distances are answered with the smallest rows", "[index]") {
    const TestRows rows = TestRows::equal(5000, 3);
    const TestRows::State state{&rows, rows.row(0)};
    SearchCounters counters;
    const auto found = scan(FlatIndex(rows.count()), TestRows::scorer(state), 20, {}, counters);
    REQUIRE(found.size() == 20);
    for (std::uint32_t i = 0; i < 20; ++i) CHECK(found[i].row == RowId{i});
}

TEST_CASE("an empty range, an empty answer and a stopped scan are no errors", "[index]") {
    FlatScratch scratch;
    std::vector<Neighbor> out(3);
    SearchCounters counters;
    CHECK(FlatIndex(0).search(archetype::row_scorer(), {}, {}, scratch, out, counters) == 0);
    CHECK(FlatIndex(9).search(archetype::row_scorer(), {}, {}, scratch, {}, counters) == 0);
    CHECK(FlatIndex(2).search(archetype::row_scorer(), {}, {}, scratch, out, counters) == 2);
    CHECK_FALSE(counters.stopped);
    std::stop_source source;
    source.request_stop();
    const std::stop_token token = source.get_token();
    CHECK(FlatIndex(9).search(archetype::row_scorer(), {}, {10, &token}, scratch, out, counters) == 0);
    CHECK(counters.stopped);
}

}  // namespace
}  // namespace sextant::inline v1
