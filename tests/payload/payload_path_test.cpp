#include "sextant/payload/payload_path.hpp"

#include "sextant/payload/payload_limits.hpp"
#include "support/catch.hpp"

using sextant::PayloadPath;
using Step = PayloadPath::Step;
using Kind = PayloadPath::StepKind;

namespace {

Step key(std::string name) { return {Kind::key, 0, std::move(name)}; }
Step index(std::uint32_t number) { return {Kind::index, number, {}}; }
const Step each = {Kind::each, 0, {}};

void accepts(std::string_view text, const std::vector<Step>& steps) {
    INFO(text);
    const auto path = PayloadPath::parse(text);
    REQUIRE(path.has_value());
    CHECK(std::vector<Step>(path->steps().begin(), path->steps().end()) == steps);
    CHECK(path->text() == text);
}

void refuses(std::string_view text, std::string_view part) {
    const auto path = PayloadPath::parse(text);
    INFO(text);
    REQUIRE_FALSE(path.has_value());
    INFO(path.error().message);
    CHECK(path.error().code == sextant::ErrorCode::invalid_argument);
    CHECK(path.error().message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("a path is read step by step", "[payload][path]") {
    accepts("a", {key("a")});
    accepts("a.b", {key("a"), key("b")});
    accepts("a[0]", {key("a"), index(0)});
    accepts("a[007]", {key("a"), index(7)});
    accepts("a[4294967295]", {key("a"), index(4294967295)});
    accepts("a[]", {key("a"), each});
    accepts("a[].b[].c", {key("a"), each, key("b"), each, key("c")});
    accepts("a[][1].b", {key("a"), each, index(1), key("b")});
    accepts("snake_case-and-9", {key("snake_case-and-9")});
    accepts("42", {key("42")});
    accepts("-", {key("-")});
}

TEST_CASE("letters of every script need no quotes", "[payload][path]") {
    accepts(
        "gr\xc3\xb6\xc3\x9f"
        "e.\xe5\xb9\xb4",
        {key("gr\xc3\xb6\xc3\x9f"
             "e"),
         key("\xe5\xb9\xb4")});
    accepts("\xf0\x90\x90\xb7", {key("\xf0\x90\x90\xb7")});
    refuses(
        "a\xc2\xa0"
        "b",
        "position 1");
    refuses(
        "a\xe2\x80\x9c"
        "b",
        "position 1");
    refuses("a\xef\xbb\xbf", "position 1");
}

TEST_CASE("quotes hold any characters of a key", "[payload][path]") {
    accepts("\"a.b\".c", {key("a.b"), key("c")});
    accepts("\"\"", {key("")});
    accepts("\"[0]\"[0]", {key("[0]"), index(0)});
    accepts("a.\" \xe2\x80\x9c\"", {key("a"), key(" \xe2\x80\x9c")});
    refuses("\"a\\b\"", "position 2");
    refuses("\"a", "position 2");
    refuses("\"a\"b", "'.' or '[' at position 3");
}

TEST_CASE("what is no path names the place of the fault", "[payload][path]") {
    refuses("", "a key at position 0");
    refuses(".", "a key at position 0");
    refuses("a.", "a key at position 2");
    refuses("a..b", "a key at position 2");
    refuses("[0]", "a key at position 0");
    refuses("a.[0]", "a key at position 2");
    refuses("a[", "position 2");
    refuses("a[1", "']' at position 3");
    refuses("a[-1]", "digits or ']' at position 2");
    refuses("a[1,2]", "']' at position 3");
    refuses("a[4294967296]", "4294967295");
    refuses("a[99999999999999999999999999]", "4294967295");
    refuses("a]", "position 1");
    refuses("a b", "position 1");
    refuses("a/b", "position 1");
    refuses("$.a", "position 0");
    refuses("a\xff", "not UTF-8 at position 1");
    refuses(std::string_view("a\0b", 3), "position 1");
}

TEST_CASE("a path has limits", "[payload][path]") {
    std::string longest = "a";
    for (std::size_t i = 1; i < sextant::limits::max_payload_path_steps; ++i) longest += "[]";
    CHECK(PayloadPath::parse(longest).value().steps().size() == sextant::limits::max_payload_path_steps);
    refuses(longest + "[]", "more than 64 steps");
    CHECK(PayloadPath::parse(std::string(4096, 'k')).has_value());
    refuses(std::string(4097, 'k'), "at most 4096 bytes, got 4097");
}

TEST_CASE("a literal key is taken as it is", "[payload][path]") {
    const PayloadPath path = PayloadPath::literal("a.b[0]\"");
    REQUIRE(path.steps().size() == 1);
    CHECK(path.steps()[0] == key("a.b[0]\""));
    CHECK(PayloadPath::literal("plain").text() == "plain");
    CHECK(PayloadPath::literal("plain") == PayloadPath::parse("\"plain\"").value());
}
