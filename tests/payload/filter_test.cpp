#include "sextant/payload/filter.hpp"

#include <cmath>
#include <limits>

#include "sextant/payload/filter_program.hpp"
#include "sextant/payload/payload_limits.hpp"
#include "support/catch.hpp"
#include "support/random_payload.hpp"

using sextant::field;
using sextant::Filter;
using sextant::FilterProgram;
using sextant::has_id;
using sextant::Payload;
using sextant::PointId;

namespace {

bool matches(const Filter& filter, const char* json, PointId id = PointId{1}) {
    INFO(json);
    return FilterProgram::compile(filter).value().matches(id, test_support::encoded(Payload::parse(json)));
}

std::string refusal(const Filter& filter) {
    const auto result = filter.validate();
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == sextant::ErrorCode::invalid_argument);
    CHECK_FALSE(FilterProgram::compile(filter).has_value());
    return result.error().message;
}

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("an empty filter is no condition, all() is one", "[payload][filter]") {
    CHECK(Filter().empty());
    CHECK_FALSE(Filter::all().empty());
    CHECK(matches(Filter(), "{}"));
    CHECK(matches(Filter::all(), "{}"));
    CHECK_FALSE(matches(!Filter::all(), "{}"));
    CHECK((Filter() && Filter()).empty());
    CHECK((Filter() || Filter()).empty());
    const Filter one = field("a") == 1;
    for (const Filter& joined : {Filter() && one, one && Filter(), Filter() || one, one || Filter()}) {
        CHECK(matches(joined, R"({"a":1})"));
        CHECK_FALSE(matches(joined, R"({"a":2})"));
    }
    CHECK(refusal(!Filter()).find("negation of an empty filter") != std::string::npos);
    CHECK(refusal((!Filter()) || one).find("negation of an empty filter") != std::string::npos);
}

TEST_CASE("a string matches by its bytes", "[payload][filter]") {
    CHECK(matches(field("a") == "x", R"({"a":"x"})"));
    CHECK(matches(field("a").matches(std::string("x")), R"({"a":"x"})"));
    CHECK(matches(field("a") == std::string_view("\xc3\xa4"), R"({"a":"\u00e4"})"));
    for (const char* other : {R"({"a":"X"})", R"({"a":"xy"})", R"({"a":""})", R"({"a":1})", R"({"a":null})",
                              R"({"a":{"a":"x"}})", "{}", R"({"b":"x"})", R"({"a":true})"}) {
        CHECK_FALSE(matches(field("a") == "x", other));
    }
    CHECK_FALSE(matches(field("a") == "5", R"({"a":5})"));
    CHECK_FALSE(matches(field("a") == 5, R"({"a":"5"})"));
    CHECK(matches(field("a") == "", R"({"a":""})"));
}

TEST_CASE("numbers are equal when they are the same number", "[payload][filter]") {
    CHECK(matches(field("a") == 5, R"({"a":5})"));
    CHECK(matches(field("a") == 5, R"({"a":5.0})"));
    CHECK(matches(field("a") == 5.0, R"({"a":5})"));
    CHECK(matches(field("a") == 0, R"({"a":-0.0})"));
    CHECK(matches(field("a") == 0.5F, R"({"a":0.5})"));
    CHECK_FALSE(matches(field("a") == 5, R"({"a":5.5})"));
    CHECK_FALSE(matches(field("a") == 1, R"({"a":true})"));
    CHECK_FALSE(matches(field("a") == true, R"({"a":1})"));
    CHECK_FALSE(matches(field("a") == 0, R"({"a":null})"));
    CHECK(matches(field("a") == (std::int64_t{1} << 53U) + 1, R"({"a":9007199254740993})"));
    CHECK_FALSE(matches(field("a") == (std::int64_t{1} << 53U) + 1, R"({"a":9007199254740992})"));
    CHECK_FALSE(matches(field("a") == (std::int64_t{1} << 53U) + 1, R"({"a":9007199254740992.0})"));
    CHECK(matches(field("a") == UINT64_MAX, R"({"a":18446744073709551615})"));
    CHECK_FALSE(matches(field("a") == UINT64_MAX, R"({"a":18446744073709551616})"));
    CHECK_FALSE(matches(field("a") == UINT64_MAX, R"({"a":-1})"));
    CHECK_FALSE(matches(field("a") == -1, R"({"a":18446744073709551615})"));
    CHECK(matches(field("a") == (std::uint64_t{1} << 63U), R"({"a":9223372036854775808.0})"));
    CHECK(matches(field("a") == INT64_MIN, R"({"a":-9223372036854775808.0})"));
    CHECK(matches(field("a") == 18446744073709551616.0, R"({"a":18446744073709551616})"));
}

