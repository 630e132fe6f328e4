#include "quantizer/k_means.hpp"

#include <algorithm>
#include <limits>

#include "sextant/core/random.hpp"
#include "sextant/kernel/product_kernel_table.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Multiply-adds between two looks at the stop token: less than a millisecond of the slowest kernel.
constexpr std::size_t work_between_stops = std::size_t{1} << 21U;
constexpr std::size_t values_between_stops = std::size_t{1} << 19U;
/// Floats of the points that seeds are chosen from.
constexpr std::size_t most_seed_values = std::size_t{1} << 21U;
constexpr std::size_t seeds_per_centroid = 16;
/// Of as many draws the one is kept that leaves the least error.
constexpr std::size_t seed_trials = 4;
/// Weights are added up in groups first, so that a draw looks at few of them.
constexpr std::size_t draw_group = 64;
constexpr std::size_t most_chunk = 512;

constexpr std::size_t up_to_16(std::size_t count) noexcept { return (count + 15) / 16 * 16; }

}  // namespace

KMeans::KMeans(const KMeansShape& shape, std::size_t most_points)
    : shape_(shape),
      most_seeds_(std::clamp(most_seed_values / std::max<std::size_t>(shape.dimension, 1), 2 * shape.columns,
                             seeds_per_centroid * shape.columns)),
      points_(most_points * shape.dimension),
      nearest_(most_points),
      distances_(most_points),
      seeds_(up_to_16(std::min(most_points, most_seeds_)) * shape.dimension),
      to_seed_(up_to_16(std::min(most_points, most_seeds_))),
      best_to_seed_(to_seed_.size()),
      closest_(to_seed_.size()),
      sums_(shape.columns * shape.dimension),
      sizes_(shape.columns),
      errors_(shape.columns) {}

void KMeans::set_centroid(float* centroids, std::size_t centroid, const float* point) const noexcept {
    for (std::size_t j = 0; j < shape_.dimension; ++j) centroids[j * shape_.columns + centroid] = point[j];
}

/// The seed at which the weights, added up, pass `at`.
std::size_t KMeans::draw(std::size_t count, double at) const noexcept {
    double passed = 0.0;
    for (std::size_t first = 0; first < count; first += draw_group) {
        const std::size_t end = std::min(first + draw_group, count);
        double group = 0.0;
        for (std::size_t i = first; i < end; ++i) group += double{closest_[i]};
        if (passed + group < at) {
            passed += group;
            continue;
        }
        for (std::size_t i = first; i < end; ++i) {
            passed += double{closest_[i]};
            if (passed >= at && closest_[i] > 0.0F) return i;
        }
    }
    // Rounding left nothing over: the last with a weight.
    std::size_t last = count - 1;
    while (last > 0 && !(closest_[last] > 0.0F)) --last;
    return last;
}

bool KMeans::seed_centroids(std::size_t count, std::uint64_t seed, float* centroids,
                            const std::stop_token& stop) noexcept {
    const std::size_t dimension = shape_.dimension;
    const std::size_t seeds = std::min(count, most_seeds_);
    const std::size_t padded = up_to_16(seeds);
    const auto point_of = [&](std::size_t i) { return points_.data() + i * count / seeds * dimension; };
    for (std::size_t i = 0; i < padded; ++i) {
        const float* const point = point_of(std::min(i, seeds - 1));
        for (std::size_t j = 0; j < dimension; ++j) seeds_[j * padded + i] = point[j];
    }
    std::fill_n(centroids, shape_.columns * dimension, far_away);
    std::fill(closest_.begin(), closest_.end(), std::numeric_limits<float>::max());
    Random random(seed);
    const std::size_t first = random.below(seeds);
    double total = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < shape_.centroids; ++c) {
        if (stop.stop_requested()) return false;
        std::size_t chosen = first;
        double least = total;
        for (std::size_t t = 0; t < (c == 0 || !(total > 0.0) ? 1 : seed_trials); ++t) {
            // Every point is a centroid by now: the others repeat the first.
            const std::size_t tried = c == 0 || !(total > 0.0) ? first : draw(seeds, random.uniform() * total);
            product_kernels().l2_columns_f32(point_of(tried), seeds_.data(), dimension, padded, to_seed_.data());
            double left = 0.0;
            for (std::size_t i = 0; i < seeds; ++i) {
                to_seed_[i] = std::min(closest_[i], to_seed_[i]);
                left += double{to_seed_[i]};
            }
            if (t > 0 && !(left < least)) continue;
            chosen = tried;
            least = left;
            std::swap(to_seed_, best_to_seed_);
        }
        set_centroid(centroids, c, point_of(chosen));
        std::swap(closest_, best_to_seed_);
        total = least;
    }
    return true;
}

