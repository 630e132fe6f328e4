#include "sextant/payload/payload_writer.hpp"

#include <cmath>
#include <initializer_list>
#include <limits>

#include "sextant/payload/payload_limits.hpp"
#include "support/catch.hpp"

using sextant::PayloadView;
using sextant::PayloadWriter;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes(std::initializer_list<int> values) {
    Bytes out;
    for (const int value : values) out.push_back(static_cast<std::byte>(value));
    return out;
}

std::string failure(sextant::Result<void> result) {
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == sextant::ErrorCode::invalid_argument);
    return result.error().message;
}

/// The body of the payload that has one member, k.
template <class Write>
Bytes member(Write write) {
    Bytes out;
    PayloadWriter writer(out);
    CHECK(writer.key("k"));
    CHECK(write(writer));
    REQUIRE(writer.finish().has_value());
    REQUIRE(PayloadView(out).validate().has_value());
    REQUIRE(out.size() > 3);
    CHECK(Bytes(out.begin(), out.begin() + 3) == bytes({1, 1, 'k'}));
    return Bytes(out.begin() + 3, out.end());
}

Bytes integer(std::int64_t value) {
    return member([value](PayloadWriter& w) { return w.integer(value); });
}

}  // namespace

TEST_CASE("the empty object has no bytes", "[payload][writer]") {
    Bytes out = bytes({9, 9});
    PayloadWriter writer(out);
    REQUIRE(writer.finish().has_value());
    CHECK(out.empty());
}

TEST_CASE("a whole number takes the least width", "[payload][writer]") {
    CHECK(integer(0) == bytes({4, 0}));
    CHECK(integer(127) == bytes({4, 0x7f}));
    CHECK(integer(-128) == bytes({4, 0x80}));
    CHECK(integer(128) == bytes({5, 0x80, 0}));
    CHECK(integer(-129) == bytes({5, 0x7f, 0xff}));
    CHECK(integer(32767) == bytes({5, 0xff, 0x7f}));
    CHECK(integer(32768) == bytes({6, 0, 0x80, 0, 0}));
    CHECK(integer(-32769) == bytes({6, 0xff, 0x7f, 0xff, 0xff}));
    CHECK(integer(2147483648) == bytes({7, 0, 0, 0, 0x80, 0, 0, 0, 0}));
    CHECK(integer(INT64_MIN) == bytes({7, 0, 0, 0, 0, 0, 0, 0, 0x80}));
    const auto large = member([](PayloadWriter& w) { return w.unsigned_integer(UINT64_MAX); });
    CHECK(large == bytes({8, 255, 255, 255, 255, 255, 255, 255, 255}));
    const auto small = member([](PayloadWriter& w) { return w.unsigned_integer(5); });
    CHECK(small == integer(5));
}

TEST_CASE("each other kind has its bytes", "[payload][writer]") {
    CHECK(member([](PayloadWriter& w) { return w.null(); }) == bytes({1}));
    CHECK(member([](PayloadWriter& w) { return w.boolean(false); }) == bytes({2}));
    CHECK(member([](PayloadWriter& w) { return w.boolean(true); }) == bytes({3}));
    CHECK(member([](PayloadWriter& w) { return w.floating(1.0); }) == bytes({9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f}));
    CHECK(member([](PayloadWriter& w) { return w.string("ab"); }) == bytes({10, 2, 'a', 'b'}));
    CHECK(member([](PayloadWriter& w) { return w.begin_array() && w.end(); }) == bytes({12, 0}));
    CHECK(member([](PayloadWriter& w) { return w.begin_object() && w.end(); }) == bytes({14, 0}));
    const auto nested = member([](PayloadWriter& w) {
        return w.begin_object() && w.key("x") && w.begin_array() && w.null() && w.end() && w.end();
    });
    CHECK(nested == bytes({14, 5, 1, 'x', 12, 1, 1}));
}

