#include "quantizer/product_training.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "core/format_text.hpp"
#include "quantizer/k_means.hpp"
#include "quantizer/parallel_work.hpp"
#include "quantizer/product_codes.hpp"
#include "quantizer/product_rotation.hpp"
#include "sextant/core/random.hpp"
#include "sextant/quantizer/vector_math.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr std::size_t rows_between_stops = 256;
/// Samples from which on rows are kept out of training to measure with, and how many.
constexpr std::size_t least_divided = 1024;
constexpr std::size_t most_kept_out = 512;
constexpr std::size_t most_magnitudes = std::size_t{1} << 16U;
/// Exponents of usual sizes within which the unit is 1: squares, and sums of 65,536 of them, are far from both ends.
constexpr int widest_exponent = 30;
constexpr int least_unit = -120;
constexpr int largest_unit = 126;

Error cancelled() { return {ErrorCode::cancelled, "training of the product quantizer was cancelled"}; }

/// `count` row numbers spread evenly over `total`.
std::vector<std::size_t> spread(std::size_t total, std::size_t count) {
    count = std::min(total, count);
    std::vector<std::size_t> rows(count);
    for (std::size_t i = 0; i < count; ++i) rows[i] = i * total / count;
    return rows;
}

Result<void> check_finite(MatrixView sample, const std::stop_token& stop) {
    for (std::size_t r = 0; r < sample.row_count; ++r) {
        if (r % rows_between_stops == 0 && stop.stop_requested()) return cancelled();
        if (any_non_finite(sample.row(r).data(), sample.dimension)) {
            return invalid_argument(format_text("row {} of the sample has a component that is not finite", r));
        }
    }
    return {};
}

/// 1, or a power of two near the usual size of components where their squares would leave the floats.
float unit_of(MatrixView sample) {
    const std::size_t total = sample.row_count * sample.dimension;
    const std::size_t count = std::min(total, most_magnitudes);
    std::vector<float> sizes;
    sizes.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        // Evenly through the sample, but not in step with its dimension.
        const std::size_t row = i * sample.row_count / count;
        const std::size_t column = count == total ? i % sample.dimension : mix64(i) % sample.dimension;
        const float size = std::fabs(sample.row(row)[column]);
        if (size > 0.0F) sizes.push_back(size);
    }
    if (sizes.empty()) return 1.0F;
    const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
    std::nth_element(sizes.begin(), middle, sizes.end());
    int exponent = 0;
    static_cast<void>(std::frexp(*middle, &exponent));
    if (std::abs(exponent) <= widest_exponent) return 1.0F;
    return std::ldexp(1.0F, std::clamp(exponent, least_unit, largest_unit));
}

/// Rows to learn from and rows to measure with.
struct Division {
    std::vector<std::size_t> learned;
    std::vector<std::size_t> measured;
    bool kept_out = false;  ///< the measured ones are not among the learned ones
};

Division divide(std::size_t row_count) {
    Division division;
    if (row_count < least_divided) {
        division.learned = spread(row_count, row_count);
        division.measured = division.learned;
        return division;
    }
    division.kept_out = true;
    division.measured = spread(row_count, std::min(row_count / 8, most_kept_out));
    division.learned.reserve(row_count - division.measured.size());
    std::size_t next = 0;
    for (std::size_t r = 0; r < row_count; ++r) {
        if (next < division.measured.size() && division.measured[next] == r) {
            ++next;
        } else {
            division.learned.push_back(r);
        }
    }
    return division;
}

/// Centroids of every sub-vector, each from the same rows.
Result<void> learn_centroids(MatrixView sample, const std::vector<std::size_t>& rows, const RotatedRows& rotated,
                             const ProductShape& shape, const TrainContext& context, ProductModel& model,
                             Progress& progress) {
    const std::size_t width = model.sub_dimension();
    const std::size_t columns = model.centroid_count();
    model.centroids.assign(model.padded_dimension() * columns, 0.0F);
    const KMeansShape means{width, columns, columns, shape.iterations};
    std::vector<KMeans> rooms;
    const std::size_t workers = std::min(worker_count(context), model.subvectors);
    for (std::size_t w = 0; w < worker_count(context); ++w) rooms.emplace_back(means, w < workers ? rows.size() : 0);
    for_each_index(context, model.subvectors, [&](std::size_t worker, std::size_t s) {
        KMeans& room = rooms[worker];
        float* const points = room.points();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (i % rows_between_stops == 0 && context.stop.stop_requested()) return;
            float* const point = points + i * width;
            if (rotated.empty()) {
                prepare_slice(model, sample.row(rows[i]).data(), 1.0F / model.unit, s * width, width, point);
            } else {
                std::copy_n(rotated.row(i) + s * width, width, point);
            }
        }
        room.leave_out_last(s == 0);
        float* const centroids = model.centroids.data() + s * width * columns;
        if (room.train(rows.size(), mix64(context.seed ^ mix64(s)), centroids, context.stop)) progress.add(1);
    });
    if (context.stop.stop_requested()) return cancelled();
    return {};
}

}  // namespace

Result<ProductModel> train_product(MatrixView sample, const ProductShape& shape, const TrainContext& context) {
    const std::vector<float> origin(sample.dimension, 0.0F);
    if (sample.row_count == 0) sample = {origin.data(), 1, sample.dimension, sample.dimension};
    SEXTANT_TRY(check_finite(sample, context.stop));
    ProductModel model;
    model.dimension = sample.dimension;
    model.subvectors = shape.subvectors;
    model.bits = shape.bits;
    model.unit = unit_of(sample);
    const Division division = divide(sample.row_count);
    const bool rotates = shape.rotation == ProductRotation::opq;
    Progress progress(context, model.subvectors + (rotates ? rotation_steps(model) : 0));
    RotatedRows rotated;
    if (rotates) {
        if (!learn_rotation(sample, division.learned, context, model, progress)) return cancelled();
        rotated = RotatedRows(sample, division.learned, context, model);
    }
    SEXTANT_TRY(learn_centroids(sample, division.learned, rotated, shape, context, model, progress));
    find_nearest_zero(model);
    measure_product(sample, division.measured, division.kept_out, model, context.stop);
    if (context.stop.stop_requested()) return cancelled();
    progress.finish();
    return model;
}

}  // namespace sextant::inline v1::detail
