#include "quantizer/scalar_training.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "quantizer/scalar_codes.hpp"
#include "sextant/core/page_allocator.hpp"
#include "sextant/core/random.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/quantizer/vector_math.hpp"

namespace sextant::inline v1::detail {
namespace {

/// How much of a sample is looked at: quantiles of a few thousand values are within a few percent of the true ones.
constexpr std::size_t most_column_values = std::size_t{1} << 24U;
constexpr std::size_t most_column_rows = 4096;
constexpr std::size_t most_magnitudes = std::size_t{1} << 17U;

/// Rows between two looks at the stop token. What a function gives after a stop is not used.
constexpr std::size_t rows_between_stops = 256;

/// `count` row numbers spread evenly over `total`.
std::vector<std::size_t> spread(std::size_t total, std::size_t count) {
    count = std::min(total, count);
    std::vector<std::size_t> rows(count);
    for (std::size_t i = 0; i < count; ++i) rows[i] = i * total / count;
    return rows;
}

double quantile_of(PagedVector<double>& sorted, double share) {
    const double at = share * static_cast<double>(sorted.size());
    const auto index = static_cast<std::size_t>(std::ceil(at));
    return sorted[std::min(std::max<std::size_t>(index, 1) - 1, sorted.size() - 1)];
}

// --- whole numbers ---------------------------------------------------------------------------------------------------

/// A step of 1, and each dimension with a range of its own, where none is too wide.
std::optional<ScalarModel> whole_columns(ScalarModel model, const std::vector<float>& low,
                                         const std::vector<float>& high, float widest) {
    for (std::size_t i = 0; i < low.size(); ++i) {
        if (high[i] - low[i] > widest) return std::nullopt;
        model.offset[i] = std::floor((low[i] + high[i] + 1.0F) / 2.0F);
    }
    return model;
}

/// Offsets and step under which a sample of whole numbers is coded without loss, if there are any. None after a stop.
std::optional<ScalarModel> whole_numbers(MatrixView sample, std::uint32_t bits, const std::stop_token& stop) {
    const std::size_t dimension = sample.dimension;
    std::vector<float> low(dimension, std::numeric_limits<float>::max());
    std::vector<float> high(dimension, std::numeric_limits<float>::lowest());
    constexpr float largest = 16'777'216.0F;  // 2^24: above it floats no longer hold every whole number
    for (std::size_t r = 0; r < sample.row_count; ++r) {
        if (r % rows_between_stops == 0 && stop.stop_requested()) return std::nullopt;
        const VectorView row = sample.row(r);
        for (std::size_t i = 0; i < dimension; ++i) {
            if (!(std::fabs(row[i]) <= largest) || row[i] != std::nearbyint(row[i])) return std::nullopt;
            low[i] = std::min(low[i], row[i]);
            high[i] = std::max(high[i], row[i]);
        }
    }
    const float lowest = *std::min_element(low.begin(), low.end());
    const float highest = *std::max_element(high.begin(), high.end());
    const float range = highest - lowest;
    if (range == 0.0F) return std::nullopt;  // one value says nothing about what others will be

    ScalarModel model;
    model.bits = bits;
    model.offset.resize(dimension);
    if (bits == 4) {
        if (range > 15.0F) return whole_columns(std::move(model), low, high, 15.0F);
        std::fill(model.offset.begin(), model.offset.end(), std::floor((lowest + highest + 1.0F) / 2.0F));
        return model;
    }
    if (range <= 31.0F) {
        // Few values: finer steps, still powers of two, for queries that lie between them; twice the range stays free.
        while (range / model.step <= 63.0F) model.step /= 2.0F;
        std::fill(model.offset.begin(), model.offset.end(), std::floor((lowest + highest) / 2.0F));
        return model;
    }
    if (range <= 255.0F) {
        // The whole of u8 or i8 where the sample lies in it, as later rows will too: pixels, counts.
        float offset = std::floor((lowest + highest + 1.0F) / 2.0F);
        if (lowest >= 0.0F && highest <= 255.0F) offset = 128.0F;
        if (lowest < 0.0F && lowest >= -128.0F && highest <= 127.0F) offset = 0.0F;
        std::fill(model.offset.begin(), model.offset.end(), offset);
        return model;
    }
    return whole_columns(std::move(model), low, high, 255.0F);
}

// --- anything else ---------------------------------------------------------------------------------------------------

struct Spread {
    double low;
    double middle;
    double high;
};

/// Median and the 0.5 % quantiles of each dimension.
std::vector<Spread> spread_per_dimension(MatrixView sample, const std::stop_token& stop) {
    const std::size_t dimension = sample.dimension;
    const auto rows =
        spread(sample.row_count, std::clamp<std::size_t>(most_column_values / dimension, 256, most_column_rows));
    const std::size_t count = rows.size();
    const std::size_t cut = count / 200;
    constexpr std::size_t block = 16;  // columns gathered together: one cache line of each row
    PagedVector<float> columns(block * count);
    std::vector<Spread> spreads(dimension);
    for (std::size_t first = 0; first < dimension && !stop.stop_requested(); first += block) {
        const std::size_t width = std::min(block, dimension - first);
        for (std::size_t r = 0; r < count; ++r) {
            const float* values = sample.row(rows[r]).data() + first;
            for (std::size_t c = 0; c < width; ++c) columns[c * count + r] = values[c];
        }
        for (std::size_t c = 0; c < width; ++c) {
            const auto begin = columns.begin() + static_cast<std::ptrdiff_t>(c * count);
            const auto nth = [&](std::size_t from, std::size_t n) {
                const auto at = begin + static_cast<std::ptrdiff_t>(n);
                std::nth_element(begin + static_cast<std::ptrdiff_t>(from), at,
                                 begin + static_cast<std::ptrdiff_t>(count));
                return double{*at};
            };
            const double low = nth(0, cut);
            const double middle = count / 2 > cut ? nth(cut, count / 2) : low;
            const double high = count - 1 - cut > count / 2 ? nth(count / 2, count - 1 - cut) : middle;
            spreads[first + c] = {low, middle, high};
        }
    }
    return spreads;
}

/// |x - centre| of values spread over the sample, sorted.
template <class Centre>
PagedVector<double> magnitudes(MatrixView sample, Centre centre) {
    const std::size_t total = sample.row_count * sample.dimension;
    const std::size_t count = std::min(total, most_magnitudes);
    PagedVector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        // Evenly through the sample, but not in step with its dimension: position i / count, and a hash for the column.
        const std::size_t row = i * sample.row_count / count;
        const std::size_t column = count == total ? i % sample.dimension : mix64(i) % sample.dimension;
        values[i] = std::fabs(double{sample.row(row)[column]} - centre(column));
    }
    std::sort(values.begin(), values.end());
    return values;
}

/// The range ±clip with the smallest error of `sorted` magnitudes, where a value beyond counts as at most `cap` off and
/// one within as at most itself: so neither can a single 1e38 choose the range, nor a range that loses the rest look
/// good. `steps` lie between 0 and the end of the range.
double best_clip(const PagedVector<double>& sorted, double cap, double steps) {
    const std::size_t count = sorted.size();
    double best = sorted.back();
    double best_cost = std::numeric_limits<double>::infinity();
    double previous = -1.0;
    for (int power = 5; power <= 18; ++power) {
        const auto beyond = static_cast<std::size_t>(std::ldexp(static_cast<double>(count), -power));
        const double clip = power == 18 ? sorted.back() : sorted[count - 1 - std::min(beyond, count - 1)];
        if (clip == previous || clip == 0.0) continue;
        previous = clip;
        const double rounding = (clip / steps) * (clip / steps) / 12.0;
        double cost = 0.0;
        for (const double value : sorted) {
            const double lost = std::min(value - clip, cap);
            cost += value <= clip ? std::min(rounding, value * value) : lost * lost;
        }
        if (cost < best_cost) {
            best_cost = cost;
            best = clip;
        }
    }
    return best;
}

/// Not further out than a codebook may say: with 128 steps more an offset still is a finite float.
constexpr double farthest_offset = double{std::numeric_limits<float>::max()} / 2.0;

/// Sixteen values reach from 8 steps below an offset to 7 above, so the offset belongs half a step above the centre; up to
/// half a step from there the median is one of the values: where most components are 0, they are coded as 0.
void put_middles_on_steps(ScalarModel& model, const std::vector<Spread>& spreads) {
    const double step = double{model.step};
    for (std::size_t i = 0; i < model.offset.size(); ++i) {
        const double moved = spreads[i].middle + step * std::ceil((double{model.offset[i]} - spreads[i].middle) / step);
        model.offset[i] = static_cast<float>(std::clamp(moved, -farthest_offset, farthest_offset));
    }
}

/// REQUIRES: the sample has rows.
ScalarModel general(MatrixView sample, std::optional<double> quantile, std::uint32_t bits,
                    const std::stop_token& stop) {
    const double steps = bits == 4 ? 7.5 : 127.0;
    const auto spreads = spread_per_dimension(sample, stop);
    if (stop.stop_requested()) return {};
    auto around = magnitudes(sample, [&](std::size_t column) { return spreads[column].middle; });
    const double usual = quantile_of(around, 0.99);
    ScalarModel model;
    model.bits = bits;
    model.offset.resize(sample.dimension);
    double largest_offset = 0.0;
    for (std::size_t i = 0; i < sample.dimension; ++i) {
        // A centre that an outlier has drawn away would cost this dimension all its values.
        const double room = usual > 0.0 ? 4.0 * usual : std::numeric_limits<double>::infinity();
        const double low = std::max(spreads[i].low, spreads[i].middle - room);
        const double high = std::min(spreads[i].high, spreads[i].middle + room);
        model.offset[i] = static_cast<float>(std::clamp((low + high) / 2.0, -farthest_offset, farthest_offset));
        largest_offset = std::max(largest_offset, std::fabs(double{model.offset[i]}));
    }
    if (stop.stop_requested()) return model;
    auto sizes = magnitudes(sample, [&](std::size_t column) { return double{model.offset[column]}; });
    double clip = 0.0;
    if (quantile) {
        clip = quantile_of(sizes, *quantile);
    } else if (sizes.back() > 0.0) {
        double reference = quantile_of(sizes, 0.99);
        if (reference == 0.0) {  // fewer than 1 in 100 values differ from the centre: what those are like
            const auto first = std::upper_bound(sizes.begin(), sizes.end(), 0.0);
            reference = *(first + (sizes.end() - first) / 2);
        }
        clip = best_clip(sizes, 4.0 * reference, steps);
    }
    if (!(clip > 0.0))
        clip = largest_offset > 0.0 ? largest_offset : 1.0;  // constant data: its own size is all there is
    const double step =
        std::clamp(clip / steps, double{smallest_step}, double{std::numeric_limits<float>::max()} / 256.0);
    model.step = static_cast<float>(step);
    if (bits == 4) put_middles_on_steps(model, spreads);
    return model;
}

// --- what the codes lose ---------------------------------------------------------------------------------------------

/// Rows of the sample as bytes whose squared distance is that of codes: 4-bit values are multiples of 16 then, and only
/// queries have all of the bytes.
struct Coded {
    std::vector<std::size_t> rows;
    PagedVector<std::int8_t> values;
    PagedVector<std::int8_t> queries;  ///< 4 bits only
    std::size_t dimension;

