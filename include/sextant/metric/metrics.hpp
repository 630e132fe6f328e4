/// metrics: the metrics that come with the library, and their names at run time.
/// Threads: immutable.
#pragma once

#include <optional>
#include <string_view>

#include "sextant/metric/cosine.hpp"
#include "sextant/metric/inner_product.hpp"
#include "sextant/metric/squared_l2.hpp"

namespace sextant::inline v1 {

/// "squared_l2", "inner_product", "cosine"; empty for a metric that is not the library's own.
[[nodiscard]] constexpr std::string_view metric_name(MetricId id) noexcept {
    switch (id) {
        case MetricId::squared_l2: return SquaredL2::name;
        case MetricId::inner_product: return InnerProduct::name;
        case MetricId::cosine: return Cosine::name;
        case MetricId::user: break;
    }
    return {};
}

/// The inverse of metric_name().
[[nodiscard]] constexpr std::optional<MetricId> metric_from_name(std::string_view name) noexcept {
    for (const MetricId id : {MetricId::squared_l2, MetricId::inner_product, MetricId::cosine}) {
        if (metric_name(id) == name) return id;
    }
    return std::nullopt;
}

}  // namespace sextant::inline v1
