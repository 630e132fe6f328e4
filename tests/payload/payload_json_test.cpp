#include "sextant/payload/payload_json.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/random_payload.hpp"

using sextant::Payload;

namespace {

using Bytes = std::vector<std::byte>;

std::string refusal(const Payload& payload) {
    Bytes out(7);
    const auto result = sextant::encode_payload(payload, out);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == sextant::ErrorCode::invalid_argument);
    CHECK(out.empty());
    return result.error().message;
}

void round_trips(const Payload& payload) {
    const Bytes blob = test_support::encoded(payload);
    INFO(payload.dump());
    REQUIRE(sextant::PayloadView(blob).validate().has_value());
    const Payload again = sextant::decode_payload(blob);
    CHECK(again == payload);
    CHECK(again.dump() == payload.dump());  // also tells 1 from 1.0 and 0.0 from -0.0
    CHECK(test_support::encoded(again) == blob);
}

/// `levels` arrays inside one another, built without recursion.
Payload nested_arrays(std::size_t levels) {
    Payload inner = nullptr;
    for (std::size_t i = 0; i < levels; ++i) {
        Payload outer = Payload::array();
        outer.push_back(std::move(inner));
        inner = std::move(outer);
    }
    return inner;
}

}  // namespace

TEST_CASE("null and the empty object are the empty payload", "[payload][json]") {
    Bytes out(3);
    REQUIRE(sextant::encode_payload(nullptr, out).has_value());
    CHECK(out.empty());
    out.resize(3);
    REQUIRE(sextant::encode_payload({}, out).has_value());
    CHECK(out.empty());
    REQUIRE(sextant::encode_payload(Payload::object(), out).has_value());
    CHECK(out.empty());
    CHECK(sextant::decode_payload({}) == Payload::object());
}

TEST_CASE("an initialiser list reads as an object", "[payload][json]") {
    const Bytes blob = test_support::encoded({{"year", 2024}, {"place", {{"lat", 48.85}, {"lon", 2.35}}}});
    CHECK(sextant::decode_payload(blob).dump() == R"({"place":{"lat":48.85,"lon":2.35},"year":2024})");
    CHECK(sextant::decode_payload(test_support::encoded({{"year", 2024}})).dump() == R"({"year":2024})");
}

TEST_CASE("what is no object is refused by its kind", "[payload][json]") {
    CHECK(refusal(Payload::array()) == "payload: expected an object, got array");
    CHECK(refusal(Payload::parse("[1,2]")) == "payload: expected an object, got array");
    CHECK(refusal("text") == "payload: expected an object, got string");
    CHECK(refusal(1) == "payload: expected an object, got number");
    CHECK(refusal(true) == "payload: expected an object, got boolean");
    CHECK(refusal(Payload::parse("{", nullptr, false)) == "payload: expected an object, got discarded");
}

TEST_CASE("what JSON cannot hold is refused with its path", "[payload][json]") {
    CHECK(refusal({{"a", {{"b", std::numeric_limits<double>::quiet_NaN()}}}}) ==
          "payload: a.b: expected a finite number, got nan");
    CHECK(refusal({{"a", {1, 2, std::numeric_limits<double>::infinity()}}}) ==
          "payload: a[2]: expected a finite number, got inf");
    CHECK(refusal({{"blob", Payload::binary({1, 2, 3})}}) == "payload: blob: binary data has no place in JSON");
    CHECK(refusal({{"a", {{"x", "\xff"}}}}) == "payload: a.x: the string \"\\xff\" is not UTF-8 at byte 0");
    CHECK(refusal({{"a", {{"\xc0\x80", 1}}}}).find("payload: a: the key \"\\xc0\\x80\" is not UTF-8") == 0);
    CHECK(refusal({{"a", Payload(Payload::value_t::discarded)}}) == "payload: a: a value whose parsing failed");
}