TEST_CASE("a boolean matches a boolean", "[payload][filter]") {
    CHECK(matches(field("a") == true, R"({"a":true})"));
    CHECK(matches(field("a") == false, R"({"a":false})"));
    CHECK_FALSE(matches(field("a") == true, R"({"a":false})"));
    CHECK_FALSE(matches(field("a") == false, "{}"));
    CHECK_FALSE(matches(field("a") == false, R"({"a":null})"));
    CHECK_FALSE(matches(field("a") == true, R"({"a":"true"})"));
}

TEST_CASE("an array is opened one level", "[payload][filter]") {
    CHECK(matches(field("a") == 8, R"({"a":[1,8]})"));
    CHECK_FALSE(matches(field("x") == 8, R"({"x":[[1,8],[3]]})"));
    CHECK(matches(field("x[]") == 8, R"({"x":[[1,8],[3]]})"));
    CHECK(matches(field("x[][]") == 8, R"({"x":[[1,8],[3]]})"));
    CHECK(matches(field("x[0]") == 8, R"({"x":[[1,8],[3]]})"));
    CHECK_FALSE(matches(field("x[1]") == 8, R"({"x":[[1,8],[3]]})"));
    CHECK_FALSE(matches(field("a") == 8, R"({"a":[]})"));
    CHECK(matches(field("a[].b") == 1, R"({"a":[{"b":2},{"b":1},3]})"));
    CHECK_FALSE(matches(field("a.b") == 1, R"({"a":[{"b":1}]})"));
    CHECK(matches(field("a.b") == 1, R"({"a":{"b":1}})"));
    CHECK_FALSE(matches(field("a[].b") == 1, R"({"a":{"b":1}})"));
}

TEST_CASE("top-level keys are literal", "[payload][filter]") {
    CHECK_FALSE(matches(field("a.b") == 1, R"({"a.b":1})"));
    CHECK(matches(field("\"a.b\"") == 1, R"({"a.b":1})"));
    CHECK(matches(field("\"\"") == 1, R"({"":1})"));
}

