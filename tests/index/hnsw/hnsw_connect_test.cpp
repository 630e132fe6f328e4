#include "sextant/index/hnsw/hnsw_connect.hpp"

#include <algorithm>
#include <vector>

#include "index/support/test_rows.hpp"
#include "sextant/index/hnsw/hnsw_audit.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1::detail {
namespace {

using Ids = std::vector<std::uint32_t>;
using test::TestRows;

/// Runs connect over lists written by hand.
struct Islands {
    explicit Islands(const TestRows& source, std::uint32_t m = 4)
        : rows(source), store(LinkStore::reserve({.m = m, .ef_construction = 16}, source.count(), account).value()) {
        REQUIRE(store.ensure(rows.count(), 0).has_value());
        REQUIRE(tree.ensure(rows.count()).has_value());
    }
    void run(BitmapView deleted = {}) {
        store.publish(rows.count(), 0, {0, 0});
        const auto factory = rows.pair_factory();
        const auto key = [](RowId) { return std::uint64_t{0}; };
        const HnswBuild build{factory, key, deleted, &executor, {}};
        WorkerPool workers(build, 16, 600);
        workers.reserve_rows(rows.count());
        REQUIRE(connect(store, tree, build, workers[0], {}));
    }
    /// Every row but the root is in its parent's list, and parents lead to the root.
    void check_tree(std::uint32_t skipped = 0xFFFFFFFFU) {
        for (std::uint32_t r = 1; r < rows.count(); ++r) {
            if (r == skipped) continue;
            Ids ids(128);
            const RowId parent = tree.parent(RowId{r});
            REQUIRE(parent != no_row);
            ids.resize(store.read(parent, ids.data()));
            REQUIRE(std::find(ids.begin(), ids.end(), r) != ids.end());
            std::uint32_t steps = 0;
            for (RowId at{r}; at != RowId{0}; at = tree.parent(at)) REQUIRE(++steps <= rows.count());
        }
    }
    [[nodiscard]] std::uint32_t depth() const {
        std::uint32_t deepest = 0;
        for (std::uint32_t r = 1; r < rows.count(); ++r) {
            std::uint32_t steps = 0;
            for (RowId at{r}; at != RowId{0} && steps < rows.count(); at = tree.parent(at)) ++steps;
            deepest = std::max(deepest, steps);
        }
        return deepest;
    }
    MemoryAccount account{"test"};
    InlineExecutor executor;
    const TestRows& rows;
    LinkStore store;
    SpanningTree tree = SpanningTree::reserve(100000, account).value();
};

TEST_CASE("islands are attached to the closest row that is reachable", "[index]") {
    TestRows rows(1);
    for (const float x : {0.0F, 1.0F, 2.0F, 10.0F, 11.0F, 3.0F}) rows.push_back({x});
    Islands islands(rows);
    islands.store.write(RowId{0}, Ids{1});
    islands.store.write(RowId{1}, Ids{0, 2});
    islands.store.write(RowId{2}, Ids{1});
    islands.store.write(RowId{3}, Ids{4});  // an island of two
    islands.store.write(RowId{4}, Ids{3});
    islands.store.write(RowId{5}, {});  // an island of one
    islands.run();
    islands.check_tree();
    CHECK(islands.tree.parent(RowId{3}) == RowId{2});
    CHECK(islands.tree.parent(RowId{4}) == RowId{3});
    CHECK(islands.tree.parent(RowId{5}) == RowId{2});
    CHECK(audit_graph(islands.store.view(), {})->reachable_live_rows == 6);
}

TEST_CASE("a full list gives up its farthest link outside the tree", "[index]") {
    TestRows rows(1);
    for (int x = 0; x < 12; ++x) rows.push_back({static_cast<float>(x)});
    Islands islands(rows);
    islands.store.write(RowId{0}, Ids{1, 2, 3, 4, 5, 6, 7, 8});
    islands.store.write(RowId{1}, Ids{0, 2, 3, 4, 5, 6, 7, 8});
    for (std::uint32_t r = 2; r < 12; ++r) islands.store.write(RowId{r}, r <= 8 ? Ids{0, 1, 2 + (r - 1) % 7} : Ids{});
    islands.run();
    islands.check_tree();
    CHECK(audit_graph(islands.store.view(), {})->reachable_live_rows == 12);
}

TEST_CASE("a thousand islands at one place find room below one another", "[index]") {
    const TestRows rows = TestRows::equal(1000, 2);
    Islands islands(rows);
    for (std::uint32_t r = 0; r < rows.count(); ++r) islands.store.write(RowId{r}, {});
    islands.run();
    islands.check_tree();
    CHECK(audit_graph(islands.store.view(), {})->reachable_live_rows == 1000);
    CHECK(islands.depth() <= 12);  // log of 1000 with 8 children each is 4
}

TEST_CASE("a crowd that grows in batches hangs in a bush, not in chains", "[index]") {
    const TestRows rows = TestRows::equal(20'000, 2);
    Islands crowd(rows);
    crowd.tree.set_parent(RowId{0}, RowId{0});
    crowd.store.write(RowId{0}, {});
    for (std::uint32_t first = 1; first < rows.count(); first += 64) {
        TreeBuilder builder(crowd.store, crowd.tree, RowId{0});
        const std::uint32_t end = std::min(first + 64, rows.count());
        for (std::uint32_t r = first; r < end; ++r) {
            crowd.store.write(RowId{r}, {});
            builder.adopt(RowId{r}, RowId{0});
        }
        for (std::uint32_t r = first; r < end; ++r) {
            Ids list(128);
            const RowId parent = crowd.tree.parent(RowId{r});
            list.resize(crowd.store.read(parent, list.data()));
            list.push_back(r);
            crowd.store.write(parent, list);
        }
    }
    crowd.check_tree();
    CHECK(crowd.depth() <= 32);
}

TEST_CASE("deleted rows are left where they are", "[index]") {
    TestRows rows(1);
    for (int x = 0; x < 3; ++x) rows.push_back({static_cast<float>(x)});
    Islands islands(rows);
    for (std::uint32_t r = 0; r < 3; ++r) islands.store.write(RowId{r}, {});
    const std::uint64_t deleted = 4;  // row 2
    islands.run({&deleted, 3});
    islands.check_tree(2);
    CHECK(islands.tree.parent(RowId{2}) == no_row);
}

}  // namespace
}  // namespace sextant::inline v1::detail
