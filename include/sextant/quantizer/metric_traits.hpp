/// MetricTraits: a metric as a value, so that what quantizers and fields do with it is compiled once, not per metric.
/// Threads: values.
#pragma once

#include "sextant/concepts/metric.hpp"

namespace sextant::inline v1 {

struct MetricTraits {
    Geometry geometry = Geometry::other;
    bool unit_length = false;
    DistanceFn distance = nullptr;
};

/// The kernels know squared L2 and inner product of vectors as given, and cosine. A metric that claims one of these
/// geometries with another scaling (squared L2 of unit vectors, say) keeps its meaning and is computed by its own
/// function.
template <Metric M>
[[nodiscard]] MetricTraits metric_traits() noexcept {
    constexpr bool known = M::unit_length == (M::geometry == Geometry::cosine);
    return {known ? M::geometry : Geometry::other, M::unit_length, M::distance_fn()};
}

}  // namespace sextant::inline v1