TEST_CASE("any_of is true for one of the list", "[payload][filter]") {
    CHECK(matches(field("a").any_of({"x", "y"}), R"({"a":"y"})"));
    CHECK(matches(field("a").any_of({1, 2.5, 3}), R"({"a":2.5})"));
    CHECK(matches(field("a").any_of({1, "x", true}), R"({"a":["q",true]})"));
    CHECK_FALSE(matches(field("a").any_of({"x", "y"}), R"({"a":"z"})"));
    CHECK_FALSE(matches(field("a").any_of({}), R"({"a":1})"));
    const std::vector<std::string> names = {"b", "a", "b"};
    CHECK(matches(field("a").any_of(names), R"({"a":"b"})"));
    CHECK(matches(field("a").any_of(std::vector<bool>{true}), R"({"a":true})"));
    const std::vector<std::int64_t> none;
    CHECK_FALSE(matches(field("a").any_of(none), R"({"a":1})"));
    std::vector<std::uint64_t> many;
    for (std::uint64_t i = 0; i < 1000; ++i) many.push_back((i * 7919) % 100'003);
    CHECK(matches(field("a").any_of(many), R"({"a":7919})"));
    CHECK_FALSE(matches(field("a").any_of(many), R"({"a":7920})"));
}

TEST_CASE("none_of is the negation, except asks for another value", "[payload][filter]") {
    for (const char* without : {"{}", R"({"a":null})", R"({"a":[]})", R"({"a":[null]})"}) {
        CHECK(matches(field("a").none_of({"x"}), without));
        CHECK(matches(field("a") != "x", without));
        CHECK_FALSE(matches(field("a").except({"x"}), without));
        CHECK_FALSE(matches(field("a").except({}), without));
    }
    CHECK_FALSE(matches(field("a").none_of({"x", "y"}), R"({"a":["z","y"]})"));
    CHECK(matches(field("a").except({"x", "y"}), R"({"a":["z","y"]})"));
    CHECK_FALSE(matches(field("a").except({"x", "y"}), R"({"a":["x","y"]})"));
    // Values of every kind count.
    for (const char* other :
         {R"({"a":1})", R"({"a":true})", R"({"a":{}})", R"({"a":"z"})", R"({"a":[[]]})", R"({"a":0.5})"}) {
        CHECK(matches(field("a").except({"x"}), other));
        CHECK(matches(field("a").except({}), other));
    }
    CHECK(matches(field("a").except({5, 6}), R"({"a":"5"})"));
    CHECK_FALSE(matches(field("a").except({5}), R"({"a":5.0})"));
    CHECK(matches(field("a").except({5}), R"({"a":5.5})"));
    CHECK(matches(field("a").except(std::vector<int>{5}), R"({"a":6})"));
    CHECK_FALSE(matches(field("a").none_of(std::vector<int>{5}), R"({"a":5})"));
}

TEST_CASE("a prefix is compared by bytes", "[payload][filter]") {
    CHECK(matches(field("a").starts_with("ab"), R"({"a":"abc"})"));
    CHECK(matches(field("a").starts_with("ab"), R"({"a":["x","ab"]})"));
    CHECK(matches(field("a").starts_with(""), R"({"a":""})"));
    CHECK_FALSE(matches(field("a").starts_with("ab"), R"({"a":"a"})"));
    CHECK_FALSE(matches(field("a").starts_with("ab"), R"({"a":"ABC"})"));
    CHECK_FALSE(matches(field("a").starts_with(""), R"({"a":1})"));
    CHECK_FALSE(matches(field("a").starts_with(""), "{}"));
}

TEST_CASE("a range holds for numbers alone", "[payload][filter]") {
    CHECK(matches(field("year") >= 2020, R"({"year":2020})"));
    CHECK_FALSE(matches(field("year") > 2020, R"({"year":2020})"));
    CHECK(matches(field("year") > 2019.5, R"({"year":2020})"));
    CHECK(matches(field("year") <= 2020, R"({"year":2020.0})"));
    CHECK_FALSE(matches(field("year") < 2020, R"({"year":2020})"));
    CHECK(matches(field("year") < 2020U, R"({"year":-1})"));
    for (const char* other :
         {R"({"year":"2020"})", R"({"year":true})", R"({"year":null})", R"({"year":{}})", "{}", R"({"year":[]})"}) {
        CHECK_FALSE(matches(field("year") >= -infinity, other));
        CHECK_FALSE(matches(field("year") < 1e300, other));
    }
    CHECK(matches(field("a") < infinity, R"({"a":1e308})"));
    CHECK(matches(field("a") > -infinity, R"({"a":-9223372036854775808})"));
}

TEST_CASE("both bounds hold for one element", "[payload][filter]") {
    CHECK(matches(field("a").between(3, 5), R"({"a":3})"));
    CHECK(matches(field("a").between(3, 5.5), R"({"a":[1,5.5]})"));
    CHECK_FALSE(matches(field("a").between(3, 5), R"({"a":[1,10]})"));
    CHECK(matches(field("a") >= 3 && field("a") <= 5, R"({"a":[1,10]})"));
    CHECK_FALSE(matches(field("a").between(5, 3), R"({"a":4})"));
}

TEST_CASE("whole numbers order exactly, others as doubles", "[payload][filter]") {
    const std::int64_t large = std::int64_t{1} << 53U;
    CHECK(matches(field("a") > large, R"({"a":9007199254740993})"));
    CHECK_FALSE(matches(field("a") > large + 1, R"({"a":9007199254740993})"));
    CHECK_FALSE(matches(field("a") > static_cast<double>(large), R"({"a":9007199254740993})"));
    CHECK(matches(field("a") >= static_cast<double>(large), R"({"a":9007199254740993})"));
    CHECK(matches(field("a") > INT64_MAX, R"({"a":9223372036854775808})"));
    CHECK(matches(field("a") < UINT64_MAX, R"({"a":18446744073709551614})"));
    CHECK_FALSE(matches(field("a") < UINT64_MAX, R"({"a":18446744073709551615})"));
    CHECK(matches(field("a") < UINT64_MAX, R"({"a":-1})"));
    CHECK_FALSE(matches(field("a") < -1, R"({"a":18446744073709551615})"));
    CHECK(matches(field("a") > 1.8e19, R"({"a":18446744073709551615})"));
}

TEST_CASE("null, empty and present are told apart", "[payload][filter]") {
    struct Row {
        const char* json;
        bool is_null, is_empty, exists;
    };
    for (const Row& row : {Row{"{}", false, true, false}, Row{R"({"a":null})", true, true, true},
                           Row{R"({"a":[]})", false, true, true}, Row{R"({"a":[null]})", true, false, true},
                           Row{R"({"a":[null,1]})", true, false, true}, Row{R"({"a":[1]})", false, false, true},
                           Row{R"({"a":[[null]]})", false, false, true}, Row{R"({"a":[[]]})", false, false, true},
                           Row{R"({"a":0})", false, false, true}, Row{R"({"a":""})", false, false, true},
                           Row{R"({"a":false})", false, false, true}, Row{R"({"a":{}})", false, false, true}}) {
        INFO(row.json);
        CHECK(matches(field("a").is_null(), row.json) == row.is_null);
        CHECK(matches(field("a").is_empty(), row.json) == row.is_empty);
        CHECK(matches(field("a").exists(), row.json) == row.exists);
        CHECK(matches(!field("a").is_null(), row.json) == !row.is_null);
        CHECK(matches(!field("a").is_empty(), row.json) == !row.is_empty);
    }
    CHECK(matches(field("a[]").is_empty(), R"({"a":[null]})"));
    CHECK(matches(field("a[]").is_empty(), R"({"a":[null,[]]})"));
    CHECK_FALSE(matches(field("a[].b").is_empty(), R"({"a":[{"b":1},{"b":[]}]})"));
    CHECK(matches(field("a[].b").is_empty(), R"({"a":[{"b":null},{"c":1}]})"));
    CHECK(matches(field("a[]").is_null(), R"({"a":[1,null]})"));
    CHECK(matches(field("a[]").is_null(), R"({"a":[1,[null]]})"));
}

TEST_CASE("ids are matched by kind and value", "[payload][filter]") {
    const PointId uuid = PointId::from_name("x");
    const Filter filter = has_id({PointId{3}, uuid, PointId{1}, PointId{3}});
    CHECK(matches(filter, "{}", PointId{1}));
    CHECK(matches(filter, "{}", PointId{3}));
    CHECK(matches(filter, "{}", uuid));
    CHECK_FALSE(matches(filter, "{}", PointId{2}));
    CHECK_FALSE(matches(filter, "{}", PointId::from_uuid(PointId{3}.bytes())));
    CHECK_FALSE(matches(has_id({}), "{}", PointId{0}));
    CHECK(matches(!has_id({}), "{}"));
    const std::vector<PointId> ids = {PointId{9}};
    CHECK(matches(has_id(ids), "{}", PointId{9}));
    CHECK_FALSE(FilterProgram::compile(filter && !has_id(ids)).value().reads_payload());
    CHECK(FilterProgram::compile(filter && field("a") == 1).value().reads_payload());
}

TEST_CASE("operators are those of logic, and missing data is false", "[payload][filter]") {
    const Filter yes = Filter::all();
    const Filter no = field("absent") == 1;
    for (const bool a : {false, true}) {
        for (const bool b : {false, true}) {
            const Filter& left = a ? yes : no;
            const Filter& right = b ? yes : no;
            CHECK(matches(left && right, "{}") == (a && b));
            CHECK(matches(left || right, "{}") == (a || b));
            CHECK(matches(!(left && right), "{}") == !(a && b));
            CHECK(matches(!left || !right, "{}") == (!a || !b));
        }
    }
    CHECK(matches(!(no), "{}"));
    CHECK_FALSE(matches(!!no, "{}"));
    CHECK(matches(field("absent") != 1, "{}"));
    for (std::size_t count = 1; count <= 5; ++count) {
        CHECK(matches(Filter::at_least(count, {yes, no, yes, yes}), "{}") == (count <= 3));
    }
    CHECK_FALSE(matches(Filter::at_least(1, std::initializer_list<Filter>{}), "{}"));
    CHECK(refusal(Filter::at_least(0, {yes})).find("count of 1 or more") != std::string::npos);
    CHECK(refusal(Filter::at_least(1, {yes, Filter()})).find("filter 1 is empty") != std::string::npos);
}

TEST_CASE("a fault is named, wherever it stands", "[payload][filter]") {
    const Filter good = field("a") == 1;
    CHECK(refusal(good && field("b..c") == 2) == "filter: path \"b..c\": expected a key at position 2");
    CHECK(refusal(!(field("") == 2 || good)) == "filter: path \"\": expected a key at position 0");
    CHECK(refusal(field("[0]").is_null()).find("expected a key at position 0") != std::string::npos);
    CHECK(refusal(field("a") > not_a_number) == "filter: field \"a\": expected a number, got NaN");
    CHECK(refusal(field("a") == not_a_number).find("got NaN") != std::string::npos);
    CHECK(refusal(field("a").between(0, not_a_number)).find("got NaN") != std::string::npos);
    CHECK(refusal(field("a").between(std::numeric_limits<float>::quiet_NaN(), 0)).find("got NaN") != std::string::npos);
    CHECK(refusal(field("a").any_of({1.0, not_a_number})).find("got NaN") != std::string::npos);
    const char* const missing = nullptr;
    CHECK(refusal(field("a") == missing).find("null pointer") != std::string::npos);
    CHECK(refusal(field("a").starts_with(missing)).find("null pointer") != std::string::npos);
    CHECK(refusal(field("a") == "\xff") == "filter: field \"a\": the string \"\\xff\" is not UTF-8 at byte 0");
    CHECK(refusal(field("a").starts_with("x\xc3")).find("not UTF-8 at byte 1") != std::string::npos);
}

TEST_CASE("a filter has at most 4,096 nodes", "[payload][filter]") {
    Filter filter;
    for (int i = 0; i < 4095; ++i) filter = filter || field("a") == i;
    REQUIRE(filter.validate().has_value());  // and the disjunction itself
    CHECK(matches(filter, R"({"a":4094})"));
    CHECK_FALSE(matches(filter, R"({"a":4095})"));
    filter = filter || field("a") == 4095;
    CHECK(refusal(filter) == "filter: expected at most 4096 conditions and operators, got 4097");
    for (int i = 0; i < 100'000; ++i) filter = filter || field("a") == i;
    CHECK(refusal(filter).find("at most 4096") != std::string::npos);

    Filter doubled = field("a") == 1;
    for (int i = 0; i < 200; ++i) doubled = !doubled && (doubled || field("b") == 2);
    CHECK_FALSE(doubled.validate().has_value());
}

TEST_CASE("a filter has at most 64 levels", "[payload][filter]") {
    Filter filter = field("a") == 1;
    for (int level = 2; level <= 64; ++level) {
        filter = level % 2 == 0 ? filter && Filter::all() : filter || !Filter::all();
        REQUIRE(filter.validate().has_value());
    }
    CHECK(matches(filter, R"({"a":1})"));
    CHECK_FALSE(matches(filter, "{}"));
    filter = filter || !Filter::all();
    CHECK(refusal(filter) == "filter: expected at most 64 levels, got 65");
    for (int i = 0; i < 100'000; ++i) filter = !(filter && Filter::all());
    CHECK(refusal(filter).find("64 levels") != std::string::npos);

    // A chain of one operator is one level, however long.
    Filter chain = Filter::all();
    for (int i = 0; i < 1000; ++i) chain = chain && (field("a") == i || field("b") == i);
    CHECK(chain.validate().has_value());
}

TEST_CASE("lists have a limit", "[payload][filter]") {
    std::vector<std::int64_t> values(sextant::limits::max_filter_values);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(values.size() - i);
    CHECK(matches(field("a").any_of(values), R"({"a":1000000})"));
    values.push_back(0);
    CHECK(refusal(field("a").any_of(values)) ==
          "filter: field \"a\": expected at most 1000000 values in a list, got 1000001");
    CHECK(refusal(field("a").except(values)).find("1000001") != std::string::npos);
    const std::vector<PointId> ids(1'000'001);
    CHECK(refusal(has_id(ids)) == "filter: has_id: expected at most 1000000 ids, got 1000001");
}

TEST_CASE("filters share and outlive their parts", "[payload][filter]") {
    Filter kept;
    {
        const std::string path = "a";
        const std::string value(100, 'v');
        const Filter part = field(path) == value;
        kept = part && part;
    }
    CHECK(matches(kept, ("{\"a\":\"" + std::string(100, 'v') + "\"}").c_str()));
    const Filter copy = kept;
    kept = kept && field("b") == 1;
    CHECK(matches(copy, ("{\"a\":\"" + std::string(100, 'v') + "\"}").c_str()));
}
