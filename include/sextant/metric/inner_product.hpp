/// InnerProduct: Σ a·b, larger is closer. Vectors are taken as they are.
/// Why no lower bound: a vector's nearest neighbour need not be itself, and distances may be negative; nothing in the
/// library may assume either.
/// Threads: immutable.
#pragma once

#include "sextant/concepts/metric.hpp"

namespace sextant::inline v1 {

namespace detail {
/// -Σ a·b by the active kernel.
[[nodiscard]] float inner_product_distance(const float* a, const float* b, std::size_t dimension) noexcept;
}  // namespace detail

struct InnerProduct {
    static constexpr MetricId id = MetricId::inner_product;
    static constexpr std::string_view name = "inner_product";
    static constexpr bool unit_length = false;
    static constexpr Geometry geometry = Geometry::inner_product;
    static constexpr bool similarity = true;

    [[nodiscard]] static DistanceFn distance_fn() noexcept { return detail::inner_product_distance; }
    [[nodiscard]] static float to_score(float distance) noexcept { return -distance; }
    [[nodiscard]] static float from_score(float score) noexcept { return -score; }
};

static_assert(Metric<InnerProduct>);

}  // namespace sextant::inline v1
