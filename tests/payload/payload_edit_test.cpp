#include "sextant/payload/payload_edit.hpp"

#include "sextant/payload/payload_json.hpp"
#include "support/catch.hpp"
#include "support/random_payload.hpp"

using sextant::Payload;
using sextant::PayloadPath;
using test_support::encoded;

namespace {

using Bytes = std::vector<std::byte>;

/// As text, after a check that the bytes are what encoding that payload gives.
std::string shown(const Bytes& blob) {
    REQUIRE(sextant::PayloadView(blob).validate().has_value());
    const Payload payload = sextant::decode_payload(blob);
    CHECK(encoded(payload) == blob);
    return payload.dump();
}

std::string set(const char* base, const char* patch) {
    Bytes out;
    sextant::set_payload_keys(encoded(Payload::parse(base)), encoded(Payload::parse(patch)), out).value();
    return shown(out);
}

std::string without(const char* base, std::initializer_list<const char*> texts) {
    std::vector<PayloadPath> paths;
    for (const char* text : texts) paths.push_back(PayloadPath::parse(text).value());
    Bytes out;
    sextant::delete_payload_keys(encoded(Payload::parse(base)), paths, out).value();
    return shown(out);
}

}  // namespace

TEST_CASE("setting replaces and adds top-level keys", "[payload][edit]") {
    CHECK(set("{}", "{}") == "{}");
    CHECK(set("{}", R"({"a":1})") == R"({"a":1})");
    CHECK(set(R"({"a":1})", "{}") == R"({"a":1})");
    CHECK(set(R"({"a":1,"c":3})", R"({"b":2,"d":4})") == R"({"a":1,"b":2,"c":3,"d":4})");
    CHECK(set(R"({"a":1,"b":2})", R"({"b":null,"a":[1]})") == R"({"a":[1],"b":null})");
    CHECK(set(R"({"a":{"x":1,"y":2}})", R"({"a":{"x":3}})") == R"({"a":{"x":3}})");
    CHECK(set(R"({"a.b":1,"a":{"b":2}})", R"({"a.b":3})") == R"({"a":{"b":2},"a.b":3})");
}

TEST_CASE("setting agrees with the same change of the JSON", "[payload][edit]") {
    test_support::RandomPayload random(3);
    for (int round = 0; round < 1000; ++round) {
        const Payload base = random.object(3);
        const Payload patch = random.object(3);
        Payload expected = base;
        for (const auto& [key, value] : patch.items()) expected[key] = value;
        Bytes out;
        REQUIRE(sextant::set_payload_keys(encoded(base), encoded(patch), out).has_value());
        CHECK(out == encoded(expected));
    }
}

TEST_CASE("a payload that grows past the limit is refused", "[payload][edit]") {
    const Bytes half = encoded({{"a", std::string(9U << 20U, 'x')}});
    const Bytes other = encoded({{"b", std::string(9U << 20U, 'x')}});
    Bytes out = half;
    const auto result = sextant::set_payload_keys(half, other, out);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == sextant::ErrorCode::invalid_argument);
    CHECK(result.error().message == "payload: b: the encoded payload is larger than the limit of 16777216 bytes");
    CHECK(out.empty());
}

TEST_CASE("overwriting leaves only the new payload", "[payload][edit]") {
    const Bytes base = encoded({{"a", 1}});
    const Bytes replacement = encoded({{"b", 2}});
    Bytes out;
    REQUIRE(sextant::overwrite_payload(base, replacement, out).has_value());
    CHECK(out == replacement);
    REQUIRE(sextant::overwrite_payload(base, {}, out).has_value());
    CHECK(out.empty());
}

TEST_CASE("clearing leaves the empty payload", "[payload][edit]") {
    Bytes out = encoded({{"a", 1}});
    sextant::clear_payload(out);
    CHECK(out.empty());
}

TEST_CASE("deleting removes what the paths yield", "[payload][edit]") {
    CHECK(without(R"({"a":1,"b":2})", {"a"}) == R"({"b":2})");
    CHECK(without(R"({"a":1})", {"a"}) == "{}");
    CHECK(without(R"({"a":1})", {}) == R"({"a":1})");
    CHECK(without(R"({"a":1})", {"b", "a.b", "a[]", "a[0]", "a[].b"}) == R"({"a":1})");
    CHECK(without("{}", {"a"}) == "{}");
    CHECK(without(R"({"a":{"b":1,"c":2},"b":3})", {"a.b"}) == R"({"a":{"c":2},"b":3})");
    CHECK(without(R"({"a":{"b":1}})", {"a.b"}) == R"({"a":{}})");
    CHECK(without(R"({"a":[{"b":1,"c":2},{"b":3},4,[{"b":5}]]})", {"a[].b"}) == R"({"a":[{"c":2},{},4,[{"b":5}]]})");
    CHECK(without(R"({"a":[{"b":1,"c":2},{"b":3}]})", {"a.b"}) == R"({"a":[{"b":1,"c":2},{"b":3}]})");
    CHECK(without(R"({"a":[1,2,3]})", {"a[0]"}) == R"({"a":[2,3]})");
    CHECK(without(R"({"a":[1,2,3]})", {"a[0]", "a[0]"}) == R"({"a":[3]})");
    CHECK(without(R"({"a":[1,2,3]})", {"a[3]"}) == R"({"a":[1,2,3]})");
    CHECK(without(R"({"a":[1,2,3]})", {"a[]"}) == R"({"a":[]})");
    CHECK(without(R"({"a":[[1,2],[3]]})", {"a[][0]"}) == R"({"a":[[2],[]]})");
    CHECK(without(R"({"a.b":1,"a":{"b":2}})", {"\"a.b\""}) == R"({"a":{"b":2}})");
    CHECK(without(R"({"a":1,"b":2,"c":3})", {"c", "a", "c"}) == R"({"b":2})");
}

TEST_CASE("deleting turns wide containers into narrow ones", "[payload][edit]") {
    const std::string base = R"({"o":{"long":")" + std::string(300, 'x') + R"(","short":1}})";
    CHECK(without(base.c_str(), {"o.long"}) == R"({"o":{"short":1}})");
}

TEST_CASE("a literal key is deleted whatever its characters", "[payload][edit]") {
    const Bytes base = encoded({{"a\"b\\", 1}, {"c", 2}});
    const PayloadPath path = PayloadPath::literal("a\"b\\");
    Bytes out;
    REQUIRE(sextant::delete_payload_keys(base, {&path, 1}, out).has_value());
    CHECK(shown(out) == R"({"c":2})");
}