bool KMeans::assign(std::size_t count, const float* centroids, bool& changed, const std::stop_token& stop) noexcept {
    const std::size_t chunk =
        std::clamp<std::size_t>(work_between_stops / (shape_.columns * shape_.dimension), 1, most_chunk);
    std::uint8_t nearest[most_chunk];
    changed = false;
    error_ = 0.0;
    for (std::size_t first = 0; first < count; first += chunk) {
        if (stop.stop_requested()) return false;
        const std::size_t size = std::min(chunk, count - first);
        product_kernels().nearest_columns_f32(points_.data() + first * shape_.dimension, shape_.dimension, size,
                                              centroids, shape_.dimension, shape_.columns, nearest,
                                              distances_.data() + first);
        changed = changed || !std::equal(nearest, nearest + size, nearest_.data() + first);
        std::copy_n(nearest, size, nearest_.data() + first);
        for (std::size_t i = 0; i < size; ++i) error_ += double{distances_[first + i]};
    }
    return true;
}

bool KMeans::move_centroids(std::size_t count, float* centroids, const std::stop_token& stop) noexcept {
    const std::size_t dimension = shape_.dimension;
    const std::size_t chunk = std::max<std::size_t>(values_between_stops / dimension, 1);
    std::fill(sums_.begin(), sums_.end(), 0.0);
    std::fill(sizes_.begin(), sizes_.end(), 0U);
    std::fill(errors_.begin(), errors_.end(), 0.0);
    for (std::size_t i = 0; i < count; ++i) {
        if (i % chunk == 0 && stop.stop_requested()) return false;
        const std::size_t c = nearest_[i];
        const float* const point = points_.data() + i * dimension;
        double* const sum = sums_.data() + c * dimension;
        for (std::size_t j = 0; j < dimension; ++j) sum[j] += double{point[j]};
        ++sizes_[c];
        errors_[c] += double{distances_[i]};
    }
    for (std::size_t c = 0; c < shape_.centroids; ++c) {
        if (sizes_[c] == 0) continue;
        const double share = 1.0 / static_cast<double>(sizes_[c]);
        for (std::size_t j = 0; j < dimension; ++j) {
            centroids[j * shape_.columns + c] = static_cast<float>(sums_[c * dimension + j] * share);
        }
    }
    fill_empty(count, centroids);
    return true;
}

/// A centroid that no point is nearest to goes where most is lost: to the point furthest from its centroid in the cluster
/// with the largest error.
void KMeans::fill_empty(std::size_t count, float* centroids) noexcept {
    for (std::size_t c = 0; c < shape_.centroids; ++c) {
        if (sizes_[c] != 0) continue;
        const auto worst = std::max_element(errors_.begin(), errors_.end());
        if (!(*worst > 0.0)) return;  // nothing is lost anywhere
        const auto cluster = static_cast<std::size_t>(worst - errors_.begin());
        std::size_t furthest = count;
        for (std::size_t i = 0; i < count; ++i) {
            if (nearest_[i] != cluster || !(distances_[i] > 0.0F)) continue;
            if (furthest == count || distances_[i] > distances_[furthest]) furthest = i;
        }
        if (furthest == count) {  // its points were all given away; rounding left an error
            *worst = 0.0;
            --c;
            continue;
        }
        set_centroid(centroids, c, points_.data() + furthest * shape_.dimension);
        *worst -= double{distances_[furthest]};
        distances_[furthest] = 0.0F;
    }
}

bool KMeans::train(std::size_t count, std::uint64_t seed, float* centroids, const std::stop_token& stop) noexcept {
    return seed_centroids(count, seed, centroids, stop) && refine(count, shape_.iterations, centroids, stop);
}

bool KMeans::refine(std::size_t count, std::uint32_t iterations, float* centroids,
                    const std::stop_token& stop) noexcept {
    for (std::uint32_t i = 0; i < iterations; ++i) {
        bool changed = false;
        if (!assign(count, centroids, changed, stop)) return false;
        if (!changed && i > 0) return true;
        if (!move_centroids(count, centroids, stop)) return false;
    }
    return true;
}

}  // namespace sextant::inline v1::detail
