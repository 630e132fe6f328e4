#include "sextant/payload/payload_view.hpp"

#include <initializer_list>
#include <memory>

#include "sextant/payload/filter_program.hpp"
#include "sextant/payload/payload_edit.hpp"
#include "sextant/payload/payload_json.hpp"
#include "support/catch.hpp"
#include "support/random_payload.hpp"

using sextant::Payload;
using sextant::PayloadKind;
using sextant::PayloadPath;
using sextant::PayloadView;
using test_support::encoded;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes(std::initializer_list<int> values) {
    Bytes out;
    for (const int value : values) out.push_back(static_cast<std::byte>(value));
    return out;
}

std::string corruption(const Bytes& blob) {
    const auto result = PayloadView(blob).validate();
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == sextant::ErrorCode::corruption);
    return result.error().message;
}

Payload sample() {
    return Payload::parse(R"({"":null,"a":{"b":[1,[2,3],{"c":"x"},{"c":"y"},null]},"big":18446744073709551615,
        "f":-0.5,"flag":true,"n":-70000,"s":"text","wide":")" +
                          std::string(300, 'w') + R"("})");
}

/// Everything a program does with a payload. Whatever the bytes: no crash, no read outside them.
void exercise(std::span<const std::byte> blob) {
    // A copy of the exact size on the heap, so that the address sanitizer sees every read beyond it.
    const auto copy = std::make_unique<std::byte[]>(blob.size());
    std::copy(blob.begin(), blob.end(), copy.get());
    const std::span<const std::byte> exact(copy.get(), blob.size());

    static const auto program = sextant::FilterProgram::compile(
        (sextant::field("a.b[].c") == "x" || sextant::field("n") < 5 || sextant::field("s").starts_with("te")) &&
        !sextant::field("wide").is_empty());
    static const std::vector<PayloadPath> paths = {PayloadPath::parse("a.b[].c").value(),
                                                   PayloadPath::parse("wide").value()};
    (void)program->matches(sextant::PointId{1}, exact);
    std::size_t yielded = 0;
    PayloadView(exact).visit(paths[0], [&yielded](const sextant::PayloadValue&) { return ++yielded > 100; });

    Bytes again;
    const bool valid = PayloadView(exact).validate().has_value();
    const bool round_trip = sextant::encode_payload(sextant::decode_payload(exact), again).has_value() &&
                            std::equal(again.begin(), again.end(), exact.begin(), exact.end());
    // The rules leave one encoding per payload, so the validator and the encoder must agree on every input.
    if (valid != round_trip) {
        INFO("validate says " << valid << ", encode(decode) says " << round_trip);
        CHECK(valid == round_trip);
    }
    Bytes edited;
    sextant::delete_payload_keys(exact, paths, edited).ignore("hostile bytes may not be editable");
    if (valid) CHECK(PayloadView(edited).validate().has_value());
    sextant::set_payload_keys(exact, blob, edited).ignore("hostile bytes may not be editable");
    if (valid) CHECK(std::equal(edited.begin(), edited.end(), exact.begin(), exact.end()));
}

}  // namespace

TEST_CASE("a view reads each kind in place", "[payload][view]") {
    const Bytes blob = encoded(sample());
    const PayloadView view(blob);
    REQUIRE(view.validate().has_value());
    const auto root = view.root();
    CHECK(root.kind() == PayloadKind::object);
    CHECK(root.find("")->is_null());
    CHECK(root.find("big")->unsigned_integer() == UINT64_MAX);
    CHECK(root.find("f")->floating() == -0.5);
    CHECK(root.find("flag")->boolean());
    CHECK(root.find("n")->integer() == -70000);
    CHECK(root.find("s")->string() == "text");
    CHECK(root.find("wide")->string() == std::string(300, 'w'));
    CHECK(root.find("a")->find("b")->kind() == PayloadKind::array);
    CHECK_FALSE(root.find("absent").has_value());
    CHECK_FALSE(root.find("zzz").has_value());
    CHECK_FALSE(root.find("s")->find("s").has_value());

    std::vector<std::string> keys;
    for (auto m = root.members(); m.next();) keys.emplace_back(m.key());
    CHECK(keys == std::vector<std::string>{"", "a", "big", "f", "flag", "n", "s", "wide"});
}

TEST_CASE("asking for another kind gives nothing", "[payload][view]") {
    const Bytes blob = encoded({{"s", "text"}, {"t", true}});
    const auto text = PayloadView(blob).root().find("s");
    CHECK(text->integer() == 0);
    CHECK(text->unsigned_integer() == 0);
    CHECK(text->floating() == 0.0);
    CHECK_FALSE(text->boolean());
    CHECK_FALSE(text->elements().next());
    CHECK_FALSE(text->members().next());
    CHECK(PayloadView(blob).root().find("t")->string().empty());
}

TEST_CASE("a path yields what it says", "[payload][view]") {
    const Bytes blob = encoded(sample());
    const auto yields = [&blob](std::string_view text) {
        Payload out = Payload::array();
        PayloadView(blob).visit(PayloadPath::parse(text).value(), [&out](const sextant::PayloadValue& value) {
            out.push_back(sextant::detail::read_json(value, 1));
            return false;
        });
        return out.dump();
    };
    CHECK(yields("a.b") == R"([[1,[2,3],{"c":"x"},{"c":"y"},null]])");
    CHECK(yields("a.b[]") == R"([1,[2,3],{"c":"x"},{"c":"y"},null])");
    CHECK(yields("a.b[].c") == R"(["x","y"])");
    CHECK(yields("a.b[1]") == "[[2,3]]");
    CHECK(yields("a.b[1][0]") == "[2]");
    CHECK(yields("a.b[][1]") == "[3]");
    CHECK(yields("a.b[][]") == "[2,3]");
    CHECK(yields("a.b[4]") == "[null]");
    CHECK(yields("a.b[5]") == "[]");
    CHECK(yields("a.b.c") == "[]");
    CHECK(yields("a[]") == "[]");
    CHECK(yields("a[0]") == "[]");
    CHECK(yields("s.t") == "[]");
    CHECK(yields("\"\"") == "[null]");
}

