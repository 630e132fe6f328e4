// The part of RabitqQuantizer that scores: queries bound to rows of packed codes.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "quantizer/rabitq_codes.hpp"
#include "sextant/kernel/product_kernel_table.hpp"
#include "sextant/quantizer/rabitq_quantizer.hpp"
#include "sextant/quantizer/vector_math.hpp"

namespace sextant::inline v1 {
namespace {

/// Squares of units beyond these are cut: distances then rank, but are not the metric's.
constexpr double smallest_square = 0x1.0p-90;
constexpr double largest_square = 0x1.0p70;
constexpr double largest_offset = double{std::numeric_limits<float>::max()} / 16.0;
constexpr std::size_t words_per_line = 8;
constexpr std::size_t most_columns = detail::column_count(detail::zero_group);

/// A query bound to codes; the mutable part of a PairScorer too.
struct PackedState {
    PackedQuery query;
    RowSource rows;
    PackedKernelTable::Rows kernel = nullptr;
    PackedKernelTable::Range range = nullptr;

    const RabitqQuantizer* quantizer = nullptr;
    const RabitqModel* model = nullptr;
    const float* turned_mean = nullptr;
    const float* columns = nullptr;  ///< the centres, transposed
    const double* centre_squares = nullptr;
    Geometry geometry = Geometry::other;
    DistanceFn distance = nullptr;  ///< metrics without a kernel
    std::size_t padded = 0;
    std::size_t row_size = 0;
    double output_square = 1.0;  ///< what a square of units is worth in a distance
    double length = 0.0;         ///< of the query, in units
    double loss = 0.0;           ///< share of it that its own codes lose
    bool bounded = false;

    PackedGroup* groups = nullptr;
    float* turned = nullptr;  ///< room for one rotated vector
    float* zeros = nullptr;   ///< offsets of an 8-bit query
    std::int8_t* values = nullptr;
    std::uint64_t* planes = nullptr;
    float* given = nullptr;    ///< metrics without a kernel: the query
    float* decoded = nullptr;  ///< and room for one row
    float* room = nullptr;
};

/// What multiplies r·y in a distance.
double product_weight(Geometry geometry) noexcept { return geometry == Geometry::squared_l2 ? -2.0 : -1.0; }
/// What multiplies |q - centre|² and |r|².
double square_weight(Geometry geometry) noexcept { return geometry == Geometry::cosine ? 0.5 : 1.0; }

float cut(double value) noexcept { return static_cast<float>(std::clamp(value, -largest_offset, largest_offset)); }

double dot_of(const float* a, const float* b, std::size_t padded) noexcept {
    float sum = 0.0F;
    product_kernels().dot16_f32(a, b, padded, 1, padded, &sum);
    return double{sum};
}

float largest_of(const float* values, std::size_t padded) noexcept {
    std::array<float, 16> most{};
    for (std::size_t i = 0; i < padded; i += most.size()) {
        for (std::size_t j = 0; j < most.size(); ++j) most[j] = std::max(most[j], std::fabs(values[i + j]));
    }
    return *std::max_element(most.begin(), most.end());
}

/// state.turned becomes the query's own codes.
void code_query(PackedState& state) noexcept {
    PackedQuery& query = state.query;
    const double square = dot_of(state.turned, state.turned, state.padded);
    state.length = std::sqrt(square);
    const double weight = product_weight(state.geometry) * state.output_square;
    const auto dimension = static_cast<double>(state.padded);
    if (state.planes != nullptr) {
        const float inverse = square > 0.0 ? detail::inverse_cell(sign_planes, state.padded, state.length) : 0.0F;
        const PackedFit fit =
            packed_kernels().encode_planes(state.turned, inverse, state.padded, query.plane_words, state.planes);
        const double gain = fit.product > 0.0 ? square / fit.product : 0.0;  // unbiased along the query itself
        const double kept = square > 0.0 ? fit.code_square * gain * gain / square : 1.0;
        state.loss = std::sqrt(std::max(kept - 1.0, 0.0));
        query.scale = static_cast<float>(-0.5 * weight * gain);
        query.shift = 0.0F;
        query.bias = static_cast<std::int32_t>(((1U << sign_planes) - 1U) * (state.padded / 2));
        return;
    }
    const double step = std::max(double{largest_of(state.turned, state.padded)} / 127.0, 1e-30);
    active_kernels().encode_i8(state.turned, state.zeros, static_cast<float>(1.0 / step), state.padded, state.values);
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < state.padded; ++i) sum += state.values[i];
    state.loss = state.length > 0.0 ? step * std::sqrt(dimension / 12.0) / state.length : 0.0;
    query.scale = static_cast<float>(weight * step);
    query.shift = static_cast<float>(0.5 * weight * step * sum);
    query.bias = sum * (1 << (state.model->bits - 1));
}

/// What state.turned, rotated, less the mean where squares are asked for, adds for each group.
void set_groups(PackedState& state) noexcept {
    std::array<float, most_columns> values;
    const std::size_t groups = state.model->group_count();
    const std::size_t columns = detail::column_count(groups);
    if (state.geometry == Geometry::inner_product) {
        product_kernels().multiply_f32(state.turned, state.padded, 1, state.columns, columns, state.padded, columns,
                                       values.data(), columns);
        const double with_mean = dot_of(state.turned, state.turned_mean, state.padded);
        for (std::size_t g = 0; g < groups; ++g) {
            const double product = with_mean + double{values[g]};
            const double square = state.centre_squares[g];
            const double lambda = square > 0.0 ? product / square : 0.0;
            state.groups[g] = {cut(-product * state.output_square), cut(-lambda * state.output_square)};
        }
        return;
    }
    product_kernels().l2_columns_f32(state.turned, state.columns, state.padded, columns, values.data());
    const double weight = square_weight(state.geometry) * state.output_square;
    for (std::size_t g = 0; g < groups; ++g) {
        state.groups[g] = {cut(weight * double{values[g]}), static_cast<float>(weight)};
    }
    if (state.geometry == Geometry::cosine) state.groups[detail::zero_group] = {1.0F, 0.0F};
}

/// At distance 1 from everything.
void set_zero_query(PackedState& state) noexcept {
    std::fill_n(state.groups, packed_groups, PackedGroup{1.0F, 0.0F});
    state.query.scale = 0.0F;
    state.query.shift = 0.0F;
    state.bounded = false;
}

const PackedState& state_of(const void* state) noexcept { return *static_cast<const PackedState*>(state); }

void score_list(const void* opaque, const RowId* rows, std::size_t count, float* out) noexcept {
    const PackedState& state = state_of(opaque);
    state.kernel(state.query, state.rows.base, state.rows.stride, rows, count, out);
}

void score_range(const void* opaque, RowId first, std::size_t count, float* out) noexcept {
    const PackedState& state = state_of(opaque);
    state.range(state.query, state.rows.row(first), state.rows.stride, count, out);
}

float score_decoded(const PackedState& state, RowId row) noexcept {
    const std::size_t dimension = state.model->dimension();
    state.quantizer->decode({state.rows.row(row), state.row_size}, {state.decoded, dimension},
                            {state.room, state.quantizer->room_floats()});
    const float distance = state.distance(state.given, state.decoded, dimension);
    return SEXTANT_LIKELY(std::isfinite(distance)) ? distance : detail::saturate(double{distance});
}

void score_list_decoded(const void* opaque, const RowId* rows, std::size_t count, float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) out[i] = score_decoded(state_of(opaque), rows[i]);
}

