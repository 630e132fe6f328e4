#include "sextant/index/hnsw/hnsw_repair.hpp"

#include <cstring>
#include <numeric>
#include <vector>

#include "index/support/test_rows.hpp"
#include "sextant/index/hnsw/level_sampler.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1 {
namespace {

using test::Bits;
using test::TestGraph;
using test::TestRows;

/// How many links of live rows lead to rows in `gone`.
std::size_t links_to(const HnswIndex& index, const Bits& gone) {
    const auto level0 = index.sections().level0;
    const std::size_t degree = 2 * index.params().m;
    std::size_t count = 0;
    for (std::size_t i = 0; i < level0.size() / 4; ++i) {
        std::uint32_t id = 0;
        std::memcpy(&id, level0.data() + 4 * i, 4);
        const bool from_live = !gone.test(static_cast<std::uint32_t>(i / degree));
        count += from_live && id != to_index(no_row) && gone.test(id) ? 1U : 0U;
    }
    return count;
}

void require_all_reachable(const TestGraph& graph, BitmapView deleted) {
    const auto audit = graph.index.audit(deleted);
    REQUIRE(audit.has_value());
    REQUIRE(audit->reachable_live_rows == audit->live_rows);
}

TEST_CASE("after a repair no live row links to an erased one, and all live rows are found", "[index]") {
    const TestRows rows = GENERATE(TestRows::uniform(3000, 8, 1), TestRows::clustered(3000, 8, 30, 1));
    const std::size_t threads = GENERATE(0U, 3U);
    ThreadPoolExecutor pool(3);
    TestGraph graph(rows, {}, threads == 0 ? nullptr : &pool);
    REQUIRE(graph.link(rows.count()).has_value());
    Bits deleted(rows.count());
    Random random(5);
    std::uint32_t left = rows.count();
    for (int round = 0; round < 6; ++round) {
        std::vector<RowId> erased;
        for (std::uint32_t r = 0; r < rows.count(); ++r) {
            if (deleted.test(r) || random.uniform() > 0.2) continue;
            deleted.set(r);
            erased.push_back(RowId{r});
        }
        left -= static_cast<std::uint32_t>(erased.size());
        graph.deleted = deleted.view();
        REQUIRE(graph.repair(erased).has_value());
        REQUIRE(links_to(graph.index, deleted) == 0);
        require_all_reachable(graph, deleted.view());
    }
    CHECK(left < 1000);
    const RowFilter filter{{}, deleted.view()};
    CHECK(graph.recall(TestRows::uniform(60, 8, 9), 10, 100, filter) > 0.98);
    for (std::uint32_t r = 0; r < rows.count(); ++r) {
        if (!deleted.test(r)) REQUIRE(graph.search(rows.row(r), 1, 50, filter)[0].row == RowId{r});
    }
}

TEST_CASE("the entry can be erased, again and again, down to the last row and beyond", "[index]") {
    const TestRows rows = TestRows::uniform(300, 4, 1);
    TestGraph graph(rows, {.m = 4, .ef_construction = 20});
    REQUIRE(graph.link(200).has_value());
    Bits deleted(rows.count());
    graph.deleted = deleted.view();
    for (std::uint32_t r = 0; r < 200; ++r) {
        // the row a search for nothing in particular begins with: the one it finds with ef 1 from far away
        deleted.set(r);
        REQUIRE(graph.repair({RowId{r}}).has_value());
        REQUIRE(links_to(graph.index, deleted) == 0);
        require_all_reachable(graph, deleted.view());
    }
    CHECK(graph.search(rows.row(0), 10, 50, {{}, deleted.view()}).empty());
    REQUIRE(graph.link(300).has_value());
    require_all_reachable(graph, deleted.view());
    CHECK(graph.recall(rows, 10, 60, {{}, deleted.view()}) > 0.98);
}

TEST_CASE("repair of rows that are not linked, and of none, changes nothing", "[index]") {
    const TestRows rows = TestRows::uniform(300, 4, 1);
    TestGraph graph(rows);
    REQUIRE(graph.repair({RowId{7}}).has_value());
    REQUIRE(graph.link(200).has_value());
    const auto before = graph.index.sections().level0;
    const std::vector<std::byte> bytes(before.begin(), before.end());
    REQUIRE(graph.repair({}).has_value());
    REQUIRE(graph.repair({RowId{250}, RowId{299}}).has_value());
    const auto after = graph.index.sections().level0;
    CHECK(std::equal(bytes.begin(), bytes.end(), after.begin(), after.end()));
}

TEST_CASE("a repair that is stopped changes nothing", "[index]") {
    const TestRows rows = TestRows::uniform(500, 4, 1);
    TestGraph graph(rows);
    REQUIRE(graph.link(500).has_value());
    const auto level0 = graph.index.sections().level0;
    const std::vector<std::byte> bytes(level0.begin(), level0.end());
    std::stop_source source;
    source.request_stop();
    graph.stop = source.get_token();
    const auto stopped = graph.repair({RowId{3}});
    REQUIRE_FALSE(stopped.has_value());
    CHECK(stopped.error().code == ErrorCode::cancelled);
    CHECK(std::equal(bytes.begin(), bytes.end(), level0.begin(), level0.end()));
}

TEST_CASE("churn does not wear the graph out", "[index]") {
    const TestRows rows = TestRows::uniform(6000, 10, 1);
    TestGraph graph(rows);
    Bits deleted(rows.count());
    graph.deleted = deleted.view();
    Random random(3);
    for (std::uint32_t count = 1500; count <= rows.count(); count += 500) {
        REQUIRE(graph.link(count).has_value());
        std::vector<RowId> erased;
        while (erased.size() < 400) {
            const auto r = static_cast<std::uint32_t>(random.below(count));
            if (deleted.test(r)) continue;
            deleted.set(r);
            erased.push_back(RowId{r});
        }
        REQUIRE(graph.repair(erased).has_value());
        require_all_reachable(graph, deleted.view());
    }
    const RowFilter filter{{}, deleted.view()};
    const TestRows queries = TestRows::uniform(100, 10, 8);
    const double churned = graph.recall(queries, 10, 40, filter);

    TestRows survivors(10);
    for (std::uint32_t r = 0; r < rows.count(); ++r) {
        if (!deleted.test(r)) survivors.push_back({rows.row(r), rows.row(r) + 10});
    }
    TestGraph fresh(survivors);
    REQUIRE(fresh.link(survivors.count()).has_value());
    const double rebuilt = fresh.recall(queries, 10, 40);
    CHECK(churned > rebuilt - 0.01);
}

TEST_CASE("a new graph from an old one keeps lists, heals around what is dropped, and grows on", "[index]") {
    const TestRows rows = TestRows::uniform(4000, 8, 1);
    TestGraph old(rows);
    REQUIRE(old.link(3000).has_value());
    const double dropped_share = GENERATE(0.0, 0.1, 0.5);
    Random random(2);
    std::vector<std::uint32_t> numbers;
    TestRows kept(8);
    for (std::uint32_t r = 0; r < 3000; ++r) {
        const bool drop = random.uniform() < dropped_share;
        numbers.push_back(drop ? to_index(no_row) : kept.count());
        if (!drop) kept.push_back({rows.row(r), rows.row(r) + 8});
    }
    const std::uint32_t kept_rows = kept.count();
    kept.append(TestRows::uniform(500, 8, 12));
    TestGraph graph(kept);
    graph.index = graph.with_build([&](const HnswBuild& build) {
        static MemoryAccount account("test");
        return HnswIndex::from_rows(old.index, numbers, kept_rows, kept.count(), account, build).value();
    });
    CHECK(graph.index.linked() == kept_rows);
    require_all_reachable(graph, {});
    if (dropped_share == 0.0) {
        const auto a = old.index.sections().level0;
        const auto b = graph.index.sections().level0;
        CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
    }
    REQUIRE(graph.link(kept.count()).has_value());
    REQUIRE(graph.finish().has_value());
    require_all_reachable(graph, {});
    CHECK(graph.recall(TestRows::uniform(60, 8, 9), 10, 100) > 0.985);
}

TEST_CASE("rows whose ids were chosen to have upper levels stay on level 0 where those find no room", "[index]") {
    // Of so many keys, those that reach level 2 or more: a caller that knows the seed can choose its ids so.
    constexpr std::uint32_t count = 1000;
    const HnswParams params{.m = 4, .ef_construction = 40};
    std::vector<std::uint64_t> keys;
    for (std::uint64_t key = 0; keys.size() < count; ++key) {
        if (detail::sample_level(key, params.seed, params.m) >= 2) keys.push_back(key);
    }
    const TestRows rows = TestRows::uniform(count, 4, 1);
    MemoryAccount account("test");
    TestGraph graph(rows, params);
    const auto key = [&](RowId row) { return keys[to_index(row)]; };
    const auto with_build = [&](auto body) {
        return graph.with_build([&](const HnswBuild& build) {
            HnswBuild chosen = build;
            chosen.row_key = key;
            return body(chosen);
        });
    };
    HnswIndex old = HnswIndex::create(params, 20 * count, account).value();
    REQUIRE(with_build([&](const HnswBuild& build) { return old.link(count, true, build); }));
    std::vector<std::uint32_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0U);
    auto made = with_build(
        [&](const HnswBuild& build) { return HnswIndex::from_rows(old, numbers, count, count, account, build); });
    REQUIRE(made.has_value());
    graph.index = std::move(made).value();
    require_all_reachable(graph, {});
    CHECK(graph.recall(TestRows::uniform(40, 4, 2), 10, 60) > 0.99);
    REQUIRE(graph.finish().has_value());
    require_all_reachable(graph, {});
}

