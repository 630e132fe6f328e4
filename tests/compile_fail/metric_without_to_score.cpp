#include <string_view>

#include "sextant/concepts/metric.hpp"

// A metric whose to_score is missing is no Metric: the concept names the member.
// expect-error: (constraints not satisfied|static assertion failed|static_assert failed)
// expect-error: M::to_score
namespace {

struct Manhattan {
    static constexpr sextant::MetricId id{0x8001};
    static constexpr std::string_view name = "manhattan";
    static constexpr bool unit_length = false;
    static constexpr bool similarity = false;
    static constexpr sextant::Geometry geometry = sextant::Geometry::other;
    static sextant::DistanceFn distance_fn() noexcept {
        return [](const float* a, const float* b, std::size_t dimension) noexcept {
            float sum = 0.0F;
            for (std::size_t i = 0; i < dimension; ++i) sum += a[i] < b[i] ? b[i] - a[i] : a[i] - b[i];
            return sum;
        };
    }
#ifdef SEXTANT_EXPECT_FAILURE
    // to_score is left out.
#else
    static float to_score(float distance) noexcept { return distance; }
#endif
    static float from_score(float score) noexcept { return score; }
};

static_assert(sextant::Metric<Manhattan>);

}  // namespace