void score_range_decoded(const void* opaque, RowId first, std::size_t count, float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = score_decoded(state_of(opaque), RowId{to_index(first) + static_cast<std::uint32_t>(i)});
    }
}

void prefetch_code(const void* opaque, RowId row) noexcept {
    const PackedState& state = state_of(opaque);
    // 4 lines: enough to start the hardware's stream prefetcher on the rest of a row.
    const std::size_t size = std::min<std::size_t>(state.row_size, 256);
    for (std::size_t at = 0; at < size; at += 64) __builtin_prefetch(state.rows.row(row) + at);
}

/// The vector that the row's code stands for becomes the query: its centre and |r|² / (r·c) · c, so that products with it
/// are right on average, as those with r are.
void bind_row(void* opaque, RowId from) noexcept {
    PackedState& state = *static_cast<PackedState*>(opaque);
    const std::size_t bits = state.model->bits;
    const std::size_t padded = state.padded;
    const PackedTrailer trailer = detail::load_packed_trailer(state.rows.row(from), padded, bits);
    if (trailer.group() == detail::zero_group) return set_zero_query(state);
    packed_kernels().decode(state.rows.row(from), padded, bits, state.turned);
    const bool product = state.geometry == Geometry::inner_product;
    const std::size_t group = std::min<std::size_t>(trailer.group(), state.model->group_count() - 1);
    const float* const centre = state.model->centre(group);
    const bool usual = trailer.ratio > 0.0F && trailer.ratio < 0x1.0p30F;
    const float ratio = usual ? trailer.ratio : 0.0F;
    for (std::size_t i = 0; i < padded; ++i) {
        const float from_mean = centre[i] + ratio * state.turned[i];
        state.turned[i] = product ? state.turned_mean[i] + from_mean : from_mean;
    }
    set_groups(state);
    code_query(state);
}

void bind_decoded_row(void* opaque, RowId from) noexcept {
    PackedState& state = *static_cast<PackedState*>(opaque);
    state.quantizer->decode({state.rows.row(from), state.row_size}, {state.given, state.model->dimension()},
                            {state.room, state.quantizer->room_floats()});
}

}  // namespace