TEST_CASE("a copy that is stopped ends between two blocks", "[index]") {
    const TestRows rows = TestRows::uniform(500, 4, 1);
    TestGraph old(rows);
    REQUIRE(old.link(500).has_value());
    std::vector<std::uint32_t> numbers(500);
    std::iota(numbers.begin(), numbers.end(), 0U);
    std::stop_source source;
    source.request_stop();
    old.stop = source.get_token();
    MemoryAccount account("test");
    const auto made = old.with_build(
        [&](const HnswBuild& build) { return HnswIndex::from_rows(old.index, numbers, 500, 500, account, build); });
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == ErrorCode::cancelled);
    CHECK(account.used() == 0);
}

TEST_CASE("numbers that are not 0 to kept_rows in order are refused", "[index]") {
    const TestRows rows = TestRows::uniform(10, 4, 1);
    TestGraph old(rows);
    REQUIRE(old.link(10).has_value());
    MemoryAccount account("test");
    const auto attempt = [&](std::vector<std::uint32_t> numbers, std::uint32_t kept, std::uint32_t most) {
        return old.with_build([&](const HnswBuild& build) {
            const auto made = HnswIndex::from_rows(old.index, numbers, kept, most, account, build);
            return made.has_value() ? std::string("made") : made.error().message;
        });
    };
    const std::uint32_t gone = to_index(no_row);
    CHECK(attempt({0, 1, 2, 3, 4, gone, 5, 6, 7, 8}, 9, 9) == "made");
    CHECK(attempt({0, 1, 2, 3, 4, gone, 5, 6, 7, 8}, 9, 8) != "made");
    CHECK(attempt({0, 1, 2, 3, 4, gone, 5, 6, 7, 8}, 8, 9) != "made");
    CHECK(attempt({0, 1, 2, 4, 3, gone, 5, 6, 7, 8}, 9, 9).find("holds 4") != std::string::npos);
    CHECK(attempt({0, 1}, 2, 9).find("names 2 rows") != std::string::npos);
    CHECK(attempt(std::vector<std::uint32_t>(10, gone), 0, 9) == "made");
    CHECK(account.used() == 0);
}

}  // namespace
}  // namespace sextant::inline v1
