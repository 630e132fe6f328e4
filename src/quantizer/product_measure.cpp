// What the codes of a trained ProductModel lose, and how far their distances err.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quantizer/product_codes.hpp"
#include "quantizer/product_training.hpp"
#include "sextant/quantizer/vector_math.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr std::size_t rows_between_stops = 16;
constexpr std::size_t most_values = std::size_t{1} << 22U;
constexpr std::size_t slope_queries = 64;
constexpr std::size_t slope_neighbors = 48;
constexpr double most = std::numeric_limits<float>::max();

/// The decoded rows, one after another.
struct Decoded {
    std::vector<float> values;
    std::size_t dimension = 0;
    std::size_t count = 0;

    [[nodiscard]] const float* row(std::size_t index) const noexcept { return values.data() + index * dimension; }
};

double rounded_loss(const float* row, const float* decoded, std::size_t dimension, double unit) noexcept {
    double lost = 0.0;
    for (std::size_t d = 0; d < dimension; ++d) {
        // An outlier's loss does not describe the others: beyond what codes can say, it counts as that much.
        const double difference = (double{row[d]} - double{decoded[d]}) / unit;
        lost += std::min(difference * difference, 0x1.0p40);
    }
    return lost;
}

/// The largest (code distance - distance) / sqrt(code distance) among near pairs of rows, and a fifth.
void measure_slope(MatrixView sample, std::span<const std::size_t> rows, const Decoded& decoded, ProductModel& model,
                   const std::stop_token& stop) {
    struct Pair {
        double estimate;
        std::size_t other;
    };
    const std::size_t count = decoded.count;
    const double noise = double{model.row_error} * double{model.row_error};
    std::vector<Pair> pairs(count);
    double slope = 0.0;
    for (std::size_t n = 0; n < std::min(slope_queries, count); ++n) {
        const std::size_t q = n * count / std::min(slope_queries, count);
        const float* const query = sample.row(rows[q]).data();
        for (std::size_t i = 0; i < count; ++i) {
            if (i % rows_between_stops == 0 && stop.stop_requested()) return;
            // In double: float kernels differ in their last bits, and a codebook must not.
            pairs[i] = {l2_in_double(query, decoded.row(i), model.dimension), i};
        }
        const std::size_t near = std::min(count, slope_neighbors);
        std::partial_sort(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(near), pairs.end(),
                          [](const Pair& a, const Pair& b) {
                              return a.estimate < b.estimate || (a.estimate == b.estimate && a.other < b.other);
                          });
        for (std::size_t i = 0; i < near; ++i) {
            if (pairs[i].other == q) continue;
            const double exact = l2_in_double(query, sample.row(rows[pairs[i].other]).data(), model.dimension);
            const double root = std::sqrt(std::max(pairs[i].estimate, noise));
            if (root > 0.0) slope = std::max(slope, (pairs[i].estimate - exact) / root);
        }
    }
    slope *= 1.2;
    if (std::isfinite(slope) && slope < most) model.error_slope = static_cast<float>(slope);
}

}  // namespace

void measure_product(MatrixView sample, std::span<const std::size_t> rows, bool kept_out, ProductModel& model,
                     const std::stop_token& stop) {
    const std::size_t dimension = model.dimension;
    Decoded decoded;
    decoded.dimension = dimension;
    decoded.count = std::min(rows.size(), std::clamp<std::size_t>(most_values / dimension, 64, 1024));
    decoded.values.resize(decoded.count * dimension);
    std::vector<std::byte> code(model.code_size());
    const double unit = double{model.unit};
    double error = 0.0;
    for (std::size_t i = 0; i < decoded.count; ++i) {
        if (i % rows_between_stops == 0 && stop.stop_requested()) return;
        const float* const row = sample.row(rows[i]).data();
        float* const back = decoded.values.data() + i * dimension;
        encode_product(model, row, code.data());
        decode_product(model, code.data(), back);
        error += rounded_loss(row, back, dimension, unit);
    }
    const double mean = error / static_cast<double>(std::max<std::size_t>(decoded.count, 1));
    model.row_error = static_cast<float>(std::min(std::sqrt(mean) * unit, most));
    if (kept_out && model.row_error > 0.0F) measure_slope(sample, rows, decoded, model, stop);
}

}  // namespace sextant::inline v1::detail
