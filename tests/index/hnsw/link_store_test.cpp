#include "sextant/index/hnsw/link_store.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "sextant/index/hnsw/hnsw_audit.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1::detail {
namespace {

using Ids = std::vector<std::uint32_t>;

std::string hex(std::span<const std::byte> bytes) {
    std::string text;
    const char* digits = "0123456789ABCDEF";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned>(bytes[i]);
        text += digits[byte / 16];
        text += digits[byte % 16];
        text += (i + 1) % 32 == 0 ? '\n' : ' ';
    }
    return text;
}

/// The worked example of docs/format/graph.md.
LinkStore example(MemoryAccount& account) {
    LinkStore store =
        LinkStore::reserve({.m = 4, .ef_construction = 16, .seed = 0x0102030405060708}, 3, account).value();
    REQUIRE(store.ensure(3, 2).has_value());
    store.set_upper_row(0, RowId{1});
    store.set_upper_row(1, RowId{2});
    store.write(RowId{0}, Ids{1});
    store.write(RowId{1}, Ids{0, 2});
    store.write(RowId{2}, Ids{1});
    store.write_upper(0, Ids{1});
    store.write_upper(1, Ids{0});
    store.publish(3, 2, {0, 1});
    return store;
}

TEST_CASE("sections have the bytes of the worked example", "[index][golden]") {
    MemoryAccount account("test");
    LinkStore store = example(account);
    CHECK(store.upper_section().empty());
    REQUIRE(store.seal(account).has_value());
    CHECK(hex(store.level0_section()) ==
          "01 00 00 00 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF\n"
          "00 00 00 00 02 00 00 00 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF\n"
          "01 00 00 00 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF\n");
    CHECK(hex(store.upper_section()) ==
          "01 00 00 00 04 00 00 00 10 00 00 00 02 00 00 00 08 07 06 05 04 03 02 01 03 00 00 00 02 00 00 00\n"
          "01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
          "01 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
          "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
          "01 00 00 00 FF FF FF FF FF FF FF FF FF FF FF FF 00 00 00 00 FF FF FF FF FF FF FF FF FF FF FF FF\n");
    const auto audit = audit_graph(store.view(), {});
    REQUIRE(audit.has_value());
    CHECK(audit->reachable_live_rows == 3);
    CHECK(audit->level0_links == 4);
}

TEST_CASE("an empty graph has a header and nothing else", "[index][golden]") {
    MemoryAccount account("test");
    LinkStore store = LinkStore::reserve({}, 0, account).value();
    REQUIRE(store.seal(account).has_value());
    CHECK(store.level0_section().empty());
    CHECK(hex(store.upper_section()) ==
          "01 00 00 00 10 00 00 00 40 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
          "FF FF FF FF FF FF FF FF 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n");
}

TEST_CASE("what is read is what was written, before and after sealing and moving", "[index]") {
    MemoryAccount account("test");
    LinkStore store = example(account);
    for (int step = 0; step < 3; ++step) {
        std::array<std::uint32_t, 8> ids{};
        REQUIRE(store.read(RowId{1}, ids.data()) == 2);
        CHECK(ids[0] == 0);
        CHECK(ids[1] == 2);
        REQUIRE(store.read_upper(1, ids.data()) == 1);
        CHECK(ids[0] == 0);
        const GraphView view = store.view();
        CHECK(view.entry_row() == RowId{1});
        CHECK(view.row_limit == 3);
        CHECK(view.slot_limit == 2);
        CHECK(view.upper_rows[1] == 2);
        if (step == 0) {
            LinkStore moved(std::move(store));
            store = std::move(moved);
        } else {
            REQUIRE(store.seal(account).has_value());
        }
    }
    CHECK(store.memory_bytes() == account.used());
}

TEST_CASE("a full list holds 2 m rows and a longer one replaces a shorter", "[index]") {
    MemoryAccount account("test");
    LinkStore store = LinkStore::reserve({.m = 4, .ef_construction = 16}, 20, account).value();
    REQUIRE(store.ensure(20, 0).has_value());
    store.write(RowId{0}, Ids{1});
    store.write(RowId{0}, Ids{1, 2, 3, 4, 5, 6, 7, 8});
    std::array<std::uint32_t, 8> ids{};
    CHECK(store.read(RowId{0}, ids.data()) == 8);
    store.write(RowId{0}, {});
    CHECK(store.read(RowId{0}, ids.data()) == 0);
}

TEST_CASE("rows and slots past the reservation are refused", "[index]") {
    MemoryAccount account("test");
    LinkStore store = LinkStore::reserve({}, 1000, account).value();
    CHECK(store.max_slots() >= 1000 / 15);
    REQUIRE(store.ensure(1000, store.max_slots()).has_value());
    const auto refused = store.ensure(100000, 0);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    MemoryAccount small("small", 1000);
    LinkStore poor = LinkStore::reserve({}, 100000, small).value();
    CHECK_FALSE(poor.ensure(1000, 10).has_value());
    CHECK(small.used() == 0);
}

