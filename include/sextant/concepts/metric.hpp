/// Metric: what "near" means. A model is an empty type whose every member is static.
/// Invariant: a distance is smaller-is-closer, always; to_score is the only place with a sign.
/// Threads: a model is immutable: it has no data.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "sextant/core/types.hpp"

namespace sextant::inline v1 {

/// REQUIRES: both vectors hold `dimension` floats; where the metric has unit_length, both have length 1 (or are zero).
using DistanceFn = float (*)(const float* a, const float* b, std::size_t dimension) noexcept;

/// Which kernels and which integer arithmetic can stand in for the metric's own function.
enum class Geometry : std::uint8_t {
    other = 0,          ///< only distance_fn(): every code is decoded before it is compared
    squared_l2 = 1,     ///< distance = Σ (a-b)²
    inner_product = 2,  ///< distance = -Σ a·b
    cosine = 3,         ///< distance = 1 - Σ a·b of unit vectors
};

template <class M>
concept Metric = std::is_empty_v<M> && std::default_initializable<M> && requires(float distance, float score) {
    { M::id } -> std::same_as<const MetricId&>;
    { M::name } -> std::convertible_to<std::string_view>;
    { M::unit_length } -> std::same_as<const bool&>;               ///< the library scales vectors to length 1 first
    { M::geometry } -> std::same_as<const Geometry&>;              ///< Geometry::other for user-written metrics
    { M::distance_fn() } noexcept -> std::same_as<DistanceFn>;     ///< asked once per query
    { M::to_score(distance) } noexcept -> std::same_as<float>;     ///< the metric's natural sign and scale
    { M::from_score(score) } noexcept -> std::same_as<float>;      ///< inverse of to_score, for thresholds
    { M::similarity } -> std::same_as<const bool&>;                ///< true: a larger score is closer
};

}  // namespace sextant::inline v1
