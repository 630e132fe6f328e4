/// Cosine: the cosine of the angle between two vectors, larger is closer.
/// Invariant: the vectors given to distance_fn() have length 1; the zero vector stays zero and so lies at distance 1
/// from everything, itself included.
/// Threads: immutable.
#pragma once

#include "sextant/concepts/metric.hpp"

namespace sextant::inline v1 {

namespace detail {
/// 1 - Σ a·b by the active kernel.
[[nodiscard]] float cosine_distance(const float* a, const float* b, std::size_t dimension) noexcept;
}  // namespace detail

struct Cosine {
    static constexpr MetricId id = MetricId::cosine;
    static constexpr std::string_view name = "cosine";
    static constexpr bool unit_length = true;
    static constexpr Geometry geometry = Geometry::cosine;
    static constexpr bool similarity = true;

    [[nodiscard]] static DistanceFn distance_fn() noexcept { return detail::cosine_distance; }
    [[nodiscard]] static float to_score(float distance) noexcept { return 1.0F - distance; }
    [[nodiscard]] static float from_score(float score) noexcept { return 1.0F - score; }
};

static_assert(Metric<Cosine>);

}  // namespace sextant::inline v1