TEST_CASE("visiting stops when it is told", "[payload][view]") {
    const Bytes blob = encoded({{"a", {1, 2, 3}}});
    int seen = 0;
    CHECK(PayloadView(blob).visit(PayloadPath::parse("a[]").value(),
                                  [&seen](const sextant::PayloadValue&) { return ++seen == 2; }));
    CHECK(seen == 2);
}

TEST_CASE("a payload of a later version is unsupported, not corrupt", "[payload][view]") {
    const auto refused = PayloadView(bytes({2, 1, 'k', 1})).validate();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == sextant::ErrorCode::unsupported);
    CHECK(refused.error().message == "payload: offset 0: expected version 1, got 2");
}

TEST_CASE("each rule of the format is checked, with the offset", "[payload][view]") {
    CHECK(corruption(bytes({0, 1, 'k', 1})) == "payload: offset 0: expected version 1, got 0");
    CHECK(corruption(bytes({1})).find("offset 1: no members") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k'})).find("offset 3: a key without a value") != std::string::npos);
    CHECK(corruption(bytes({1, 2, 'k'})).find("offset 1: a key reaches") != std::string::npos);
    CHECK(corruption(bytes({1, 255, 1, 0, 0})).find("offset 1: a key reaches") != std::string::npos);
    CHECK(corruption(bytes({1, 255, 1, 0, 0, 0, 'k', 1})).find("offset 1: a short key") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 0x80, 1})).find("offset 1: a key that is not UTF-8") != std::string::npos);
    for (const int tag : {0, 16, 0x42, 255}) {
        CHECK(corruption(bytes({1, 1, 'k', tag})).find("offset 3: an unknown tag") != std::string::npos);
    }
    CHECK(corruption(bytes({1, 1, 'k', 10, 2, 'x'})).find("offset 3:") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 11, 255, 255, 255, 255, 'x'})).find("offset 3:") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 5, 127, 0})).find("offset 3: a number wider") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 6, 255, 255, 255, 255})).find("offset 3: a number wider") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 7, 0, 0, 0, 1, 0, 0, 0, 0})).find("a number wider") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 8, 0, 0, 0, 1, 0, 0, 0, 0})).find("a number wider") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 9, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f})).find("not finite") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 9, 1, 0, 0, 0, 0, 0, 0xf8, 0xff})).find("not finite") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 10, 2, 'a', 0xff})).find("offset 6: a string that") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 11, 1, 0, 0, 0, 'x'})).find("offset 3: a small size") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 13, 0, 0, 0, 0})).find("offset 3: a small size") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'b', 1, 1, 'a', 1})).find("offset 4: keys that do not") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'a', 1, 1, 'a', 1})).find("offset 4: keys that do not") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 14, 3, 2, 'a', 'b', 1})).find("offset") != std::string::npos);
    CHECK(corruption(bytes({1, 1, 'k', 12, 2, 4, 5, 0})).find("offset") != std::string::npos);
}

TEST_CASE("depth and size beyond the limits are corruption", "[payload][view]") {
    // 64 levels: the payload and 63 arrays, each of a size byte; one more is too many.
    for (const int arrays : {63, 64}) {
        Bytes blob = bytes({1, 1, 'k'});
        for (int i = arrays; i != 0; --i) {
            blob.push_back(std::byte{12});
            blob.push_back(static_cast<std::byte>(2 * (i - 1)));
        }
        CHECK(PayloadView(blob).validate().has_value() == (arrays == 63));
        exercise(blob);
    }
    Bytes large((std::size_t{16} << 20U) + 1);
    large[0] = std::byte{1};
    CHECK(corruption(large).find("at most 16777216 bytes") != std::string::npos);
}

TEST_CASE("a cut payload is noticed and does no harm", "[payload][view][hostile]") {
    for (const Payload& payload : {sample(), Payload{{"a", {{"b", {{"c", {1, 2, 3}}}}}}}, Payload{{"k", nullptr}}}) {
        const Bytes blob = encoded(payload);
        for (std::size_t size = 0; size < blob.size(); ++size) {
            exercise({blob.data(), size});
            exercise({blob.data() + size, blob.size() - size});
        }
        exercise(blob);
    }
}

TEST_CASE("a flipped bit does no harm", "[payload][view][hostile]") {
    const Bytes blob = encoded(sample());
    for (std::size_t at = 0; at < blob.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            Bytes flipped = blob;
            flipped[at] ^= static_cast<std::byte>(1U << bit);
            exercise(flipped);
        }
    }
}

TEST_CASE("damaged random payloads do no harm", "[payload][view][hostile]") {
    test_support::RandomPayload random(7);
    for (int round = 0; round < 3000; ++round) {
        Bytes blob = encoded(random.object(4));
        if (blob.empty()) continue;
        for (std::size_t damage = random.below(4); damage != 0; --damage) {
            const std::size_t at = random.below(blob.size());
            switch (random.below(3)) {
                case 0: blob[at] = static_cast<std::byte>(random.below(256)); break;
                case 1:
                    blob.insert(blob.begin() + static_cast<std::ptrdiff_t>(at), blob[random.below(blob.size())]);
                    break;
                default: blob[at] = blob[random.below(blob.size())];
            }
        }
        exercise(blob);
    }
}