TEST_CASE("depth is refused before it can exhaust the stack", "[payload][json]") {
    // The payload itself is a level.
    round_trips({{"k", nested_arrays(63)}});
    CHECK(refusal({{"k", nested_arrays(64)}}).find("at most 64 levels") != std::string::npos);
    CHECK(refusal({{"k", nested_arrays(200'000)}}).find("payload: k[0][0]") == 0);
    Payload objects = 1;
    for (int i = 0; i < 64; ++i) objects = Payload{{"o", std::move(objects)}};
    round_trips(objects);
    CHECK(refusal({{"o", objects}}).find("at most 64 levels") != std::string::npos);
}

TEST_CASE("size is refused with the limit", "[payload][json]") {
    CHECK(refusal({{"list", {1, std::string(17U << 20U, 'x')}}}) ==
          "payload: list[1]: the encoded payload is larger than the limit of 16777216 bytes");
    CHECK(refusal({{std::string(17U << 20U, 'k'), 1}}).find("limit of 16777216 bytes") != std::string::npos);
    const Payload large = {{"list", std::string(15U << 20U, 'x')}};
    const Bytes blob = test_support::encoded(large);
    CHECK(sextant::PayloadView(blob).validate().has_value());
    const bool same = sextant::decode_payload(blob) == large;  // no INFO: it would print 15 MiB
    CHECK(same);
}

TEST_CASE("numbers keep their value and their kind", "[payload][json]") {
    for (const char* text : {"0",
                             "-0",
                             "-0.0",
                             "0.0",
                             "1.0",
                             "-1",
                             "127",
                             "128",
                             "-128",
                             "-129",
                             "255",
                             "256",
                             "32767",
                             "32768",
                             "-32768",
                             "-32769",
                             "65535",
                             "65536",
                             "2147483647",
                             "2147483648",
                             "-2147483648",
                             "-2147483649",
                             "4294967295",
                             "4294967296",
                             "9007199254740993",
                             "9223372036854775807",
                             "9223372036854775808",
                             "-9223372036854775808",
                             "18446744073709551615",
                             "18446744073709551616",
                             "-9223372036854775809",
                             "1e400000000000000000000",
                             "5e-324",
                             "2.2250738585072011e-308",
                             "1.7976931348623157e308",
                             "0.1",
                             "1e22",
                             "123456789012345678901234567890"}) {
        const Payload value = Payload::parse(text, nullptr, false);
        if (!value.is_discarded()) round_trips({{"n", value}});
    }
    const Bytes blob = test_support::encoded({{"n", 5}});
    CHECK(sextant::decode_payload(blob)["n"].get<int>() == 5);
    CHECK(sextant::decode_payload(blob)["n"].is_number_unsigned());  // as parsed JSON has it
}

TEST_CASE("texts that try a reader come back as they were", "[payload][json]") {
    for (const char* text :
         {R"({"":""})", R"({"":{"":{"":[]}}})", R"({"a":[],"b":{},"c":[[],{},[[]],[{}]]})", R"({"k":"\u0000"})",
          R"({"\u0000":1,"\u0000\u0000":2})", R"({"k":"\ud83d\ude00 \uffff \ud800\udc00"})", R"({"a":1,"a":2})",
          R"({"\u00e4":1,"a":2,"z":3,"A":4})", R"({"a.b":1,"a":{"b":2},"[0]":3,"\"":4,"\\":5})",
          R"({"k":"</script>\u2028\u2029"})", R"({"a":[null,true,false,0,-1,1.5,"",[],{}]})",
          R"({"__proto__":{"constructor":1}})"}) {
        round_trips(Payload::parse(text));
    }
    for (const std::size_t size : {0U, 1U, 253U, 254U, 255U, 256U, 257U, 65535U, 65536U}) {
        round_trips({{std::string(size, 'k'), 1}});
        round_trips({{"s", std::string(size, 's')}});
        round_trips({{"a", Payload(size, nullptr)}});
        round_trips({{"o", {{"s", std::string(size, 's')}}}});
    }
}

TEST_CASE("a hundred thousand members stay in order", "[payload][json]") {
    Payload wide = Payload::object();
    for (int i = 0; i < 100'000; ++i) wide[std::to_string(i)] = i;
    round_trips(wide);
    const Bytes blob = test_support::encoded(wide);
    CHECK(sextant::PayloadView(blob).root().find("77777")->integer() == 77777);
}

TEST_CASE("random payloads come back, and equal ones have equal bytes", "[payload][json]") {
    test_support::RandomPayload random(1);
    for (int round = 0; round < 2000; ++round) round_trips(random.object(5));
}
