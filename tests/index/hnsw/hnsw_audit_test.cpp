#include "sextant/index/hnsw/hnsw_audit.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace sextant::inline v1::detail {
namespace {

using Ids = std::vector<std::uint32_t>;

/// Four rows in a ring; rows 1 and 2 have level 1, row 2 has level 2.
struct Ring {
    MemoryAccount account{"test"};
    LinkStore store = LinkStore::reserve({.m = 4, .ef_construction = 16}, 4, account).value();
    Ring() {
        REQUIRE(store.ensure(4, 3).has_value());
        for (std::uint32_t r = 0; r < 4; ++r) store.write(RowId{r}, Ids{(r + 1) % 4, (r + 3) % 4});
        store.set_upper_row(0, RowId{1});
        store.set_upper_row(1, RowId{2});
        store.set_upper_row(2, RowId{2});
        store.write_upper(0, Ids{1});
        store.write_upper(1, Ids{0});
        store.write_upper(2, {});
        store.publish(4, 3, {2, 2});
    }
    std::string complaint() const {
        const auto audit = audit_graph(store.view(), {});
        if (audit.has_value()) return "none";
        CHECK(audit.error().code == ErrorCode::corruption);
        return audit.error().message;
    }
};

TEST_CASE("a sound graph passes and its links are counted", "[index]") {
    const Ring ring;
    const auto audit = audit_graph(ring.store.view(), {});
    REQUIRE(audit.has_value());
    CHECK(audit->live_rows == 4);
    CHECK(audit->reachable_live_rows == 4);
    CHECK(audit->level0_links == 8);
    CHECK(audit->first_unreachable == to_index(no_row));
}

TEST_CASE("damage is reported with the row it is in", "[index]") {
    Ring ring;
    SECTION("a row that does not exist") {
        ring.store.write(RowId{3}, Ids{0, 4});
        CHECK(ring.complaint() == "graph: the list of row 3 holds a number out of range: 4");
    }
    SECTION("a row twice") {
        ring.store.write(RowId{0}, Ids{1, 3, 1});
        CHECK(ring.complaint() == "graph: the list of row 0 holds twice 1");
    }
    SECTION("a row in its own list") {
        ring.store.write(RowId{2}, Ids{1, 2});
        CHECK(ring.complaint() == "graph: the list of row 2 holds itself at place 1");
    }
    SECTION("a link behind the end") {
        ring.store.write(RowId{1}, Ids{to_index(no_row), 2});
        CHECK(ring.complaint() == "graph: the list of row 1 goes on after its end with 2");
    }
    SECTION("a slot that does not exist") {
        ring.store.write_upper(1, Ids{3});
        CHECK(ring.complaint() == "graph: the list of slot 1 holds a number out of range: 3");
    }
    SECTION("a slot of another level") {
        ring.store.write_upper(0, Ids{2});
        CHECK(ring.complaint() == "graph: the list of slot 0 holds one of another level: 2");
    }
    SECTION("a slot of a row that does not exist") {
        ring.store.set_upper_row(0, RowId{9});
        CHECK(ring.complaint() == "graph: the list of slot 0 belongs to a row out of range: 9");
    }
    SECTION("an entry that is not on its level") {
        ring.store.publish(4, 3, {1, 2});
        CHECK(ring.complaint() == "graph: the list of entry 1 is not on level 2");
    }
}

TEST_CASE("rows that cannot be reached are counted, unless they are deleted", "[index]") {
    Ring ring;
    for (std::uint32_t r = 0; r < 3; ++r) ring.store.write(RowId{r}, Ids{(r + 1) % 3});
    const auto audit = audit_graph(ring.store.view(), {});
    REQUIRE(audit.has_value());
    CHECK(audit->live_rows == 4);
    CHECK(audit->reachable_live_rows == 3);
    CHECK(audit->first_unreachable == 3);
    const std::uint64_t third = 8;
    const auto without = audit_graph(ring.store.view(), {&third, 4});
    CHECK(without->live_rows == 3);
    CHECK(without->reachable_live_rows == 3);
}

}  // namespace
}  // namespace sextant::inline v1::detail
