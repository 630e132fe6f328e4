#include "sextant/metric/metrics.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"

namespace {

using sextant::Cosine;
using sextant::InnerProduct;
using sextant::SquaredL2;

/// Within a few roundings.
bool near(float got, float want) { return std::fabs(got - want) <= 1e-6F * std::fabs(want); }

const std::vector<float> three_four{3.0F, 4.0F, 0.0F};
const std::vector<float> origin{0.0F, 0.0F, 0.0F};
const std::vector<float> unit_x{1.0F, 0.0F, 0.0F};
const std::vector<float> diagonal{0.6F, 0.8F, 0.0F};

}  // namespace

TEST_CASE("squared L2 orders by the square and scores the Euclidean distance", "[kernel][metric]") {
    const float distance = SquaredL2::distance_fn()(three_four.data(), origin.data(), 3);
    CHECK(distance == 25.0F);
    CHECK(SquaredL2::to_score(distance) == 5.0F);
    CHECK(SquaredL2::from_score(5.0F) == 25.0F);
    CHECK(SquaredL2::from_score(-5.0F) == -25.0F);  // admits nothing: every distance is larger
    CHECK_FALSE(SquaredL2::similarity);
    CHECK_FALSE(SquaredL2::unit_length);
}

TEST_CASE("inner product: a larger product is a smaller distance", "[kernel][metric]") {
    const float close = InnerProduct::distance_fn()(three_four.data(), diagonal.data(), 3);
    const float far = InnerProduct::distance_fn()(three_four.data(), unit_x.data(), 3);
    CHECK(near(close, -5.0F));
    CHECK(near(far, -3.0F));
    CHECK(close < far);
    CHECK(near(InnerProduct::to_score(close), 5.0F));
    CHECK(InnerProduct::from_score(InnerProduct::to_score(far)) == far);
    CHECK(InnerProduct::similarity);
}

TEST_CASE("cosine of unit vectors; the zero vector is at distance 1 from everything", "[kernel][metric]") {
    CHECK(near(Cosine::distance_fn()(diagonal.data(), unit_x.data(), 3), 0.4F));
    CHECK(near(Cosine::to_score(0.4F), 0.6F));
    CHECK(near(Cosine::from_score(0.6F), 0.4F));
    CHECK(Cosine::distance_fn()(origin.data(), unit_x.data(), 3) == 1.0F);
    CHECK(Cosine::distance_fn()(origin.data(), origin.data(), 3) == 1.0F);
    CHECK(Cosine::similarity);
    CHECK(Cosine::unit_length);
}

TEST_CASE("metric names are stable and invertible", "[metric]") {
    CHECK(sextant::metric_name(sextant::MetricId::squared_l2) == "squared_l2");
    CHECK(sextant::metric_name(sextant::MetricId::inner_product) == "inner_product");
    CHECK(sextant::metric_name(sextant::MetricId::cosine) == "cosine");
    CHECK(sextant::metric_name(sextant::MetricId::user).empty());
    CHECK(sextant::metric_name(static_cast<sextant::MetricId>(77)).empty());
    for (const auto id : {SquaredL2::id, InnerProduct::id, Cosine::id}) {
        CHECK(sextant::metric_from_name(sextant::metric_name(id)) == id);
    }
    CHECK_FALSE(sextant::metric_from_name("manhattan").has_value());
    CHECK_FALSE(sextant::metric_from_name("").has_value());
}

TEST_CASE("metric identities are what files store", "[metric]") {
    CHECK(static_cast<int>(SquaredL2::id) == 1);
    CHECK(static_cast<int>(InnerProduct::id) == 2);
    CHECK(static_cast<int>(Cosine::id) == 3);
}
