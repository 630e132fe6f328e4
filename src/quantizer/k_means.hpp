/// k_means: centroids of short vectors: seeding by k-means++ over a part of the points, then Lloyd's iterations.
/// Invariants: (1) deterministic for points and seed, on every kernel; (2) centroids are finite; (3) where there are fewer
/// distinct points than centroids, each point has a centroid of its own and the remaining centroids repeat the first.
/// Threads: confined: one KMeans works in one thread; several do at once.
/// Why only a part for the seeds: k-means++ (Arthur, Vassilvitskii 2007) reads every point once for each centroid, as much
/// work as a Lloyd iteration done less well; 16 points for each centroid to choose from seed as well as all. Of four draws the
/// one is kept that leaves the least error (greedy k-means++, section 7 there): outliers, which a single draw likes, leave
/// much.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "sextant/core/page_allocator.hpp"

namespace sextant::inline v1::detail {

/// A centroid where there shall be none: further from every point than any other.
inline constexpr float far_away = 0x1.0p60F;
/// The largest component of a point.
inline constexpr float largest_component = 0x1.0p50F;

struct KMeansShape {
    std::size_t dimension = 0;
    std::size_t columns = 0;    ///< a multiple of 16, at most 256: centroids lie transposed, [dimension][columns]
    std::size_t centroids = 0;  ///< how many of the columns are centroids; the others are far away
    std::uint32_t iterations = 25;
};

class KMeans {
public:
    /// Room for `most_points` points. Throws std::bad_alloc; nothing after this does.
    KMeans(const KMeansShape& shape, std::size_t most_points);

    /// Whether the last column is no centroid.
    void leave_out_last(bool leave_out) noexcept { shape_.centroids = shape_.columns - (leave_out ? 1U : 0U); }

    /// Where the caller puts the points, one after another.
    [[nodiscard]] float* points() noexcept { return points_.data(); }

    /// Centroids of the first `count` points. False after a stop, with centroids that mean nothing.
    [[nodiscard]] bool train(std::size_t count, std::uint64_t seed, float* centroids,
                             const std::stop_token& stop) noexcept;
    /// The same from the centroids that are there.
    [[nodiscard]] bool refine(std::size_t count, std::uint32_t iterations, float* centroids,
                              const std::stop_token& stop) noexcept;
    /// The centroid that each point is nearest to, after train() or refine().
    [[nodiscard]] const std::uint8_t* nearest() const noexcept { return nearest_.data(); }
    /// Σ of squared distances of the points to those.
    [[nodiscard]] double error() const noexcept { return error_; }

private:
    [[nodiscard]] bool seed_centroids(std::size_t count, std::uint64_t seed, float* centroids,
                                      const std::stop_token& stop) noexcept;
    [[nodiscard]] std::size_t draw(std::size_t count, double at) const noexcept;
    [[nodiscard]] bool assign(std::size_t count, const float* centroids, bool& changed,
                              const std::stop_token& stop) noexcept;
    [[nodiscard]] bool move_centroids(std::size_t count, float* centroids, const std::stop_token& stop) noexcept;
    void fill_empty(std::size_t count, float* centroids) noexcept;
    void set_centroid(float* centroids, std::size_t centroid, const float* point) const noexcept;

    KMeansShape shape_;
    std::size_t most_seeds_ = 0;
    double error_ = 0.0;
    PagedVector<float> points_;
    PagedVector<std::uint8_t> nearest_;
    PagedVector<float> distances_;
    PagedVector<float> seeds_;  ///< transposed, padded to 16
    std::vector<float> to_seed_;
    std::vector<float> best_to_seed_;
    std::vector<float> closest_;
    std::vector<double> sums_;
    std::vector<std::uint32_t> sizes_;
    std::vector<double> errors_;
};

}  // namespace sextant::inline v1::detail
