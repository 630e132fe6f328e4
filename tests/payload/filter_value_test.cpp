#include "sextant/payload/filter_value.hpp"

#include <concepts>
#include <limits>

#include "sextant/payload/filter.hpp"
#include "support/catch.hpp"

using sextant::Filter;
using sextant::FilterField;
using sextant::FilterValue;
using Kind = FilterValue::Kind;

namespace {

enum Plain { plain };
enum class Scoped { scoped };

template <class T>
concept Equal = requires(const FilterField& f, const T& v) {
    { f == v } -> std::same_as<Filter>;
};
template <class T>
concept Matches = requires(const FilterField& f, const T& v) {
    f.matches(v);
};
template <class T>
concept Ordered = requires(const FilterField& f, const T& v) {
    f < v;
    f <= v;
    f > v;
    f >= v;
};
template <class T>
concept OnTheLeft = requires(const FilterField& f, const T& v) {
    v == f;
}
|| requires(const FilterField& f, const T& v) { v < f; };

static_assert(Equal<int> && Equal<unsigned char> && Equal<signed char> && Equal<long long> && Equal<unsigned long>);
static_assert(Equal<float> && Equal<double> && Equal<bool>);
static_assert(Equal<const char*> && Equal<char[4]> && Equal<std::string> && Equal<std::string_view>);
static_assert(!Equal<char> && !Equal<wchar_t> && !Equal<char8_t> && !Equal<char32_t> && !Equal<long double>);
static_assert(!Equal<std::nullptr_t> && !Equal<void*> && !Equal<const int*> && !Equal<const wchar_t*>);
static_assert(!Equal<Plain> && !Equal<Scoped> && !Equal<FilterField> && !Equal<Filter> && !Equal<std::vector<int>>);
static_assert(Matches<bool> && Matches<std::string> && !Matches<char> && !Matches<void*>);
static_assert(Ordered<int> && Ordered<double> && Ordered<std::uint64_t>);
static_assert(!Ordered<bool> && !Ordered<const char*> && !Ordered<std::string> && !Ordered<char>);
static_assert(!OnTheLeft<int> && !OnTheLeft<const char*> && !OnTheLeft<bool>);
static_assert(!std::is_convertible_v<Filter, bool> && !std::is_constructible_v<bool, Filter>);
static_assert(!std::is_convertible_v<FilterField, Filter>);

}  // namespace

TEST_CASE("a value keeps its kind", "[payload][filter]") {
    CHECK(FilterValue(true).kind() == Kind::boolean);
    CHECK(FilterValue(true).boolean());
    CHECK_FALSE(FilterValue(false).boolean());
    CHECK(FilterValue(-5).kind() == Kind::integer);
    CHECK(FilterValue(-5).integer() == -5);
    CHECK(FilterValue(std::int8_t{-1}).integer() == -1);
    CHECK(FilterValue(std::uint8_t{255}).integer() == 255);
    CHECK(FilterValue(std::uint64_t{INT64_MAX}).kind() == Kind::integer);
    CHECK(FilterValue(std::uint64_t{INT64_MAX} + 1).kind() == Kind::unsigned_integer);
    CHECK(FilterValue(UINT64_MAX).unsigned_integer() == UINT64_MAX);
    CHECK(FilterValue(2.5F).floating() == 2.5);
    CHECK(FilterValue(5.0).kind() == Kind::floating);
    CHECK(FilterValue("text").string() == "text");
    CHECK(FilterValue(std::string("a\0b", 3)).string().size() == 3);
    const char* const missing = nullptr;
    CHECK(FilterValue(missing).kind() == Kind::null_pointer);
}
