/// filter_condition: one condition on a payload value, made ready, and its answer for a value.
/// Threads: immutable once compiled; the functions are pure.
/// Why numbers in two ways: equality is exact (5 is 5.0, and 2^53 + 1 is not 2^53), so numbers are first brought to one
/// form; an order compares two whole numbers exactly and any other two as doubles, because a bound that came as a double
/// cannot name a whole number beyond 2^53 more closely than that.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "payload/detail/filter_node.hpp"
#include "payload/detail/payload_decode.hpp"

namespace sextant::inline v1::detail {

struct Number {
    enum class Kind : std::uint8_t { integer, above, floating };  ///< above: whole, over 2^63 - 1
    Kind kind = Kind::integer;
    std::int64_t integer = 0;
    std::uint64_t above = 0;
    double floating = 0;

    static Number of(std::int64_t value) noexcept { return {Kind::integer, value, 0, 0}; }
    static Number of(std::uint64_t value) noexcept { return {Kind::above, 0, value, 0}; }
    static Number of(double value) noexcept { return {Kind::floating, 0, 0, value}; }

    [[nodiscard]] double as_double() const noexcept {
        return kind == Kind::integer ? static_cast<double>(integer)
               : kind == Kind::above ? static_cast<double>(above)
                                     : floating;
    }

    /// The same number; a floating one without a fraction becomes whole.
    [[nodiscard]] Number exact() const noexcept {
        if (kind != Kind::floating || floating != std::trunc(floating)) return *this;
        if (floating >= -0x1p63 && floating < 0x1p63) return of(static_cast<std::int64_t>(floating));
        if (floating >= 0x1p63 && floating < 0x1p64) return of(static_cast<std::uint64_t>(floating));
        return *this;
    }
};

[[nodiscard]] inline bool less(const Number& a, const Number& b) noexcept {
    if (a.kind == Number::Kind::floating || b.kind == Number::Kind::floating) return a.as_double() < b.as_double();
    if (a.kind != b.kind) return a.kind == Number::Kind::integer;
    return a.kind == Number::Kind::integer ? a.integer < b.integer : a.above < b.above;
}

[[nodiscard]] inline std::optional<Number> number_of(const PayloadValue& value) noexcept {
    switch (value.kind()) {
        case PayloadKind::integer: return Number::of(value.integer());
        case PayloadKind::unsigned_integer: return Number::of(value.unsigned_integer());
        case PayloadKind::floating: return Number::of(value.floating());
        default: return std::nullopt;
    }
}

/// Values of one list, each kind sorted by itself.
struct ValueSet {
    bool has_true = false;
    bool has_false = false;
    std::vector<std::int64_t> integers;
    std::vector<std::uint64_t> above;
    std::vector<double> floating;
    std::vector<std::string> strings;

    template <class List, class Value>
    [[nodiscard]] static bool contains(const List& sorted, const Value& value) noexcept {
        const auto at = std::lower_bound(sorted.begin(), sorted.end(), value);
        return at != sorted.end() && *at == value;
    }

    [[nodiscard]] bool contains(const PayloadValue& value) const noexcept {
        switch (value.kind()) {
            case PayloadKind::boolean: return value.boolean() ? has_true : has_false;
            case PayloadKind::string: return contains(strings, value.string());
            case PayloadKind::integer:
            case PayloadKind::unsigned_integer:
            case PayloadKind::floating: {
                const Number number = number_of(value)->exact();
                return number.kind == Number::Kind::integer ? contains(integers, number.integer)
                       : number.kind == Number::Kind::above ? contains(above, number.above)
                                                            : contains(floating, number.floating);
            }
            default: return false;
        }
    }
};

struct Condition {
    FilterOp op = FilterOp::exists;
    std::vector<PayloadPath::Step> steps;
    ValueSet values;     ///< any_of, except
    std::string prefix;  ///< starts_with
    std::optional<Number> low;
    std::optional<Number> high;
    bool low_inclusive = false;
    bool high_inclusive = false;
    std::vector<PointId> ids;  ///< has_id, sorted

    /// Whether one value, not opened, satisfies it.
    [[nodiscard]] bool holds(const PayloadValue& value) const noexcept {
        switch (op) {
            case FilterOp::any_of: return values.contains(value);
            case FilterOp::except: return !value.is_null() && !values.contains(value);
            case FilterOp::starts_with:
                return value.kind() == PayloadKind::string && value.string().starts_with(prefix);
            case FilterOp::range: {
                const std::optional<Number> number = number_of(value);
                return number && (!low || less(*low, *number) || (low_inclusive && !less(*number, *low))) &&
                       (!high || less(*number, *high) || (high_inclusive && !less(*high, *number)));
            }
            case FilterOp::is_null: return value.is_null();
            default: return true;
        }
    }

    /// Whether a value the path yields satisfies it: an array is opened one level.
    [[nodiscard]] bool holds_opened(const PayloadValue& value) const noexcept {
        if (op == FilterOp::exists) return true;
        if (op == FilterOp::is_empty) return !(value.is_null() || (value.is_array() && value.body().empty()));
        if (!value.is_array()) return holds(value);
        for (auto element = value.elements(); element.next();) {
            if (holds(element.value())) return true;
        }
        return false;
    }

    [[nodiscard]] bool matches(std::span<const std::byte> payload) const noexcept {
        const auto visit = [this](const PayloadValue& value) { return holds_opened(value); };
        const bool found = walk_payload_path(payload_root(payload), steps, visit);
        // For is_empty what was looked for is a value that is not.
        return found != (op == FilterOp::is_empty);
    }
};

}  // namespace sextant::inline v1::detail
