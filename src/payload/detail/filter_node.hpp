/// FilterNode: one operator or condition of a filter, as it was written; nothing is checked yet.
/// Invariants: (1) node_count and depth cover the node and all below it and stay within the limits: what would exceed
/// them is a node of op `invalid` instead; (2) children of a conjunction or disjunction are none of the same operator.
/// Threads: immutable once shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sextant/core/point_id.hpp"
#include "sextant/payload/filter_value.hpp"

namespace sextant::inline v1::detail {

enum class FilterOp : std::uint8_t {
    all,
    conjunction,
    disjunction,
    negation,
    at_least,
    has_id,
    any_of,
    except,
    starts_with,
    range,
    is_null,
    is_empty,
    exists,
    invalid,
};

struct FilterNode {
    FilterOp op = FilterOp::all;
    std::uint32_t node_count = 1;
    std::uint32_t depth = 1;
    std::size_t minimum = 0;  ///< at_least
    bool low_inclusive = false;
    bool high_inclusive = false;
    std::optional<FilterValue> low;  ///< range
    std::optional<FilterValue> high;
    std::string path;                 ///< every condition on the payload
    std::string problem;              ///< invalid
    std::vector<FilterValue> values;  ///< any_of, except, starts_with
    std::vector<PointId> ids;         ///< has_id
    std::vector<std::shared_ptr<const FilterNode>> children;
};

}  // namespace sextant::inline v1::detail
