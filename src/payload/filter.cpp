#include "sextant/payload/filter.hpp"

#include <algorithm>

#include "core/format_text.hpp"
#include "payload/detail/filter_node.hpp"
#include "sextant/payload/filter_program.hpp"
#include "sextant/payload/payload_limits.hpp"

namespace sextant::inline v1 {
namespace {

using detail::FilterNode;
using detail::FilterOp;
using NodePtr = std::shared_ptr<const FilterNode>;

Filter invalid(std::string problem) {
    auto node = std::make_shared<FilterNode>();
    node->op = FilterOp::invalid;
    node->problem = std::move(problem);
    return Filter(std::move(node));
}

/// An operator over `children`. The first invalid child stands for the whole, so that no tree outgrows the limits however
/// it is put together, and taking one apart never recurses deeper than they say.
Filter join(FilterOp op, std::vector<NodePtr> children, std::size_t minimum = 0) {
    std::size_t node_count = 1;
    std::uint32_t depth = 0;
    for (const NodePtr& child : children) {
        if (child->op == FilterOp::invalid) return Filter(child);
        node_count += child->node_count;
        depth = std::max(depth, child->depth);
    }
    if (node_count > limits::max_filter_nodes) {
        return invalid(
            format_text("expected at most {} conditions and operators, got {}", limits::max_filter_nodes, node_count));
    }
    if (depth >= limits::max_filter_depth) {
        return invalid(format_text("expected at most {} levels, got {}", limits::max_filter_depth, depth + 1));
    }
    auto node = std::make_shared<FilterNode>();
    node->op = op;
    node->node_count = static_cast<std::uint32_t>(node_count);
    node->depth = depth + 1;
    node->minimum = minimum;
    node->children = std::move(children);
    return Filter(std::move(node));
}

/// `a op b`, in one node with what is already joined by op: a chain of conditions is one level, not one per condition.
Filter join_two(FilterOp op, const Filter& a, const Filter& b) {
    if (a.empty()) return b;
    if (b.empty()) return a;
    std::vector<NodePtr> children;
    for (const NodePtr* side : {&a.node(), &b.node()}) {
        if ((*side)->op == op) {
            children.insert(children.end(), (*side)->children.begin(), (*side)->children.end());
        } else {
            children.push_back(*side);
        }
    }
    return join(op, std::move(children));
}

Filter condition(FilterOp op, const std::string& path) {
    auto node = std::make_shared<FilterNode>();
    node->op = op;
    node->path = path;
    return Filter(std::move(node));
}

Filter condition(FilterOp op, const std::string& path, std::vector<FilterValue> values) {
    auto node = std::make_shared<FilterNode>();
    node->op = op;
    node->path = path;
    node->values = std::move(values);
    return Filter(std::move(node));
}

}  // namespace

Filter Filter::all() { return Filter(std::make_shared<FilterNode>()); }

Filter Filter::at_least(std::size_t count, std::initializer_list<Filter> filters) {
    return at_least(count, std::span(filters.begin(), filters.size()));
}

Filter Filter::at_least(std::size_t count, std::span<const Filter> filters) {
    if (count == 0) return invalid("at_least: expected a count of 1 or more, got 0");
    std::vector<NodePtr> children;
    for (const Filter& filter : filters) {
        if (filter.empty()) return invalid(format_text("at_least: filter {} is empty", children.size()));
        children.push_back(filter.node_);
    }
    return join(FilterOp::at_least, std::move(children), count);
}

Result<void> Filter::validate() const {
    const auto program = FilterProgram::compile(*this);
    if (!program.has_value()) return program.error();
    return {};
}

Filter Filter::both(const Filter& a, const Filter& b) { return join_two(FilterOp::conjunction, a, b); }
Filter Filter::either(const Filter& a, const Filter& b) { return join_two(FilterOp::disjunction, a, b); }

Filter Filter::operator!() const {
    if (empty()) return invalid("the negation of an empty filter; Filter::all() says every point");
    if (node_->op == FilterOp::negation) return Filter(node_->children[0]);
    return join(FilterOp::negation, {node_});
}

Filter FilterField::match_any(std::vector<FilterValue> values) const {
    return condition(FilterOp::any_of, path_, std::move(values));
}

Filter FilterField::match_except(std::vector<FilterValue> values) const {
    return condition(FilterOp::except, path_, std::move(values));
}

Filter FilterField::prefixed(FilterValue prefix) const {
    return condition(FilterOp::starts_with, path_, {std::move(prefix)});
}

Filter FilterField::range(Bound low, Bound high) const {
    auto node = std::make_shared<FilterNode>();
    node->op = FilterOp::range;
    node->path = path_;
    node->low = std::move(low.value);
    node->high = std::move(high.value);
    node->low_inclusive = low.inclusive;
    node->high_inclusive = high.inclusive;
    return Filter(std::move(node));
}

Filter FilterField::is_null() const { return condition(FilterOp::is_null, path_); }
Filter FilterField::is_empty() const { return condition(FilterOp::is_empty, path_); }
Filter FilterField::exists() const { return condition(FilterOp::exists, path_); }

Filter has_id(std::initializer_list<PointId> ids) { return has_id(std::span(ids.begin(), ids.size())); }

Filter has_id(std::span<const PointId> ids) {
    auto node = std::make_shared<FilterNode>();
    node->op = FilterOp::has_id;
    node->ids.assign(ids.begin(), ids.end());
    return Filter(std::move(node));
}

}  // namespace sextant::inline v1
