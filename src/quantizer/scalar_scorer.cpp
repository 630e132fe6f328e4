// The part of ScalarQuantizer that scores: queries bound to rows of codes.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "quantizer/scalar_codes.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"
#include "sextant/quantizer/vector_math.hpp"

namespace sextant::inline v1 {
namespace {

/// A query bound to codes; the mutable part of a PairScorer too.
struct CodeState {
    I8Query query;
    RowSource rows;
    KernelTable::I8Rows kernel = nullptr;
    KernelTable::I8Range range = nullptr;
    CodeTrust trust = CodeTrust::estimate;

    const ScalarModel* model = nullptr;
    float inverse_step = 1.0F;
    DistanceFn distance = nullptr;       ///< metrics without a kernel
    const float* float_query = nullptr;  ///< for those
    std::uint8_t* bytes = nullptr;       ///< room behind query.biased
    float* floats = nullptr;             ///< room for one vector
    float* zeros = nullptr;              ///< inner product: the offsets of a query
    float* decoded = nullptr;            ///< metrics without a kernel: room for one row
};

// Distances must stay finite and must not all become 0: scales are kept where 2^33 times them is a float, and
// themselves are normal. Beyond, distances of codes still rank; their size is no longer that of the metric.
constexpr double smallest_scale = double{std::numeric_limits<float>::min()};
constexpr double largest_scale = double{std::numeric_limits<float>::max()} / 8589934592.0;

std::size_t padded(std::size_t dimension) noexcept { return (dimension + 63) / 64 * 64; }

/// int8 values at state.bytes become the biased query.
void finish_query(CodeState& state, std::uint32_t square_sum) noexcept {
    const std::size_t dimension = state.model->offset.size();
    for (std::size_t i = 0; i < dimension; ++i) state.bytes[i] = static_cast<std::uint8_t>(state.bytes[i] ^ 0x80U);
    std::fill(state.bytes + dimension, state.bytes + padded(dimension), std::uint8_t{0});
    state.query.biased = state.bytes;
    state.query.dimension = dimension;
    state.query.square_sum = square_sum;
}

void set_l2_scale(CodeState& state, double factor) noexcept {
    const double step = double{state.model->step};
    state.query.scale = static_cast<float>(std::clamp(factor * step * step, smallest_scale, largest_scale));
    state.query.offset = 0.0F;
}

/// What the query itself loses decides what its distances say.
CodeTrust trust_in_query(const CodeState& state, const float* query, bool exact_possible) noexcept {
    const ScalarModel& model = *state.model;
    const std::size_t dimension = model.offset.size();
    detail::decode_row(model.offset, model.step, reinterpret_cast<const std::byte*>(state.bytes), state.floats);
    const double scale = double{model.step} * double{model.step};
    if (!(scale >= 2.0 * smallest_scale && scale <= largest_scale)) return CodeTrust::estimate;
    if (exact_possible && std::equal(query, query + dimension, state.floats)) return CodeTrust::exact;
    const float lost = active_kernels().l2_f32(query, state.floats, dimension);
    const bool usual = lost <= 4.0F * model.row_error * model.row_error;
    return usual && model.error_slope < std::numeric_limits<float>::max() ? CodeTrust::bounded : CodeTrust::estimate;
}

void set_l2_query(CodeState& state, const float* query) noexcept {
    const std::size_t dimension = state.model->offset.size();
    const auto values = reinterpret_cast<std::int8_t*>(state.bytes);
    active_kernels().encode_i8(query, state.model->offset.data(), state.inverse_step, dimension, values);
}

std::uint32_t square_sum_of(const CodeState& state) noexcept {
    const auto values = reinterpret_cast<const std::int8_t*>(state.bytes);
    return static_cast<std::uint32_t>(active_kernels().dot_i8(values, values, state.model->offset.size()));
}

void set_dot_query(CodeState& state, const float* query) noexcept {
    const std::size_t dimension = state.model->offset.size();
    float largest = 0.0F;
    for (std::size_t i = 0; i < dimension; ++i) largest = std::max(largest, std::fabs(query[i]));
    const double query_step = std::max(double{largest} / 127.0, double{detail::smallest_step});
    const auto values = reinterpret_cast<std::int8_t*>(state.bytes);
    active_kernels().encode_i8(query, state.zeros, static_cast<float>(1.0 / query_step), dimension, values);
    finish_query(state, square_sum_of(state));
    const double scale = std::clamp(query_step * double{state.model->step}, smallest_scale, largest_scale);
    constexpr double most = double{std::numeric_limits<float>::max()} / 4.0;
    const double centre = detail::dot_in_double(query, state.model->offset.data(), dimension);
    state.query.scale = static_cast<float>(-scale);
    state.query.offset = static_cast<float>(std::clamp(-centre, -most, most));
}

const CodeState& state_of(const void* state) noexcept { return *static_cast<const CodeState*>(state); }

void score_list(const void* opaque, const RowId* rows, std::size_t count, float* out) noexcept {
    const CodeState& state = state_of(opaque);
    state.kernel(state.query, state.rows.base, state.rows.stride, rows, count, out);
}

void score_range(const void* opaque, RowId first, std::size_t count, float* out) noexcept {
    const CodeState& state = state_of(opaque);
    state.range(state.query, state.rows.row(first), state.rows.stride, count, out);
}

float score_decoded(const CodeState& state, RowId row) noexcept {
    detail::decode_row(state.model->offset, state.model->step, state.rows.row(row), state.decoded);
    const float distance = state.distance(state.float_query, state.decoded, state.model->offset.size());
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
    const CodeState& state = state_of(opaque);
    // 4 lines: enough to start the hardware's stream prefetcher on the rest of a row.
    const std::size_t size = std::min<std::size_t>(i8_row_size(state.model->offset.size()), 256);
    for (std::size_t at = 0; at < size; at += 64) __builtin_prefetch(state.rows.row(row) + at);
}

void bind_l2_row(void* opaque, RowId from) noexcept {
    CodeState& state = *static_cast<CodeState*>(opaque);
    const std::byte* row = state.rows.row(from);
    const std::size_t dimension = state.model->offset.size();
    std::memcpy(state.bytes, row, dimension);
    I8Trailer trailer;
    std::memcpy(&trailer, row + i8_trailer_offset(dimension), sizeof(trailer));
    finish_query(state, trailer.square_sum);
}

void bind_dot_row(void* opaque, RowId from) noexcept {
    CodeState& state = *static_cast<CodeState*>(opaque);
    detail::decode_row(state.model->offset, state.model->step, state.rows.row(from), state.floats);
    set_dot_query(state, state.floats);
}

void bind_decoded_row(void* opaque, RowId from) noexcept {
    CodeState& state = *static_cast<CodeState*>(opaque);
    detail::decode_row(state.model->offset, state.model->step, state.rows.row(from), state.floats);
}

CodeState make_state(const MetricTraits& metric, const ScalarModel& model, float inverse_step, RowSource rows,
                     QueryScratch& scratch) {
    const KernelTable& kernels = active_kernels();
    const std::size_t dimension = model.offset.size();
    const bool dot = metric.geometry == Geometry::inner_product;
    CodeState state;
    state.rows = rows;
    state.kernel = dot ? kernels.dot_i8_rows : kernels.l2_i8_rows;
    state.range = dot ? kernels.dot_i8_range : kernels.l2_i8_range;
    state.model = &model;
    state.inverse_step = inverse_step;
    state.distance = metric.distance;
    state.floats = scratch.take<float>(dimension).data();
    state.bytes = scratch.take<std::uint8_t>(padded(dimension)).data();
    if (dot) {
        state.zeros = scratch.take<float>(dimension).data();
        std::fill_n(state.zeros, dimension, 0.0F);
    }
    if (metric.geometry == Geometry::other) {
        state.decoded = scratch.take<float>(dimension).data();
        state.float_query = state.floats;
    }
    return state;
}

}  // namespace

RowScorer ScalarQuantizer::bind_metric(const MetricTraits& metric, VectorView query, RowSource rows,
                                       QueryScratch& scratch) const {
    CodeState state = make_state(metric, model_, inverse_step_, rows, scratch);
    const float* given = query.data();
    bool zero = false;
    if (metric.unit_length) {
        float* unit = scratch.take<float>(query.size()).data();
        zero = !detail::to_unit(query, unit);
        given = unit;
    }
    if (metric.geometry == Geometry::other) {
        std::copy_n(given, dimension(), state.floats);
        return {scratch.make(state), score_list_decoded, score_range_decoded, prefetch_code};
    }
    if (metric.geometry == Geometry::inner_product) {
        set_dot_query(state, given);
        return {scratch.make(state), score_list, score_range, prefetch_code};
    }
    set_l2_query(state, given);
    state.trust = trust_in_query(state, given, metric.geometry == Geometry::squared_l2);
    finish_query(state, square_sum_of(state));
    set_l2_scale(state, metric.geometry == Geometry::cosine ? 0.5 : 1.0);
    if (zero) {  // at distance 1 from everything
        state.query.scale = 0.0F;
        state.query.offset = 1.0F;
    }
    return {scratch.make(state), score_list, score_range, prefetch_code};
}

PairScorer ScalarQuantizer::between_metric(const MetricTraits& metric, RowSource rows, QueryScratch& scratch) const {
    CodeState state = make_state(metric, model_, inverse_step_, rows, scratch);
    if (metric.geometry == Geometry::other)
        return {scratch.make(state), bind_decoded_row, score_list_decoded, prefetch_code};
    if (metric.geometry == Geometry::inner_product)
        return {scratch.make(state), bind_dot_row, score_list, prefetch_code};
    set_l2_scale(state, metric.geometry == Geometry::cosine ? 0.5 : 1.0);
    return {scratch.make(state), bind_l2_row, score_list, prefetch_code};
}

CodeTrust ScalarQuantizer::trust_of(Geometry geometry, const RowScorer& bound) const noexcept {
    if (geometry != Geometry::squared_l2 && geometry != Geometry::cosine) return CodeTrust::estimate;
    return state_of(bound.state).trust;
}

}  // namespace sextant::inline v1
