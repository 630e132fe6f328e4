#include "quantizer/rabitq_training.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/format_text.hpp"
#include "quantizer/k_means.hpp"
#include "quantizer/parallel_work.hpp"
#include "quantizer/rabitq_codes.hpp"
#include "sextant/core/random.hpp"
#include "sextant/quantizer/vector_math.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr std::size_t rows_between_stops = 256;
constexpr std::uint32_t iterations = 10;
/// Floats of the rows that groups are made from.
constexpr std::size_t most_group_values = std::size_t{1} << 22U;
constexpr std::size_t least_group_rows = 256;
/// Rows this many times as long as the usual one are outliers, and say nothing about the others.
constexpr double outlier = 100.0;
constexpr int least_unit = -120;
constexpr int largest_unit = 126;

Error cancelled() { return {ErrorCode::cancelled, "training of the rabitq quantizer was cancelled"}; }

double middle_of(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// The rows to learn from: all but outliers.
Result<std::vector<std::size_t>> usual_rows(MatrixView sample, const TrainContext& context) {
    std::vector<double> lengths(sample.row_count);
    for (std::size_t r = 0; r < sample.row_count; ++r) {
        if (r % rows_between_stops == 0 && context.stop.stop_requested()) return cancelled();
        if (any_non_finite(sample.row(r).data(), sample.dimension)) {
            return invalid_argument(format_text("row {} of the sample has a component that is not finite", r));
        }
        lengths[r] = std::sqrt(square_norm(sample.row(r)));
    }
    const double usual = lengths.empty() ? 0.0 : middle_of(lengths);
    std::vector<std::size_t> rows;
    for (std::size_t r = 0; r < sample.row_count; ++r) {
        if (usual == 0.0 || lengths[r] <= outlier * usual) rows.push_back(r);
    }
    return rows;
}

std::vector<float> mean_of(MatrixView sample, const std::vector<std::size_t>& rows) {
    std::vector<double> sums(sample.dimension);
    for (const std::size_t r : rows) {
        const VectorView row = sample.row(r);
        for (std::size_t d = 0; d < sample.dimension; ++d) sums[d] += double{row[d]};
    }
    std::vector<float> mean(sample.dimension);
    const double scale = rows.empty() ? 0.0 : 1.0 / static_cast<double>(rows.size());
    for (std::size_t d = 0; d < sample.dimension; ++d) mean[d] = static_cast<float>(sums[d] * scale);
    return mean;
}

/// The power of two at or below the mean length from the mean; 1 where all rows are one.
float unit_of(MatrixView sample, const std::vector<std::size_t>& rows, const std::vector<float>& mean) {
    double sum = 0.0;
    for (const std::size_t r : rows) sum += std::sqrt(l2_in_double(sample.row(r).data(), mean.data(), mean.size()));
    if (!(sum > 0.0)) return 1.0F;
    const int exponent = std::ilogb(sum / static_cast<double>(rows.size()));
    return std::ldexp(1.0F, std::clamp(exponent, least_unit, largest_unit));
}

std::vector<float> draw_signs(std::uint64_t seed, std::size_t padded) {
    Random random(seed);
    std::vector<float> signs(rotation_rounds * padded);
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < signs.size(); ++i) {
        if (i % 64 == 0) word = random.next();
        signs[i] = ((word >> (i % 64)) & 1U) != 0 ? -1.0F : 1.0F;
    }
    return signs;
}

/// Centres of groups of rows, rotated; false after a stop.
bool train_centres(MatrixView sample, const std::vector<std::size_t>& rows, const TrainContext& context,
                   RabitqModel& model) {
    const std::size_t padded = model.padded();
    const std::size_t most = std::max(most_group_values / padded, least_group_rows);
    const std::size_t count = std::min(rows.size(), most);
    const std::size_t groups =
        std::clamp<std::size_t>(count / RabitqQuantizer::rows_per_group, 1, RabitqQuantizer::most_groups);
    model.centres.assign(groups * padded, 0.0F);
    if (groups == 1) return !context.stop.stop_requested();  // its centre is the mean
    const std::size_t columns = column_count(groups);
    KMeans means({padded, columns, groups, iterations}, count);
    for (std::size_t i = 0; i < count; ++i) {
        if (i % rows_between_stops == 0 && context.stop.stop_requested()) return false;
        const VectorView row = sample.row(rows[i * rows.size() / count]);
        turn(model, row.data(), model.mean.data(), {means.points() + i * padded, padded});
    }
    std::vector<float> centroids(padded * columns);
    if (!means.train(count, context.seed, centroids.data(), context.stop)) return false;
    for (std::size_t g = 0; g < groups; ++g) {
        for (std::size_t j = 0; j < padded; ++j) model.centres[g * padded + j] = centroids[j * columns + g];
    }
    return true;
}

}  // namespace

Result<RabitqModel> train_rabitq(MatrixView sample, std::uint32_t bits, const TrainContext& context) {
    Progress progress(context, 2);
    RabitqModel model;
    model.bits = bits;
    SEXTANT_TRY_ASSIGN(const std::vector<std::size_t> rows, usual_rows(sample, context));
    model.mean = mean_of(sample, rows);
    model.unit = unit_of(sample, rows, model.mean);
    model.signs = draw_signs(context.seed, model.padded());
    progress.add(1);
    if (!train_centres(sample, rows, context, model)) return cancelled();
    progress.finish();
    return model;
}

}  // namespace sextant::inline v1::detail
