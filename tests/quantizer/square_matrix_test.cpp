#include "quantizer/square_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sextant/core/executor.hpp"
#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

using sextant::detail::orthogonal_factor;
using sextant::detail::SquareMatrix;

namespace {

SquareMatrix random_matrix(std::size_t size, std::uint64_t seed) {
    SquareMatrix matrix(size);
    const auto values = test_support::normal_vectors(size, size, seed);
    std::copy(values.values.begin(), values.values.end(), matrix.data());
    return matrix;
}

double largest_off_identity(const SquareMatrix& matrix) {
    double worst = 0.0;
    for (std::size_t a = 0; a < matrix.size(); ++a) {
        for (std::size_t b = 0; b < matrix.size(); ++b) {
            const double product = test_support::dot({matrix.row(a), matrix.size()}, {matrix.row(b), matrix.size()});
            worst = std::max(worst, std::fabs(product - (a == b ? 1.0 : 0.0)));
        }
    }
    return worst;
}

}  // namespace

TEST_CASE("the orthogonal factor is orthogonal, and what is left is symmetric and not negative",
          "[quantizer][kernel]") {
    const std::size_t size = GENERATE(as<std::size_t>{}, 16, 48, 128);
    const SquareMatrix given = random_matrix(size, 3);
    SquareMatrix factor = given;
    REQUIRE(orthogonal_factor(factor, {}));
    CHECK(largest_off_identity(factor) < 1e-4);
    // given = factor · P, so P = factor^T · given.
    const auto p = [&](std::size_t a, std::size_t b) {
        double sum = 0.0;
        for (std::size_t k = 0; k < size; ++k) sum += double{factor.row(k)[a]} * double{given.row(k)[b]};
        return sum;
    };
    for (std::size_t a = 0; a < size; ++a) {
        REQUIRE(p(a, a) > 0.0);
        for (std::size_t b = 0; b < a; ++b) REQUIRE(p(a, b) == Approx(p(b, a)).margin(0.01));
    }
}

TEST_CASE("singular values between 1 and 1 in 10,000 arrive", "[quantizer][kernel]") {
    SquareMatrix matrix = SquareMatrix::identity(32);
    for (std::size_t i = 0; i < 32; ++i) matrix.row(i)[i] = std::pow(10.0F, -4.0F * static_cast<float>(i) / 31.0F);
    REQUIRE(orthogonal_factor(matrix, {}));
    CHECK(largest_off_identity(matrix) < 1e-4);
    CHECK(matrix.row(31)[31] == Approx(1.0));
}

TEST_CASE("matrices without an orthogonal factor that could be found are refused", "[quantizer][kernel]") {
    SquareMatrix zeros(16);
    CHECK_FALSE(orthogonal_factor(zeros, {}));
    SquareMatrix singular = SquareMatrix::identity(16);
    singular.row(3)[3] = 0.0F;
    CHECK_FALSE(orthogonal_factor(singular, {}));
    SquareMatrix infinite = SquareMatrix::identity(16);
    infinite.row(3)[3] = std::numeric_limits<float>::infinity();
    CHECK_FALSE(orthogonal_factor(infinite, {}));
}

TEST_CASE("the orthogonal factor has the same bits with every executor", "[quantizer][threads]") {
    const SquareMatrix given = random_matrix(96, 8);
    SquareMatrix alone = given;
    REQUIRE(orthogonal_factor(alone, {}));
    sextant::ThreadPoolExecutor pool(3);
    SquareMatrix shared = given;
    REQUIRE(orthogonal_factor(shared, {.executor = &pool}));
    CHECK(std::equal(alone.data(), alone.data() + 96 * 96, shared.data()));
    std::stop_source stop;
    stop.request_stop();
    CHECK_FALSE(orthogonal_factor(shared, {.stop = stop.get_token()}));
}

TEST_CASE("the bound of a matrix is not below its largest singular value", "[quantizer]") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const SquareMatrix matrix = random_matrix(16, seed);
        std::vector<double> vector(16, 1.0);
        double length = 0.0;
        for (int round = 0; round < 50; ++round) {  // power iteration on matrix^T · matrix
            std::vector<double> image(16, 0.0);
            for (std::size_t r = 0; r < 16; ++r) {
                for (std::size_t c = 0; c < 16; ++c) image[r] += double{matrix.row(r)[c]} * vector[c];
            }
            std::vector<double> back(16, 0.0);
            for (std::size_t r = 0; r < 16; ++r) {
                for (std::size_t c = 0; c < 16; ++c) back[c] += double{matrix.row(r)[c]} * image[r];
            }
            length = 0.0;
            for (const double value : back) length += value * value;
            length = std::sqrt(length);
            for (std::size_t c = 0; c < 16; ++c) vector[c] = back[c] / length;
        }
        CHECK(double{matrix.norm_bound()} >= 0.9999 * std::sqrt(length));
    }
    CHECK(SquareMatrix(16).norm_bound() == 0.0F);
}