TEST_CASE("sizes from 256 on take four bytes", "[payload][writer]") {
    for (const std::size_t size : {255U, 256U, 70'000U}) {
        const bool wide = size >= 256;
        const auto text = member([size](PayloadWriter& w) { return w.string(std::string(size, 'x')); });
        CHECK(text.size() == size + (wide ? 5 : 2));
        CHECK(text[0] == static_cast<std::byte>(wide ? 11 : 10));
        const auto array = member([size](PayloadWriter& w) {
            w.begin_array();
            for (std::size_t i = 0; i < size; ++i) w.null();
            return w.end();
        });
        CHECK(array.size() == size + (wide ? 5 : 2));
        CHECK(array[0] == static_cast<std::byte>(wide ? 13 : 12));
    }
    for (const std::size_t size : {0U, 254U, 255U, 1000U}) {
        Bytes out;
        PayloadWriter writer(out);
        writer.key(std::string(size, 'k'));
        writer.null();
        REQUIRE(writer.finish().has_value());
        CHECK(out.size() == 1 + (size < 255 ? 1 : 5) + size + 1);
        CHECK(PayloadView(out).validate().has_value());
    }
}

TEST_CASE("a value that is no JSON is refused with its path", "[payload][writer]") {
    Bytes out;
    {
        PayloadWriter writer(out);
        writer.key("a");
        writer.begin_array();
        writer.null();
        CHECK_FALSE(writer.floating(std::numeric_limits<double>::quiet_NaN()));
        CHECK(failure(writer.finish()) == "payload: a[1]: expected a finite number, got nan");
        CHECK(out.empty());
    }
    {
        PayloadWriter writer(out);
        writer.key("a");
        CHECK_FALSE(writer.floating(-std::numeric_limits<double>::infinity()));
        CHECK(failure(writer.finish()) == "payload: a: expected a finite number, got -inf");
    }
    {
        PayloadWriter writer(out);
        writer.key("a");
        writer.begin_object();
        writer.key("b c");
        CHECK_FALSE(writer.string("ok\xc3("));
        CHECK(failure(writer.finish()) == "payload: a.\"b c\": the string \"ok\\xc3(\" is not UTF-8 at byte 2");
    }
    {
        PayloadWriter writer(out);
        CHECK_FALSE(writer.key("\xed\xa0\x80"));
        CHECK(failure(writer.finish()).find("not UTF-8 at byte 0") != std::string::npos);
    }
}

TEST_CASE("only well-formed UTF-8 is text", "[payload][writer]") {
    const auto accepts = [](std::string_view text) {
        Bytes out;
        PayloadWriter writer(out);
        writer.key("k");
        return writer.string(text) && writer.finish().has_value() && PayloadView(out).validate().has_value();
    };
    for (const std::string_view good : {"", "ascii only", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                                        "12345678\xc3\xa4"
                                        "90123456789"}) {
        CHECK(accepts(good));
    }
    for (const std::string_view bad :
         {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80",
          "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "12345678\xff",
          "1234567\xe2\x82"}) {
        CHECK_FALSE(accepts(bad));
    }
}

TEST_CASE("depth has a limit", "[payload][writer]") {
    Bytes out;
    PayloadWriter writer(out);
    writer.key("k");
    for (std::size_t depth = 1; depth < sextant::limits::max_payload_depth; ++depth) REQUIRE(writer.begin_array());
    SECTION("which is still allowed") {
        for (std::size_t depth = 1; depth < sextant::limits::max_payload_depth; ++depth) writer.end();
        REQUIRE(writer.finish().has_value());
        CHECK(PayloadView(out).validate().has_value());
    }
    SECTION("and not passed") {
        CHECK_FALSE(writer.begin_object());
        const std::string message = failure(writer.finish());
        CHECK(message.find("payload: k[0][0]") == 0);
        CHECK(message.find("at most 64 levels") != std::string::npos);
    }
}

TEST_CASE("a copied value counts its own levels", "[payload][writer]") {
    Bytes source;
    PayloadWriter writer(source);
    writer.key("k");
    for (int i = 0; i < 40; ++i) writer.begin_array();
    for (int i = 0; i < 40; ++i) writer.end();
    writer.finish().value();
    const auto deep = PayloadView(source).root().find("k");
    REQUIRE(deep.has_value());

    for (const int above : {23, 24}) {
        Bytes out;
        PayloadWriter copier(out);
        copier.key("c");
        for (int i = 0; i < above; ++i) copier.begin_array();
        CHECK(copier.copy(*deep) == (above == 23));
        for (int i = 0; i < above; ++i) copier.end();
        CHECK(copier.finish().has_value() == (above == 23));
        CHECK(PayloadView(out).validate().has_value());
    }
}

TEST_CASE("size has a limit", "[payload][writer]") {
    const std::size_t most = sextant::limits::max_payload_size;
    const std::size_t overhead = 1 + 2 + 1 + 4;  // version, key "k", tag, size
    for (const bool over : {false, true}) {
        Bytes out;
        PayloadWriter writer(out);
        writer.key("k");
        writer.string(std::string(most - overhead + (over ? 1 : 0), 'x'));
        const auto result = writer.finish();
        CHECK(result.has_value() == !over);
        if (!over) {
            CHECK(out.size() == most);
            CHECK(PayloadView(out).validate().has_value());
        } else {
            CHECK(out.empty());
            CHECK(failure(result).find("16777216") != std::string::npos);
        }
    }
    Bytes out;
    PayloadWriter writer(out);
    writer.key("list");
    writer.begin_array();
    std::size_t written = 0;
    while (writer.string(std::string((1 << 20) + 100, 'x'))) REQUIRE(++written < 17);
    CHECK(failure(writer.finish()) ==
          "payload: list[15]: the encoded payload is larger than the limit of 16777216 bytes");
}

TEST_CASE("calls out of order are refused", "[payload][writer]") {
    Bytes out;
    const auto message = [&out](auto calls) {
        PayloadWriter writer(out);
        calls(writer);
        return failure(writer.finish());
    };
    CHECK(message([](PayloadWriter& w) { w.null(); }) == "payload: top level: a value without a key");
    CHECK(message([](PayloadWriter& w) { w.key("a"), w.key("b"); }) == "payload: a: a key where its value belongs");
    CHECK(message([](PayloadWriter& w) { w.key("a"); }) == "payload: a: a key without a value");
    CHECK(message([](PayloadWriter& w) { w.key("a"), w.begin_array(), w.key("b"); }) ==
          "payload: a[0]: a key inside an array");
    CHECK(message([](PayloadWriter& w) { w.key("a"), w.begin_object(); }).find("does not end") != std::string::npos);
    CHECK(message([](PayloadWriter& w) { w.end(); }).find("not begun") != std::string::npos);
    CHECK(message([](PayloadWriter& w) { w.key("b"), w.null(), w.key("a"); }).find("does not come after") !=
          std::string::npos);
    CHECK(message([](PayloadWriter& w) { w.key("a"), w.null(), w.key("a"); }).find("does not come after") !=
          std::string::npos);
    CHECK(message([](PayloadWriter& w) { w.key(""), w.null(), w.key(""); }).find("does not come after") !=
          std::string::npos);
    CHECK(message([](PayloadWriter& w) { w.key("a"), w.fail("no reason"), w.null(); }) == "payload: a: no reason");
}
