#include "sextant/quantizer/vector_math.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

using namespace sextant;
using namespace sextant::detail;

namespace {
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float largest = std::numeric_limits<float>::max();
}  // namespace

TEST_CASE("norms are right where float sums overflow or vanish", "[quantizer]") {
    CHECK(square_norm(std::vector<float>{3.0F, 4.0F}) == 25.0);
    CHECK(square_norm(std::vector<float>(9, 1e38F)) == Approx(9e76));
    CHECK(square_norm(std::vector<float>(9, 1e-40F)) == Approx(9e-80).epsilon(1e-3));
    CHECK(square_norm({}) == 0.0);
}

TEST_CASE("the inverse norm is 0 for the zero vector and infinite where no normal float holds it", "[quantizer]") {
    CHECK(inverse_norm(std::vector<float>{3.0F, 4.0F}) == 0.2F);
    CHECK(inverse_norm(std::vector<float>(5, 0.0F)) == 0.0F);
    CHECK(inverse_norm(std::vector<float>(5, 1e-42F)) == infinity);
    CHECK(inverse_norm(std::vector<float>(784, 1e38F)) == infinity);
    CHECK(inverse_norm(std::vector<float>(1, 1e37F)) == Approx(1e-37F));
}

TEST_CASE("a vector of any length becomes one of length 1, the zero vector stays zero", "[quantizer]") {
    for (const float size : {1e-44F, 1e-40F, 1e-20F, 1.0F, 1e20F, 3e38F}) {
        std::vector<float> v{size, 0.0F, -size, size};
        std::vector<float> unit(4);
        REQUIRE(to_unit(v, unit.data()));
        CHECK(std::sqrt(square_norm(unit)) == Approx(1.0));
        CHECK(unit[2] == -unit[0]);
    }
    std::vector<float> unit(3, 7.0F);
    CHECK_FALSE(to_unit(std::vector<float>(3, 0.0F), unit.data()));
    CHECK(unit == std::vector<float>(3, 0.0F));
}

TEST_CASE("cosine distance in double knows every length and calls the zero vector 1 away", "[quantizer]") {
    const float a[] = {1e38F, 1e38F};
    const float b[] = {1e-44F, 0.0F};
    const float zero[] = {0.0F, -0.0F};
    CHECK(cosine_distance_in_double(a, b, 2) == Approx(1.0 - std::sqrt(0.5)));
    CHECK(cosine_distance_in_double(a, zero, 2) == 1.0);
    CHECK(cosine_distance_in_double(zero, zero, 2) == 1.0);
}

TEST_CASE("saturated distances keep their order past the largest float", "[quantizer]") {
    CHECK(saturate(1.5) == 1.5F);
    CHECK(saturate(-2.0) == -2.0F);
    CHECK(saturate(3e38) == 3e38F);
    float previous = saturate(3e38);
    for (double distance = 3.45e38; distance < 1e82; distance *= 1.02) {
        const float kept = saturate(distance);
        REQUIRE(kept > previous);
        REQUIRE(kept <= largest);
        REQUIRE(saturate(-distance) == -kept);
        previous = kept;
    }
    CHECK(saturate(std::numeric_limits<double>::infinity()) == largest);
    CHECK(saturate(std::numeric_limits<double>::quiet_NaN()) == largest);
}

TEST_CASE("a non-finite float is noticed at every place", "[quantizer]") {
    for (std::size_t count = 0; count < 70; ++count) {
        std::vector<float> values(count, largest);
        CHECK_FALSE(any_non_finite(values.data(), count));
        for (std::size_t i = 0; i < count; ++i) {
            for (const float bad : {infinity, -infinity, std::nanf("")}) {
                values[i] = bad;
                REQUIRE(any_non_finite(values.data(), count));
            }
            values[i] = -largest;
        }
    }
}

TEST_CASE("double sums agree with a plain loop for every length", "[quantizer]") {
    const auto vectors = test_support::normal_vectors(2, 131, 5);
    for (std::size_t dimension = 0; dimension <= 131; ++dimension) {
        const VectorView a = vectors[0].first(dimension);
        const VectorView b = vectors[1].first(dimension);
        CHECK(l2_in_double(a.data(), b.data(), dimension) == Approx(test_support::l2(a, b)));
        CHECK(dot_in_double(a.data(), b.data(), dimension) == Approx(test_support::dot(a, b)).margin(1e-9));
    }
}
