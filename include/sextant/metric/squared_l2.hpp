/// SquaredL2: Euclidean distance. Inside, distances stay squared, which orders alike and saves the root.
/// Ranges: squares are 32-bit floats, so points closer than about 1e-22 to the query are all at distance 0 and rank by id;
/// vectors longer than 9.2e18 are refused, as squares would overflow. Scale data that lives beyond.
/// Threads: immutable.
#pragma once

#include <cmath>

#include "sextant/concepts/metric.hpp"
#include "sextant/kernel/kernel_table.hpp"

namespace sextant::inline v1 {

struct SquaredL2 {
    static constexpr MetricId id = MetricId::squared_l2;
    static constexpr std::string_view name = "squared_l2";
    static constexpr bool unit_length = false;
    static constexpr Geometry geometry = Geometry::squared_l2;
    static constexpr bool similarity = false;

    [[nodiscard]] static DistanceFn distance_fn() noexcept { return active_kernels().l2_f32; }
    /// The Euclidean distance.
    [[nodiscard]] static float to_score(float distance) noexcept { return std::sqrt(distance); }
    /// Keeps the sign, so that a negative threshold admits nothing rather than what lies within its square.
    [[nodiscard]] static float from_score(float score) noexcept { return score * std::fabs(score); }
};

static_assert(Metric<SquaredL2>);

}  // namespace sextant::inline v1
