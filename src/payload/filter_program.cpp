#include "sextant/payload/filter_program.hpp"

#include <algorithm>
#include <cmath>

#include "core/format_text.hpp"
#include "payload/detail/filter_condition.hpp"
#include "payload/detail/text.hpp"
#include "sextant/payload/payload_limits.hpp"

namespace sextant::inline v1 {

using detail::Condition;
using detail::FilterNode;
using detail::FilterOp;
using detail::Number;
using detail::ValueSet;

/// The tree in the order it is written: a node, then all below it up to `end`.
struct FilterProgram::Code {
    struct Node {
        FilterOp op = FilterOp::all;
        std::uint32_t end = 0;
        std::uint32_t condition = 0;
        std::size_t minimum = 0;
    };
    std::vector<Node> nodes;
    std::vector<Condition> conditions;
    bool reads_payload = false;

    [[nodiscard]] bool holds(std::uint32_t at, const PointId& id, std::span<const std::byte> payload) const noexcept;
};

namespace {

using Value = FilterValue;

Error fault(const FilterNode& node, std::string_view problem) {
    return invalid_argument(format_text("filter: field {}: {}", detail::shown(node.path), problem));
}

Result<Number> compile_number(const FilterNode& node, const Value& value) {
    if (value.kind() == Value::Kind::integer) return Number::of(value.integer());
    if (value.kind() == Value::Kind::unsigned_integer) return Number::of(value.unsigned_integer());
    if (std::isnan(value.floating())) return fault(node, "expected a number, got NaN");
    return Number::of(value.floating());
}

Result<void> check_string(const FilterNode& node, const Value& value) {
    const std::size_t valid = detail::valid_utf8_size(value.string());
    if (valid == value.string().size()) return {};
    return fault(node, format_text("the string {} is not UTF-8 at byte {}", detail::shown(value.string()), valid));
}

template <class List>
void sort_unique(List& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
}

Result<ValueSet> compile_values(const FilterNode& node) {
    if (node.values.size() > limits::max_filter_values) {
        return fault(node, format_text("expected at most {} values in a list, got {}", limits::max_filter_values,
                                       node.values.size()));
    }
    ValueSet set;
    for (const Value& value : node.values) {
        switch (value.kind()) {
            case Value::Kind::null_pointer: return fault(node, "expected a string, got a null pointer");
            case Value::Kind::boolean: (value.boolean() ? set.has_true : set.has_false) = true; break;
            case Value::Kind::string:
                SEXTANT_TRY(check_string(node, value));
                set.strings.push_back(value.string());
                break;
            case Value::Kind::integer:
            case Value::Kind::unsigned_integer:
            case Value::Kind::floating: {
                SEXTANT_TRY_ASSIGN(const Number number, compile_number(node, value));
                const Number exact = number.exact();
                if (exact.kind == Number::Kind::integer) set.integers.push_back(exact.integer);
                if (exact.kind == Number::Kind::above) set.above.push_back(exact.above);
                if (exact.kind == Number::Kind::floating) set.floating.push_back(exact.floating);
                break;
            }
        }
    }
    sort_unique(set.integers);
    sort_unique(set.above);
    sort_unique(set.floating);
    sort_unique(set.strings);
    return set;
}

Result<Condition> compile_condition(const FilterNode& node) {
    Condition out;
    out.op = node.op;
    if (node.op == FilterOp::has_id) {
        if (node.ids.size() > limits::max_filter_values) {
            return invalid_argument(format_text("filter: has_id: expected at most {} ids, got {}",
                                                limits::max_filter_values, node.ids.size()));
        }
        out.ids = node.ids;
        sort_unique(out.ids);
        return out;
    }
    const auto path = PayloadPath::parse(node.path);
    if (!path.has_value()) return invalid_argument("filter: " + path.error().message);
    out.steps.assign(path->steps().begin(), path->steps().end());
    if (node.op == FilterOp::starts_with) {
        const Value& value = node.values[0];
        if (value.kind() == Value::Kind::null_pointer) return fault(node, "expected a string, got a null pointer");
        SEXTANT_TRY(check_string(node, value));
        out.prefix = value.string();
    } else {
        SEXTANT_TRY_ASSIGN(out.values, compile_values(node));
    }
    if (node.low) {
        SEXTANT_TRY_ASSIGN(out.low, compile_number(node, *node.low));
    }
    if (node.high) {
        SEXTANT_TRY_ASSIGN(out.high, compile_number(node, *node.high));
    }
    out.low_inclusive = node.low_inclusive;
    out.high_inclusive = node.high_inclusive;
    return out;
}

template <class Code>
Result<void> compile_node(const FilterNode& node, Code& code) {
    const std::size_t at = code.nodes.size();
    code.nodes.emplace_back();
    code.nodes[at].op = node.op;
    code.nodes[at].minimum = node.minimum;
    switch (node.op) {
        case FilterOp::invalid: return invalid_argument("filter: " + node.problem);
        case FilterOp::all: break;
        case FilterOp::conjunction:
        case FilterOp::disjunction:
        case FilterOp::negation:
        case FilterOp::at_least:
            for (const auto& child : node.children) SEXTANT_TRY(compile_node(*child, code));
            break;
        default: {
            SEXTANT_TRY_ASSIGN(Condition condition, compile_condition(node));
            code.nodes[at].condition = static_cast<std::uint32_t>(code.conditions.size());
            code.conditions.push_back(std::move(condition));
            code.reads_payload = code.reads_payload || node.op != FilterOp::has_id;
        }
    }
    code.nodes[at].end = static_cast<std::uint32_t>(code.nodes.size());
    return {};
}

}  // namespace

bool FilterProgram::Code::holds(std::uint32_t at, const PointId& id,
                                std::span<const std::byte> payload) const noexcept {
    const Node& node = nodes[at];
    switch (node.op) {
        case FilterOp::all: return true;
        case FilterOp::conjunction:
            for (std::uint32_t child = at + 1; child != node.end; child = nodes[child].end) {
                if (!holds(child, id, payload)) return false;
            }
            return true;
        case FilterOp::disjunction:
            for (std::uint32_t child = at + 1; child != node.end; child = nodes[child].end) {
                if (holds(child, id, payload)) return true;
            }
            return false;
        case FilterOp::negation: return !holds(at + 1, id, payload);
        case FilterOp::at_least: {
            std::size_t count = 0;
            for (std::uint32_t child = at + 1; child != node.end && count < node.minimum; child = nodes[child].end) {
                count += holds(child, id, payload) ? 1 : 0;
            }
            return count >= node.minimum;
        }
        case FilterOp::has_id: {
            const std::vector<PointId>& ids = conditions[node.condition].ids;
            return std::binary_search(ids.begin(), ids.end(), id);
        }
        default: return conditions[node.condition].matches(payload);
    }
}

Result<FilterProgram> FilterProgram::compile(const Filter& filter) {
    auto code = std::make_shared<Code>();
    if (!filter.empty()) SEXTANT_TRY(compile_node(*filter.node(), *code));
    return FilterProgram(std::move(code));
}

bool FilterProgram::matches(const PointId& id, std::span<const std::byte> payload) const noexcept {
    return code_->nodes.empty() || code_->holds(0, id, payload);
}

bool FilterProgram::admits_all() const noexcept { return code_->nodes.empty() || code_->nodes[0].op == FilterOp::all; }

bool FilterProgram::reads_payload() const noexcept { return code_->reads_payload; }

}  // namespace sextant::inline v1
