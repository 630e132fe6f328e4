#include "sextant/segment/payload_column.hpp"

#include <string_view>

#include "support/catch.hpp"

using namespace sextant;

namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

std::string text(std::span<const std::byte> blob) { return {reinterpret_cast<const char*>(blob.data()), blob.size()}; }

}  // namespace

TEST_CASE("empty payloads take no memory at all", "[payload_column]") {
    MemoryAccount account("test");
    auto column = PayloadColumn::reserve(1000, 1 << 20, account).value();
    for (std::uint32_t row = 0; row < 100; ++row) {
        column.ensure(row + 1, 0, false).value();
        column.append(row, {});
    }
    CHECK_FALSE(column.present());
    CHECK(account.used() == 0);
    CHECK(column.view()[99].empty());
}

TEST_CASE("rows before the first payload are empty, also once there is one", "[payload_column]") {
    MemoryAccount account("test");
    auto column = PayloadColumn::reserve(1000, 1 << 20, account).value();
    for (std::uint32_t row = 0; row < 10; ++row) column.append(row, {});
    column.ensure(13, 5, true).value();
    column.append(10, bytes("ab"));
    column.append(11, {});
    column.append(12, bytes("xyz"));
    const PayloadSpans view = column.view();
    CHECK(view[0].empty());
    CHECK(view[9].empty());
    CHECK(text(view[10]) == "ab");
    CHECK(view[11].empty());
    CHECK(text(view[12]) == "xyz");
    CHECK(column.used_bytes() == 5);
}

TEST_CASE("a column of known size holds exactly that", "[payload_column]") {
    MemoryAccount account("test");
    auto column = PayloadColumn::exact(2, 3, account).value();
    column.append(0, bytes("a"));
    column.append(1, bytes("bc"));
    CHECK(text(column.view()[0]) == "a");
    CHECK(text(column.view()[1]) == "bc");
    CHECK_FALSE(PayloadColumn::exact(5, 0, account).value().present());
}
