/// Filter: which points an operation means, as a tree of conditions on id and payload.
///   Filter recent = field("year") >= 2020 && field("tags").matches("beach") && !(field("hidden") == true);
/// Invariants: (1) a condition is true or false for a point, never unknown: missing data makes it false, and its
/// negation true; (2) a path that yields an array is opened one level: a condition holds if it holds for any element;
/// (3) a whole number and a floating number of the same value are equal; nothing else is equal across kinds.
/// Threads: immutable. Copies share the tree.
/// Cost: building allocates a node per condition; a filter is checked and compiled once per operation (FilterProgram).
/// Why operators cannot fail: they build what is written, and validate() names the first fault: a malformed path, a NaN,
/// more than limits::max_filter_nodes nodes.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sextant/core/point_id.hpp"
#include "sextant/core/result.hpp"
#include "sextant/payload/filter_value.hpp"

namespace sextant::inline v1 {

namespace detail {
struct FilterNode;

template <class R>
using ElementOf = std::remove_cvref_t<decltype(*std::begin(std::declval<const R&>()))>;

/// A list of operands. Written without <ranges>, which would add a tenth to the time it takes to compile this header.
template <class R>
concept FilterValueRange = !FilterString<R> && FilterOperand<ElementOf<R>>;

}  // namespace detail

class Filter {
public:
    /// Empty: no condition. A search with it admits every point; an operation that changes data refuses it.
    Filter() noexcept = default;

    /// Every point, said on purpose.
    [[nodiscard]] static Filter all();

    /// At least `count` of the filters. `count` is 1 or more; with fewer filters than that it is never true.
    [[nodiscard]] static Filter at_least(std::size_t count, std::initializer_list<Filter> filters);
    [[nodiscard]] static Filter at_least(std::size_t count, std::span<const Filter> filters);

    [[nodiscard]] bool empty() const noexcept { return node_ == nullptr; }

    /// invalid_argument naming the first fault from left to right.
    [[nodiscard]] Result<void> validate() const;

    /// An empty filter joined with another is that other; so is a filter built up in a loop from an empty one. The
    /// negation of an empty filter is an error.
    [[nodiscard]] friend Filter operator&&(const Filter& a, const Filter& b) { return both(a, b); }
    [[nodiscard]] friend Filter operator||(const Filter& a, const Filter& b) { return either(a, b); }
    [[nodiscard]] Filter operator!() const;

    /// The tree, for what evaluates it; null when empty.
    [[nodiscard]] const std::shared_ptr<const detail::FilterNode>& node() const noexcept { return node_; }
    explicit Filter(std::shared_ptr<const detail::FilterNode> node) noexcept : node_(std::move(node)) {}

private:
    static Filter both(const Filter& a, const Filter& b);
    static Filter either(const Filter& a, const Filter& b);

    std::shared_ptr<const detail::FilterNode> node_;
};

/// FilterField: the left side of a condition. A comparison with another kind of value than the stored one is false.
class FilterField {
public:
    /// A path as PayloadPath describes; a malformed one is an error of the filter it gets into.
    explicit FilterField(std::string_view path) : path_(path) {}

    /// Has this value. Whole numbers compare exactly, also beyond 2^53.
    template <FilterOperand T>
    [[nodiscard]] Filter matches(const T& value) const {
        return match_any({FilterValue(value)});
    }
    /// Has one of these values; with an empty list no point has.
    [[nodiscard]] Filter any_of(std::initializer_list<FilterValue> values) const { return match_any(values); }
    template <detail::FilterValueRange R>
    [[nodiscard]] Filter any_of(const R& values) const {
        return match_any(list(values));
    }
    /// Has none of these values: the negation of any_of, true where there is no value.
    [[nodiscard]] Filter none_of(std::initializer_list<FilterValue> values) const { return !any_of(values); }
    template <detail::FilterValueRange R>
    [[nodiscard]] Filter none_of(const R& values) const {
        return !any_of(values);
    }
    /// Has a value, of any kind but null, that is none of these: false where there is no value.
    [[nodiscard]] Filter except(std::initializer_list<FilterValue> values) const { return match_except(values); }
    template <detail::FilterValueRange R>
    [[nodiscard]] Filter except(const R& values) const {
        return match_except(list(values));
    }

    /// Has a string that begins with these bytes.
    template <FilterString T>
    [[nodiscard]] Filter starts_with(const T& prefix) const {
        return prefixed(FilterValue(prefix));
    }

    /// Has a number from `low` to `high`, both included: of an array one and the same element.
    /// Two whole numbers compare exactly, any other two as doubles.
    template <FilterNumber Low, FilterNumber High>
    [[nodiscard]] Filter between(const Low& low, const High& high) const {
        return range({FilterValue(low), true}, {FilterValue(high), true});
    }

    /// null, or an array with null in it.
    [[nodiscard]] Filter is_null() const;
    /// Nothing there, or nothing but null and empty arrays.
    [[nodiscard]] Filter is_empty() const;
    /// The path yields a value, be it null or an empty array.
    [[nodiscard]] Filter exists() const;

    template <FilterOperand T>
    [[nodiscard]] friend Filter operator==(const FilterField& field, const T& value) {
        return field.matches(value);
    }
    /// !(field == value): true where there is no value.
    template <FilterOperand T>
    [[nodiscard]] friend Filter operator!=(const FilterField& field, const T& value) {
        return !field.matches(value);
    }
    template <FilterNumber T>
    [[nodiscard]] friend Filter operator<(const FilterField& field, const T& value) {
        return field.range({}, {FilterValue(value), false});
    }
    template <FilterNumber T>
    [[nodiscard]] friend Filter operator<=(const FilterField& field, const T& value) {
        return field.range({}, {FilterValue(value), true});
    }
    template <FilterNumber T>
    [[nodiscard]] friend Filter operator>(const FilterField& field, const T& value) {
        return field.range({FilterValue(value), false}, {});
    }
    template <FilterNumber T>
    [[nodiscard]] friend Filter operator>=(const FilterField& field, const T& value) {
        return field.range({FilterValue(value), true}, {});
    }

private:
    struct Bound {
        std::optional<FilterValue> value = {};
        bool inclusive = false;
    };

    template <class R>
    static std::vector<FilterValue> list(const R& values) {
        std::vector<FilterValue> out;
        for (auto&& value : values) out.emplace_back(static_cast<const detail::ElementOf<R>&>(value));
        return out;
    }
    [[nodiscard]] Filter match_any(std::vector<FilterValue> values) const;
    [[nodiscard]] Filter match_except(std::vector<FilterValue> values) const;
    [[nodiscard]] Filter prefixed(FilterValue prefix) const;
    [[nodiscard]] Filter range(Bound low, Bound high) const;

    std::string path_;
};

/// The values at `path`: field("year") >= 2020.
[[nodiscard]] inline FilterField field(std::string_view path) { return FilterField(path); }

/// The point is one of these; ids that do not exist do no harm, no ids mean no point.
[[nodiscard]] Filter has_id(std::initializer_list<PointId> ids);
[[nodiscard]] Filter has_id(std::span<const PointId> ids);

}  // namespace sextant::inline v1
