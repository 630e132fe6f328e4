#include "sextant/index/hnsw/spanning_tree.hpp"

#include "support/catch.hpp"

namespace sextant::inline v1::detail {
namespace {

TEST_CASE("rows have no parent until one is set, and none again when all is forgotten", "[index]") {
    MemoryAccount account("test");
    SpanningTree tree = SpanningTree::reserve(1000, account).value();
    REQUIRE(tree.ensure(10).has_value());
    for (std::uint32_t r = 0; r < 10; ++r) CHECK_FALSE(tree.reached(RowId{r}));
    tree.set_parent(RowId{3}, RowId{7});
    REQUIRE(tree.ensure(1000).has_value());
    CHECK(tree.parent(RowId{3}) == RowId{7});
    CHECK(tree.reached(RowId{3}));
    CHECK_FALSE(tree.reached(RowId{999}));
    CHECK(tree.memory_bytes() == account.used());
    tree.forget_all();
    CHECK_FALSE(tree.reached(RowId{3}));
    CHECK_FALSE(tree.ensure(100000000).has_value());
    tree = {};
    CHECK(account.used() == 0);
}

}  // namespace
}  // namespace sextant::inline v1::detail
