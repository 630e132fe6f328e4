#include "sextant/segment/payload_column.hpp"

#include <cstring>
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

TEST_CASE("a column that was read is what was written, and its ends rise to the last byte", "[payload_column]") {
    MemoryAccount account("test");
    auto column = PayloadColumn::exact(4, 6, account).value();
    const std::string_view all = "abcxyz";
    const auto sections = column.sections(4, 6);
    const auto put = [&](std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
        const std::uint64_t ends[] = {a, b, c, d};
        std::memcpy(sections[0].data(), ends, sizeof(ends));
        std::memcpy(sections[1].data(), all.data(), all.size());
        return column.adopt(4, 6);
    };
    REQUIRE(put(0, 3, 3, 6).has_value());
    CHECK(column.used_bytes() == 6);
    CHECK(column.view()[0].empty());
    CHECK(text(column.view()[1]) == "abc");
    CHECK(column.view()[2].empty());
    CHECK(text(column.view()[3]) == "xyz");
    CHECK_FALSE(put(0, 3, 2, 6).has_value());
    CHECK_FALSE(put(0, 3, 3, 5).has_value());
    CHECK_FALSE(put(7, 7, 7, 7).has_value());
    const auto refused = put(0, ~std::uint64_t{0}, 3, 6);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::corruption);
    CHECK(refused.error().message.find("row 1") != std::string::npos);
    CHECK(PayloadColumn::exact(4, 0, account).value().adopt(4, 0).has_value());
}