    [[nodiscard]] const std::int8_t* row(std::size_t index) const noexcept { return values.data() + index * dimension; }
    [[nodiscard]] const std::int8_t* query(std::size_t index) const noexcept {
        return queries.empty() ? row(index) : queries.data() + index * dimension;
    }
};

/// Encodes rows of the sample and measures row_error.
Coded measure_rows(MatrixView sample, ScalarModel& model, const std::stop_token& stop) {
    const std::size_t dimension = sample.dimension;
    const KernelTable& kernels = active_kernels();
    Coded coded;
    coded.rows = spread(sample.row_count, std::clamp<std::size_t>((std::size_t{1} << 22U) / dimension, 64, 1024));
    coded.dimension = dimension;
    coded.values.resize(coded.rows.size() * dimension);
    if (model.bits == 4) coded.queries.resize(coded.values.size());
    const double range = 255.0 * double{model.query_step()};
    std::vector<float> decoded(dimension);
    double error = 0.0;
    for (std::size_t i = 0; i < coded.rows.size(); ++i) {
        if (i % rows_between_stops == 0 && stop.stop_requested()) return coded;
        const float* row = sample.row(coded.rows[i]).data();
        std::int8_t* const values = coded.values.data() + i * dimension;
        kernels.encode_i8(row, model.offset.data(), 1.0F / model.step, dimension, values);
        if (model.bits == 4) {
            for (std::size_t d = 0; d < dimension; ++d) values[d] = std::clamp<std::int8_t>(values[d], -8, 7);
        }
        decode_row(model.offset, model.step, reinterpret_cast<const std::byte*>(values), decoded.data());
        double lost = 0.0;
        for (std::size_t d = 0; d < dimension; ++d) {
            const double difference = double{row[d]} - double{decoded[d]};
            // An outlier's loss does not describe the others: a component counts as at most a whole range off.
            lost += std::min(difference * difference, range * range);
        }
        error += lost;
        if (model.bits == 4) {
            for (std::size_t d = 0; d < dimension; ++d) values[d] = static_cast<std::int8_t>(16 * values[d]);
            kernels.encode_i8(row, model.offset.data(), 1.0F / model.query_step(), dimension,
                              coded.queries.data() + i * dimension);
        }
    }
    const auto count = static_cast<double>(coded.rows.size());
    constexpr double most = std::numeric_limits<float>::max();
    model.row_error = static_cast<float>(std::min(std::sqrt(error / count), most));
    return coded;
}

/// The largest (code distance - distance) / sqrt(code distance) among near pairs of the sample, and a fifth.
void measure_slope(MatrixView sample, const Coded& coded, ScalarModel& model, const std::stop_token& stop) {
    const std::size_t count = coded.rows.size();
    if (count < 32) return;
    const KernelTable& kernels = active_kernels();
    const double scale = double{model.query_step()} * double{model.query_step()};
    const double noise = 2.0 * double{model.row_error} * double{model.row_error};
    struct Pair {
        std::uint32_t distance;
        std::size_t other;
    };
    std::vector<Pair> pairs(count);
    double slope = 0.0;
    for (const std::size_t q : spread(count, 64)) {
        if (stop.stop_requested()) return;
        for (std::size_t i = 0; i < count; ++i) {
            pairs[i] = {kernels.l2_i8(coded.query(q), coded.row(i), sample.dimension), i};
        }
        const std::size_t near = std::min<std::size_t>(count, 48);
        std::partial_sort(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(near), pairs.end(),
                          [](const Pair& a, const Pair& b) { return a.distance < b.distance; });
        for (std::size_t i = 0; i < near; ++i) {
            if (pairs[i].other == q) continue;
            const double estimate = scale * pairs[i].distance;
            // In double: float kernels differ in their last bits, and a codebook must not.
            const double exact = l2_in_double(sample.row(coded.rows[q]).data(),
                                              sample.row(coded.rows[pairs[i].other]).data(), sample.dimension);
            const double root = std::sqrt(std::max(estimate, noise));
            if (root > 0.0) slope = std::max(slope, (estimate - exact) / root);
        }
    }
    slope *= 1.2;
    if (std::isfinite(slope) && slope < double{std::numeric_limits<float>::max()}) {
        model.error_slope = static_cast<float>(slope);
    }
}

}  // namespace

Result<ScalarModel> train_scalar(MatrixView sample, std::optional<double> quantile, std::uint32_t bits,
                                 const TrainContext& context) {
    if (sample.row_count == 0 || sample.dimension == 0) {
        ScalarModel model;
        model.offset.assign(sample.dimension, 0.0F);
        model.step = 1.0F / (bits == 4 ? 7.5F : 127.0F);
        model.bits = bits;
        return model;
    }
    std::optional<ScalarModel> model;
    if (!quantile) model = whole_numbers(sample, bits, context.stop);
    if (!model) model = general(sample, quantile, bits, context.stop);
    const Coded coded = measure_rows(sample, *model, context.stop);
    measure_slope(sample, coded, *model, context.stop);
    if (context.stop.stop_requested())
        return Error{ErrorCode::cancelled, "training of the scalar quantizer was cancelled"};
    return std::move(*model);
}

}  // namespace sextant::inline v1::detail