/// What both kinds of scorer need.
struct RabitqQuantizer::Binder {
    static PackedState make(const RabitqQuantizer& quantizer, const MetricTraits& metric, RowSource rows,
                            QueryScratch& scratch) {
        const RabitqModel& model = quantizer.model_;
        const std::size_t padded = quantizer.padded_;
        PackedState state;
        state.rows = rows;
        state.kernel = packed_kernels().rows[model.bits - 1];
        state.range = packed_kernels().range[model.bits - 1];
        state.quantizer = &quantizer;
        state.model = &model;
        state.turned_mean = quantizer.turned_mean_.data();
        state.columns = quantizer.centre_columns_.data();
        state.centre_squares = quantizer.centre_squares_.data();
        state.geometry = metric.geometry;
        state.distance = metric.distance;
        state.padded = padded;
        state.row_size = quantizer.code_size();
        if (metric.geometry == Geometry::other) {
            state.given = scratch.take<float>(model.dimension()).data();
            state.decoded = scratch.take<float>(model.dimension()).data();
            state.room = scratch.take<float>(quantizer.room_floats()).data();
            return state;
        }
        state.turned = scratch.take<float>(padded).data();
        const double square = double{model.unit} * double{model.unit};
        state.output_square = std::clamp(square, smallest_square, largest_square);
        state.bounded = square == state.output_square;
        state.query.dimension = padded;
        state.query.floor = metric.geometry == Geometry::inner_product ? std::numeric_limits<float>::lowest() : 0.0F;
        state.groups = scratch.take<PackedGroup>(packed_groups).data();
        std::fill_n(state.groups, packed_groups, PackedGroup{});
        state.query.groups = state.groups;
        if (model.bits == 1) {
            const std::size_t words = padded / 64;
            state.query.plane_words = (words + words_per_line - 1) / words_per_line * words_per_line;
            state.planes = scratch.take<std::uint64_t>(sign_planes * state.query.plane_words).data();
            state.query.planes = state.planes;
        } else {
            state.values = scratch.take<std::int8_t>(padded).data();
            state.query.values = state.values;
            state.zeros = scratch.take<float>(padded).data();
            std::fill_n(state.zeros, padded, 0.0F);
        }
        return state;
    }
};

RowScorer RabitqQuantizer::bind_metric(const MetricTraits& metric, VectorView query, RowSource rows,
                                       QueryScratch& scratch) const {
    PackedState state = Binder::make(*this, metric, rows, scratch);
    const float* given = query.data();
    bool zero = false;
    if (metric.unit_length) {
        float* unit = scratch.take<float>(query.size()).data();
        zero = !detail::to_unit(query, unit);
        given = unit;
    }
    if (metric.geometry == Geometry::other) {
        std::copy_n(given, dimension(), state.given);
        return {scratch.make(state), score_list_decoded, score_range_decoded, prefetch_code};
    }
    const bool product = metric.geometry == Geometry::inner_product;
    detail::turn(model_, given, product ? nullptr : model_.mean.data(), {state.turned, padded_});
    set_groups(state);
    code_query(state);
    if (state.length >= double{detail::longest_component}) state.bounded = false;  // it may have been cut
    if (zero) set_zero_query(state);
    return {scratch.make(state), score_list, score_range, prefetch_code};
}

PairScorer RabitqQuantizer::between_metric(const MetricTraits& metric, RowSource rows, QueryScratch& scratch) const {
    const PackedState state = Binder::make(*this, metric, rows, scratch);
    if (metric.geometry == Geometry::other)
        return {scratch.make(state), bind_decoded_row, score_list_decoded, prefetch_code};
    return {scratch.make(state), bind_row, score_list, prefetch_code};
}

CodeTrust RabitqQuantizer::trust_of(Geometry geometry, const RowScorer& bound) const noexcept {
    if (geometry == Geometry::other) return CodeTrust::estimate;
    return state_of(bound.state).bounded ? CodeTrust::bounded : CodeTrust::estimate;
}

float RabitqQuantizer::lower_bound_of(Geometry geometry, const RowScorer& bound, RowId row,
                                      float code_distance) const noexcept {
    constexpr float lowest = std::numeric_limits<float>::lowest();
    if (geometry == Geometry::other) return lowest;
    const PackedState& state = state_of(bound.state);
    const PackedTrailer trailer = detail::load_packed_trailer(state.rows.row(row), padded_, model_.bits);
    // Two independent errors: that of the row's code, and that of the query's, which meets the row's code at random. Only
    // what the query has beside the row's centre is estimated.
    const PackedGroup& group = state.groups[trailer.group()];
    const double weight = -product_weight(geometry) * state.output_square;
    const double beside =
        geometry == Geometry::inner_product
            ? state.length
            : std::sqrt(std::max(double{group.offset}, 0.0) / (square_weight(geometry) * state.output_square));
    const double of_row = double{trailer.mark} * beside;
    const double of_query = state.loss * state.length * double{trailer.ratio} / detail::best_cell(model_.bits);
    const double error = double{usual_errors} * weight * std::sqrt(of_row * of_row + of_query * of_query);
    const double lower = double{code_distance} - error;
    if (!(lower > double{lowest})) return lowest;  // also where a trailer, damaged, is no number
    return std::nextafter(static_cast<float>(lower), lowest);
}

}  // namespace sextant::inline v1
