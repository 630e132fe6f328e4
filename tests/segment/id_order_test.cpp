#include "sextant/segment/id_order.hpp"

#include "sextant/core/random.hpp"
#include "support/catch.hpp"

using namespace sextant;

TEST_CASE("an order lists rows by id and finds where to go on", "[id_order]") {
    MemoryAccount account("test");
    auto column = IdColumn::exact(5, true, account).value();
    const PointId name = PointId::from_name("x");
    const PointId ids[] = {PointId{9}, name, PointId{3}, PointId{9}, PointId{100}};
    for (std::uint32_t row = 0; row < 5; ++row) column.set(row, ids[row]);
    const auto order = IdOrder::build(column.view(), 5, account).value();
    const std::vector<std::uint32_t> rows(order->rows().begin(), order->rows().end());
    CHECK(rows == std::vector<std::uint32_t>{2, 0, 3, 4, 1});
    CHECK(order->after(column.view(), PointId{2}) == 0);
    CHECK(order->after(column.view(), PointId{3}) == 1);
    CHECK(order->after(column.view(), PointId{9}) == 3);
    CHECK(order->after(column.view(), PointId{100}) == 4);
    CHECK(order->after(column.view(), name) == 5);
}

TEST_CASE("an order is made once, and again when many rows have come", "[id_order]") {
    MemoryAccount account("test");
    auto column = IdColumn::exact(100'000, false, account).value();
    for (std::uint32_t row = 0; row < 100'000; ++row) column.set(row, PointId{mix64(row)});
    const IdOrderCache cache(account);
    CHECK(cache.get(column.view(), 1000) == nullptr);
    const auto first = cache.get(column.view(), 20'000);
    REQUIRE(first != nullptr);
    CHECK(first->size() == 20'000);
    CHECK(cache.get(column.view(), 20'000) == first);
    CHECK(cache.get(column.view(), 24'000) == first);
    CHECK(cache.get(column.view(), 10'000) == first);
    const auto second = cache.get(column.view(), 90'000);
    CHECK(second->size() == 90'000);
    CHECK(cache.memory_bytes() >= 360'000);
    account.refuse_after(0);
    const IdOrderCache poor(account);
    CHECK(poor.get(column.view(), 90'000) == nullptr);
}
