#include "sextant/segment/id_column.hpp"

#include <algorithm>

#include "support/catch.hpp"

using namespace sextant;

TEST_CASE("a narrow id column gives integers back and equals no UUID", "[id_column]") {
    MemoryAccount account("test");
    auto column = IdColumn::reserve(1000, false, account).value();
    column.ensure(3).value();
    column.set(0, PointId{7});
    column.set(1, PointId{0});
    column.set(2, PointId{~std::uint64_t{0}});
    const IdView ids = column.view();
    CHECK_FALSE(ids.wide());
    CHECK(ids[0] == PointId{7});
    CHECK(ids[2] == PointId{~std::uint64_t{0}});
    CHECK(ids.equals(0, PointId{7}));
    CHECK_FALSE(ids.equals(0, PointId{8}));
    CHECK_FALSE(ids.equals(0, PointId::from_uuid(PointId{7}.bytes())));
}

TEST_CASE("a wide id column keeps integers and UUIDs with the same bytes apart", "[id_column]") {
    MemoryAccount account("test");
    auto column = IdColumn::exact(3, true, account).value();
    const PointId name = PointId::from_name("a");
    const PointId twin = PointId::from_uuid(PointId{7}.bytes());
    column.set(0, PointId{7});
    column.set(1, twin);
    column.set(2, name);
    const IdView ids = column.view();
    CHECK(ids[0] == PointId{7});
    CHECK(ids[1] == twin);
    CHECK(ids[2] == name);
    CHECK_FALSE(ids.equals(0, twin));
    CHECK_FALSE(ids.equals(1, PointId{7}));
}

TEST_CASE("ids cost 8 bytes a row while they are integers, 17 once they are not", "[id_column]") {
    MemoryAccount account("test");
    constexpr std::uint32_t rows = 1U << 20U;
    const auto narrow = IdColumn::exact(rows, false, account).value();
    CHECK(narrow.memory_bytes() == 8ULL * rows);
    const auto wide = IdColumn::exact(rows, true, account).value();
    CHECK(wide.memory_bytes() == 17ULL * rows);
    CHECK(account.used() == 25ULL * rows);
}

TEST_CASE("an id column that is refused memory says so and stays usable", "[id_column]") {
    MemoryAccount account("test", 100'000);
    auto column = IdColumn::reserve(1'000'000, false, account).value();
    column.ensure(100).value();
    column.set(5, PointId{5});
    const auto refused = column.ensure(900'000);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(column.view()[5] == PointId{5});
}

TEST_CASE("a column that was read is what was written, and its kinds suit its bytes", "[id_column]") {
    MemoryAccount account("test");
    const bool wide = GENERATE(false, true);
    auto written = IdColumn::exact(3, wide, account).value();
    written.set(0, PointId{7});
    written.set(1, wide ? PointId::from_name("a") : PointId{8});
    written.set(2, PointId{~std::uint64_t{0}});
    auto read = IdColumn::exact(3, wide, account).value();
    const auto from = written.sections(3);
    const auto to = read.sections(3);
    CHECK(from[0].size() == (wide ? 48 : 24));
    CHECK(from[1].size() == (wide ? 3 : 0));
    for (std::size_t i = 0; i < 2; ++i) std::copy(from[i].begin(), from[i].end(), to[i].begin());
    CHECK(read.check(3).has_value());
    for (std::uint32_t row = 0; row < 3; ++row) CHECK(read.view()[row] == written.view()[row]);
    if (!wide) return;
    const auto refused = [&](std::byte& byte, std::uint8_t value) {
        const std::byte before = byte;
        byte = std::byte{value};
        const auto checked = read.check(3);
        REQUIRE_FALSE(checked.has_value());
        CHECK(checked.error().code == ErrorCode::corruption);
        byte = before;
    };
    refused(to[1][0], 2);
    refused(to[1][1], 0);
    refused(to[0][7], 1);
}
