#include "sextant/format/calibration.hpp"

#include <algorithm>
#include <cmath>

#include "sextant/core/limits.hpp"

namespace sextant::inline v1 {
namespace {

/// The k that points are measured at.
constexpr double measured_k = 10.0;

}  // namespace

std::size_t Calibration::ef_for(float target, std::size_t k) const noexcept {
    if (point_count == 0) return 0;
    double ef = 2.0 * points[point_count - 1].ef;
    for (std::size_t i = 0; i < point_count; ++i) {
        const CalibrationPoint& point = points[i];
        if (point.recall < target) continue;
        ef = point.ef;
        // The curve is concave, so that the line asks for more than the curve would.
        if (i > 0 && point.recall > points[i - 1].recall) {
            const CalibrationPoint& before = points[i - 1];
            const double share = (double{target} - before.recall) / (double{point.recall} - before.recall);
            ef = before.ef + (double{1} * point.ef - before.ef) * share;
        }
        break;
    }
    ef = std::ceil(ef * std::max(1.0, static_cast<double>(k) / measured_k));
    return std::clamp(static_cast<std::size_t>(ef), std::min(k, limits::max_ef), limits::max_ef);
}

std::size_t Calibration::depth_for(std::size_t k) const noexcept {
    return static_cast<std::size_t>(std::ceil(double{oversampling} * static_cast<double>(k)));
}

}  // namespace sextant::inline v1