constexpr HnswParams example_params{.m = 4, .ef_construction = 16, .seed = 0x0102030405060708};

/// The example as it would be read, with one word of the upper section changed.
Result<LinkStore> reread(MemoryAccount& account, std::size_t offset, std::uint32_t value,
                         const HnswParams& params = example_params, std::uint32_t rows = 3) {
    LinkStore written = example(account);
    SEXTANT_TRY(written.seal(account));
    const auto upper = written.upper_section();
    SEXTANT_TRY_ASSIGN(LinkStore store, LinkStore::for_sections(params, rows, upper.size(), account));
    const auto level0 = written.level0_section();
    std::copy_n(level0.begin(), std::min(level0.size(), store.level0_room().size()), store.level0_room().begin());
    std::copy(upper.begin(), upper.end(), store.upper_room().begin());
    if (offset < upper.size()) std::memcpy(store.upper_room().data() + offset, &value, sizeof(value));
    SEXTANT_TRY(store.load());
    return store;
}

TEST_CASE("sections that were read are the graph that was written", "[index]") {
    MemoryAccount account("test");
    const auto store = reread(account, ~std::size_t{0}, 0);
    REQUIRE(store.has_value());
    LinkStore written = example(account);
    REQUIRE(written.seal(account).has_value());
    CHECK(hex(store->level0_section()) == hex(written.level0_section()));
    CHECK(hex(store->upper_section()) == hex(written.upper_section()));
    CHECK(store->sealed());
    CHECK(store->view().entry_row() == RowId{1});
    CHECK(store->view().slot_limit == 2);
    CHECK(check_graph(store->view()).has_value());
    CHECK(audit_graph(store->view(), {})->reachable_live_rows == 3);
}

TEST_CASE("each field of a graph's header that cannot be is refused by name", "[index]") {
    struct Case {
        std::size_t offset;
        std::uint32_t value;
        const char* field;
    };
    MemoryAccount account("test");
    const auto wrong = GENERATE(values<Case>({{0, 0, "version"},
                                              {4, 5, "m is"},
                                              {12, 0, "number of levels"},
                                              {12, 17, "number of levels"},
                                              {12, 1, "entry slot"},
                                              {24, 4, "row count"},
                                              {28, 3, "size"},
                                              {28, 46, "slot count"},
                                              {28, 0xFFFFFFFF, "slot count"},
                                              {32, 3, "entry row"},
                                              {32, 2, "row of the entry"},
                                              {36, 2, "entry slot"},
                                              {36, 0xFFFFFFFF, "entry slot"},
                                              {40, 1, "reserved"},
                                              {60, 0x01000000, "reserved"},
                                              {72, 1, "reserved"}}));
    const auto refused = reread(account, wrong.offset, wrong.value);
    INFO(wrong.offset << ' ' << wrong.value);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::corruption);
    INFO(refused.error().message);
    CHECK(refused.error().message.find(wrong.field) != std::string::npos);
    HnswParams other = example_params;
    other.m = 5;
    CHECK_FALSE(reread(account, ~std::size_t{0}, 0, other).has_value());
    CHECK_FALSE(reread(account, ~std::size_t{0}, 0, example_params, 4).has_value());
}

TEST_CASE("a graph of a later version is unsupported, not corrupt", "[index]") {
    MemoryAccount account("test");
    const auto refused = reread(account, 0, 2);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::unsupported);
    CHECK(refused.error().message == "graph: version is 2, expected 1");
}

TEST_CASE("links and slots that lead out of a graph or to another level are found", "[index]") {
    struct Case {
        std::size_t offset;
        std::uint32_t value;
    };
    MemoryAccount account("test");
    const auto wrong = GENERATE(values<Case>({{128, 2},  // a slot that does not exist
                                              {128, 0xFFFFFFFE},
                                              {128, 0},    // itself
                                              {68, 3},     // the slot of a row that does not exist
                                              {68, 1}}));  // of level 2: its links are not
    const auto store = reread(account, wrong.offset, wrong.value);
    REQUIRE(store.has_value());
    const auto refused = check_graph(store->view());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::corruption);
    auto level0 = reread(account, ~std::size_t{0}, 0).value();
    const std::uint32_t row = 3;
    std::memcpy(level0.level0_room().data(), &row, sizeof(row));
    CHECK_FALSE(check_graph(level0.view()).has_value());
}

TEST_CASE("a row with slots in two places is found", "[index]") {
    MemoryAccount account("test");
    LinkStore store = LinkStore::reserve(example_params, 3, account).value();
    REQUIRE(store.ensure(3, 3).has_value());
    for (std::uint32_t row = 0; row < 3; ++row) store.write(RowId{row}, {});
    for (std::uint32_t slot = 0; slot < 3; ++slot) {
        store.set_upper_row(slot, RowId{slot == 1 ? 1U : 0U});
        store.write_upper(slot, {});
    }
    store.publish(3, 3, {0, 1});
    const auto refused = check_graph(store.view());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("slots elsewhere") != std::string::npos);
}

}  // namespace
}  // namespace sextant::inline v1::detail
