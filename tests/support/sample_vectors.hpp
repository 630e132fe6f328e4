/// sample_vectors: seeded vectors for tests of quantizers and fields.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sextant/core/random.hpp"
#include "sextant/core/types.hpp"

namespace test_support {

/// Rows of one dimension, one after another.
struct Vectors {
    std::size_t dimension = 0;
    std::vector<float> values = {};

    [[nodiscard]] std::size_t size() const { return dimension == 0 ? 0 : values.size() / dimension; }
    [[nodiscard]] sextant::VectorView operator[](std::size_t row) const {
        return {values.data() + row * dimension, dimension};
    }
    [[nodiscard]] float* row(std::size_t row) { return values.data() + row * dimension; }
    [[nodiscard]] sextant::MatrixView matrix() const { return {values.data(), size(), dimension, dimension}; }
};

/// A normal deviate (Box and Muller 1958).
inline float normal(sextant::Random& random) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform()));
    return static_cast<float>(radius * std::cos(6.283185307179586 * random.uniform()));
}

inline Vectors normal_vectors(std::size_t rows, std::size_t dimension, std::uint64_t seed, float scale = 1.0F) {
    sextant::Random random(seed);
    Vectors vectors{dimension, std::vector<float>(rows * dimension)};
    for (float& value : vectors.values) value = scale * normal(random);
    return vectors;
}

/// Rows around `clusters` centres: each row a centre plus noise of a quarter of the distance between centres.
inline Vectors clustered_vectors(std::size_t rows, std::size_t dimension, std::uint64_t seed,
                                 std::size_t clusters = 32) {
    const Vectors centres = normal_vectors(clusters, dimension, 12345);
    sextant::Random random(seed);
    Vectors vectors{dimension, std::vector<float>(rows * dimension)};
    for (std::size_t r = 0; r < rows; ++r) {
        const auto centre = centres[random.below(clusters)];
        for (std::size_t d = 0; d < dimension; ++d) vectors.row(r)[d] = centre[d] + 0.3F * normal(random);
    }
    return vectors;
}

/// Whole numbers 0..255, many of them 0, as in pictures.
inline Vectors pixel_vectors(std::size_t rows, std::size_t dimension, std::uint64_t seed) {
    sextant::Random random(seed);
    Vectors vectors{dimension, std::vector<float>(rows * dimension)};
    for (float& value : vectors.values) {
        value = random.below(2) == 0 ? 0.0F : static_cast<float>(random.below(256));
    }
    return vectors;
}

inline double l2(sextant::VectorView a, sextant::VectorView b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - double{b[i]}) * (double{a[i]} - double{b[i]});
    return sum;
}

inline double dot(sextant::VectorView a, sextant::VectorView b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
    return sum;
}

inline double cosine_distance(sextant::VectorView a, sextant::VectorView b) {
    const double length = std::sqrt(dot(a, a)) * std::sqrt(dot(b, b));
    return length > 0.0 ? 1.0 - dot(a, b) / length : 1.0;
}

}  // namespace test_support
