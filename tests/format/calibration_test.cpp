#include "sextant/format/calibration.hpp"

#include "sextant/core/limits.hpp"
#include "support/catch.hpp"

using namespace sextant;

namespace {

Calibration three_points() {
    Calibration calibration{.queries = 100, .point_count = 3, .code_recall = 0.5F, .oversampling = 2.55F};
    calibration.points[0] = {10, 0.75F};
    calibration.points[1] = {20, 0.875F};
    calibration.points[2] = {40, 0.9375F};
    return calibration;
}

}  // namespace

TEST_CASE("an ef lies on the line between the points around the target, and grows with k", "[format]") {
    const Calibration calibration = three_points();
    CHECK(calibration.ef_for(0.5F, 10) == 10);
    CHECK(calibration.ef_for(0.75F, 10) == 10);
    CHECK(calibration.ef_for(0.8125F, 10) == 15);
    CHECK(calibration.ef_for(0.90625F, 10) == 30);
    CHECK(calibration.ef_for(0.9375F, 10) == 40);
    CHECK(calibration.ef_for(0.99F, 10) == 80);
    CHECK(calibration.ef_for(0.9375F, 1) == 40);
    CHECK(calibration.ef_for(0.9375F, 100) == 400);
    CHECK(calibration.ef_for(0.99F, limits::max_k) == limits::max_ef);
    CHECK(Calibration{}.ef_for(0.9F, 10) == 0);
}

TEST_CASE("a depth of rescoring is a multiple of k, rounded up", "[format]") {
    CHECK(three_points().depth_for(10) == 26);
    CHECK(three_points().depth_for(1) == 3);
    CHECK(Calibration{}.depth_for(10) == 0);
}
