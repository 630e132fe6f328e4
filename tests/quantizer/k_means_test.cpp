#include "quantizer/k_means.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

using sextant::detail::far_away;
using sextant::detail::KMeans;
using sextant::detail::KMeansShape;
using test_support::Vectors;

namespace {

struct Trained {
    KMeans means;
    std::vector<float> centroids;
    bool whole;
};

Trained train(const Vectors& points, const KMeansShape& shape, std::uint64_t seed = 1, bool leave_out = false) {
    Trained trained{KMeans(shape, points.size()), std::vector<float>(shape.columns * shape.dimension), false};
    std::copy(points.values.begin(), points.values.end(), trained.means.points());
    trained.means.leave_out_last(leave_out);
    trained.whole = trained.means.train(points.size(), seed, trained.centroids.data(), {});
    return trained;
}

std::vector<float> centroid(const Trained& trained, const KMeansShape& shape, std::size_t c) {
    std::vector<float> out;
    for (std::size_t j = 0; j < shape.dimension; ++j) out.push_back(trained.centroids[j * shape.columns + c]);
    return out;
}

}  // namespace

TEST_CASE("well separated clusters get a centroid each", "[quantizer][kernel]") {
    const KMeansShape shape{2, 16, 16, 25};
    Vectors points{2, {}};
    sextant::Random random(5);
    for (std::size_t i = 0; i < 1600; ++i) {
        points.values.push_back(100.0F * static_cast<float>(i % 4) + static_cast<float>(random.uniform()));
        points.values.push_back(100.0F * static_cast<float>(i / 4 % 4) + static_cast<float>(random.uniform()));
    }
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Trained trained = train(points, shape, seed);
        REQUIRE(trained.whole);
        std::set<std::pair<int, int>> cells;
        for (std::size_t c = 0; c < 16; ++c) {
            const auto at = centroid(trained, shape, c);
            cells.emplace(static_cast<int>(at[0] / 100.0F), static_cast<int>(at[1] / 100.0F));
        }
        REQUIRE(cells.size() == 16);
        REQUIRE(trained.means.error() < 1600 * 0.5);
    }
}

TEST_CASE("iterations lower the error, and converge", "[quantizer][kernel]") {
    const Vectors points = test_support::normal_vectors(3000, 4, 2);
    double last = std::numeric_limits<double>::infinity();
    for (const std::uint32_t iterations : {1U, 2U, 4U, 8U}) {
        const double error = train(points, {4, 256, 256, iterations}).means.error();
        CHECK(error < last);
        last = error;
    }
    CHECK(train(points, {4, 256, 256, 1000}).means.error() <= last);
}

TEST_CASE("no centroid is left without a point while points are lost", "[quantizer][kernel]") {
    // Nearly all points are one: seeding by distance finds the others, Lloyd's iterations alone would not.
    Vectors points{1, std::vector<float>(5000, 1.0F)};
    for (std::size_t i = 0; i < 40; ++i) points.values[i * 100] = 10.0F + static_cast<float>(i);
    const KMeansShape shape{1, 256, 256, 25};
    for (std::uint64_t seed = 0; seed < 10; ++seed) REQUIRE(train(points, shape, seed).means.error() == 0.0);
}

TEST_CASE("centroids beyond the distinct points repeat the first", "[quantizer][kernel]") {
    const Vectors points = test_support::normal_vectors(5, 3, 2);
    const KMeansShape shape{3, 16, 16, 25};
    const Trained trained = train(points, shape);
    CHECK(trained.means.error() == 0.0);
    std::set<std::vector<float>> distinct;
    for (std::size_t c = 0; c < 16; ++c) distinct.insert(centroid(trained, shape, c));
    CHECK(distinct.size() == 5);
    for (std::size_t c = 5; c < 16; ++c) CHECK(centroid(trained, shape, c) == centroid(trained, shape, 0));
}

TEST_CASE("a column left out is far away and nearest to nothing", "[quantizer][kernel]") {
    const Vectors points = test_support::normal_vectors(600, 3, 2);
    const KMeansShape shape{3, 16, 16, 25};
    const Trained trained = train(points, shape, 1, true);
    CHECK(centroid(trained, shape, 15) == std::vector<float>(3, far_away));
    for (std::size_t i = 0; i < 600; ++i) REQUIRE(trained.means.nearest()[i] < 15);
}

TEST_CASE("points of the largest size leave centroids and error finite", "[quantizer][kernel]") {
    Vectors points = test_support::normal_vectors(300, 4, 2);
    for (std::size_t i = 0; i < 300; ++i) points.values[i] = i % 2 == 0 ? 0x1.0p50F : -0x1.0p50F;
    const Trained trained = train(points, {4, 16, 16, 25});
    CHECK(std::isfinite(trained.means.error()));
    for (const float value : trained.centroids) REQUIRE(std::fabs(value) <= 0x1.0p50F);
}

TEST_CASE("k-means stops when it is asked to", "[quantizer]") {
    std::stop_source stop;
    stop.request_stop();
    const Vectors points = test_support::normal_vectors(300, 4, 2);
    KMeans means({4, 16, 16, 25}, 300);
    std::copy(points.values.begin(), points.values.end(), means.points());
    std::vector<float> centroids(64);
    CHECK_FALSE(means.train(300, 1, centroids.data(), stop.get_token()));
    CHECK_FALSE(means.refine(300, 1, centroids.data(), stop.get_token()));
}
