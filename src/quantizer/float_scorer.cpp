#include "sextant/quantizer/float_scorer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sextant/core/config.hpp"
#include "sextant/kernel/half_kernel_table.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/quantizer/half_vectors.hpp"
#include "sextant/quantizer/vector_math.hpp"

namespace sextant::inline v1::detail {
namespace {

/// A query bound to rows; the mutable part of a PairScorer too.
struct FloatState {
    const float* query = nullptr;  ///< what the kernel gets: of unit length where the metric asks for it
    const float* given = nullptr;  ///< as the caller gave it, for the way in double
    std::size_t dimension = 0;
    RowSource rows;
    KernelTable::F32Rows kernel = nullptr;
    KernelTable::F32Tile tile = nullptr;
    HalfKernelTable::Range half_range = nullptr;  ///< instead of tile; null where rows are floats
    DistanceFn distance = nullptr;
    float* unit_query = nullptr;  ///< room for a scaled query; null where none is needed
    float* unit_row = nullptr;    ///< room for one scaled row, for metrics without a kernel
    float* half_row = nullptr;    ///< room for one row of halves as floats; null where rows are floats
    float* half_query = nullptr;  ///< the same for the row that is the query of a PairScorer
};

const FloatState& state_of(const void* state) noexcept { return *static_cast<const FloatState*>(state); }

/// Until the next row is read.
const float* row_of(const FloatState& state, RowId row) noexcept {
    return raw_vector(state.rows, row, state.dimension, state.half_row).data();
}

RowId operator+(RowId row, std::size_t count) noexcept {
    return RowId{to_index(row) + static_cast<std::uint32_t>(count)};
}

/// The distance where float arithmetic failed.
template <Geometry geometry>
float slow_distance(const float* a, const float* b, std::size_t dimension) noexcept {
    if constexpr (geometry == Geometry::squared_l2) {
        return saturate(l2_in_double(a, b, dimension));
    } else if constexpr (geometry == Geometry::inner_product) {
        return saturate(-dot_in_double(a, b, dimension));
    } else {
        return saturate(cosine_distance_in_double(a, b, dimension));
    }
}

/// Turns what the kernel gave for one row into the distance. `inverse` is 1/|row| under cosine.
template <Geometry geometry>
float finish_one(float value, float inverse) noexcept {
    if constexpr (geometry == Geometry::squared_l2) return value;
    if constexpr (geometry == Geometry::inner_product) return -value;
    if constexpr (geometry == Geometry::cosine) return 1.0F - inverse * value;
}

template <Geometry geometry, class RowAt>
void repair(const FloatState& state, RowAt row_at, std::size_t count, float* out) noexcept {
    if (SEXTANT_LIKELY(!any_non_finite(out, count))) return;
    for (std::size_t i = 0; i < count; ++i) {
        if (std::isfinite(out[i])) continue;
        out[i] = slow_distance<geometry>(state.given, row_of(state, row_at(i)), state.dimension);
    }
}

template <Geometry geometry>
void score_list(const void* opaque, const RowId* rows, std::size_t count, float* out) noexcept {
    const FloatState& state = state_of(opaque);
    if constexpr (geometry == Geometry::cosine) {
        // The side column is a second random access per row; asked for here, it has arrived when the kernel is done.
        for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(state.rows.inverse_norm + to_index(rows[i]));
    }
    state.kernel(state.query, state.dimension, state.rows.base, state.rows.stride, rows, count, out);
    for (std::size_t i = 0; i < count; ++i) {
        const float inverse = geometry == Geometry::cosine ? state.rows.inverse_norm[to_index(rows[i])] : 0.0F;
        out[i] = finish_one<geometry>(out[i], inverse);
    }
    repair<geometry>(
        state, [rows](std::size_t i) { return rows[i]; }, count, out);
}

template <Geometry geometry>
void finish_range(const FloatState& state, RowId first, std::size_t count, float* out) noexcept {
    const float* inverse = geometry == Geometry::cosine ? state.rows.inverse_norm + to_index(first) : nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = finish_one<geometry>(out[i], geometry == Geometry::cosine ? inverse[i] : 0.0F);
    }
    repair<geometry>(
        state, [first](std::size_t i) { return first + i; }, count, out);
}

template <Geometry geometry>
void score_range(const void* opaque, RowId first, std::size_t count, float* out) noexcept {
    const FloatState& state = state_of(opaque);
    if (state.half_range != nullptr) {
        state.half_range(state.query, state.dimension, state.rows.row(first), state.rows.stride, count, out);
    } else {
        state.tile(state.query, 0, 1, state.dimension, state.rows.row(first), state.rows.stride, count, out, count);
    }
    finish_range<geometry>(state, first, count, out);
}

/// A metric without a kernel: its own function, row by row.
float score_other(const FloatState& state, RowId row) noexcept {
    const float* vector = row_of(state, row);
    if (state.unit_row != nullptr) {
        const float inverse = state.rows.inverse_norm[to_index(row)];
        if (std::isfinite(inverse)) {
            for (std::size_t i = 0; i < state.dimension; ++i) state.unit_row[i] = vector[i] * inverse;
        } else {
            to_unit({vector, state.dimension}, state.unit_row);
        }
        vector = state.unit_row;
    }
    const float distance = state.distance(state.query, vector, state.dimension);
    return SEXTANT_LIKELY(std::isfinite(distance)) ? distance : saturate(double{distance});
}

void score_list_other(const void* opaque, const RowId* rows, std::size_t count, float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) out[i] = score_other(state_of(opaque), rows[i]);
}

void score_range_other(const void* opaque, RowId first, std::size_t count, float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) out[i] = score_other(state_of(opaque), first + i);
}

void prefetch_row(const void* opaque, RowId row) noexcept {
    const FloatState& state = state_of(opaque);
    // 4 lines: enough to start the hardware's stream prefetcher on the rest of a row.
    const std::size_t size =
        std::min<std::size_t>(state.dimension * (state.half_range == nullptr ? sizeof(float) : 2), 256);
    for (std::size_t at = 0; at < size; at += 64) __builtin_prefetch(state.rows.row(row) + at);
}

struct Scorers {
    RowScorer::Score list;
    RowScorer::Range range;
};

Scorers scorers_for(Geometry geometry) noexcept {
    switch (geometry) {
        case Geometry::squared_l2: return {score_list<Geometry::squared_l2>, score_range<Geometry::squared_l2>};
        case Geometry::inner_product:
            return {score_list<Geometry::inner_product>, score_range<Geometry::inner_product>};
        case Geometry::cosine: return {score_list<Geometry::cosine>, score_range<Geometry::cosine>};
        case Geometry::other: break;
    }
    return {score_list_other, score_range_other};
}

FloatState make_state(const MetricTraits& metric, std::size_t dimension, RowSource rows, QueryScratch& scratch) {
    const KernelTable& kernels = active_kernels();
    const bool l2 = metric.geometry == Geometry::squared_l2;
    FloatState state;
    state.dimension = dimension;
    state.rows = rows;
    state.kernel = l2 ? kernels.l2_f32_rows : kernels.dot_f32_rows;
    state.tile = l2 ? kernels.l2_f32_tile : kernels.dot_f32_tile;
    state.distance = metric.distance;
    if (rows.precision == RawPrecision::F16) {
        const HalfKernelTable& halves = half_kernels(kernels);
        state.kernel = l2 ? halves.l2_rows : halves.dot_rows;
        state.half_range = l2 ? halves.l2_range : halves.dot_range;
        state.half_row = scratch.take<float>(dimension).data();
    }
    if (metric.unit_length) state.unit_query = scratch.take<float>(dimension).data();
    if (metric.unit_length && metric.geometry == Geometry::other) {
        state.unit_row = scratch.take<float>(dimension).data();
    }
    return state;
}

void set_query(FloatState& state, const float* given) noexcept {
    state.given = given;
    state.query = given;
    if (state.unit_query == nullptr) return;
    to_unit({given, state.dimension}, state.unit_query);
    state.query = state.unit_query;
}

void bind_row(void* opaque, RowId from) noexcept {
    FloatState& state = *static_cast<FloatState*>(opaque);
    set_query(state, raw_vector(state.rows, from, state.dimension, state.half_query).data());
}

}  // namespace

RowScorer bind_floats(const MetricTraits& metric, VectorView query, RowSource rows, QueryScratch& scratch) {
    FloatState state = make_state(metric, query.size(), rows, scratch);
    set_query(state, query.data());
    const Scorers scorers = scorers_for(metric.geometry);
    return {scratch.make(state), scorers.list, scorers.range, prefetch_row};
}

PairScorer pair_floats(const MetricTraits& metric, std::size_t dimension, RowSource rows, QueryScratch& scratch) {
    FloatState* state = scratch.make(make_state(metric, dimension, rows, scratch));
    if (rows.precision == RawPrecision::F16) state->half_query = scratch.take<float>(dimension).data();
    return {state, bind_row, scorers_for(metric.geometry).list, prefetch_row};
}

namespace {

struct BatchState {
    const FloatState* queries = nullptr;  ///< one per query, for what one query needs alone
    const float* packed = nullptr;        ///< the kernels' queries, one after another
    std::size_t query_count = 0;
    std::size_t query_stride = 0;  ///< floats
    KernelTable::F32Tile tile = nullptr;
    std::span<float> widened = {};  ///< room for rows of halves as floats; empty where rows are floats
};

/// Rows as floats that all queries pass over before the next are read: what the tile keeps in the first level cache.
constexpr std::size_t widened_size = std::size_t{32} << 10U;

void score_tile(const BatchState& batch, RowId first, std::size_t count, float* out, std::size_t out_stride) noexcept {
    const FloatState& any = batch.queries[0];
    const auto score = [&](const std::byte* rows, std::size_t stride, std::size_t row_count, float* to) {
        batch.tile(batch.packed, batch.query_stride, batch.query_count, any.dimension, rows, stride, row_count, to,
                   out_stride);
    };
    if (batch.widened.empty()) return score(any.rows.row(first), any.rows.stride, count, out);
    const std::size_t most = batch.widened.size() / any.dimension;
    for (std::size_t done = 0; done < count; done += most) {
        const std::size_t rows = std::min(most, count - done);
        for (std::size_t i = 0; i < rows; ++i) {
            load_halves(any.rows.row(first + (done + i)), batch.widened.subspan(i * any.dimension, any.dimension));
        }
        score(reinterpret_cast<const std::byte*>(batch.widened.data()), any.dimension * sizeof(float), rows,
              out + done);
    }
}

template <Geometry geometry>
void score_block(const void* opaque, RowId first, std::size_t count, float* out, std::size_t out_stride) noexcept {
    const auto& batch = *static_cast<const BatchState*>(opaque);
    score_tile(batch, first, count, out, out_stride);
    for (std::size_t q = 0; q < batch.query_count; ++q) {
        finish_range<geometry>(batch.queries[q], first, count, out + q * out_stride);
    }
}

void score_block_other(const void* opaque, RowId first, std::size_t count, float* out,
                       std::size_t out_stride) noexcept {
    const auto& batch = *static_cast<const BatchState*>(opaque);
    for (std::size_t q = 0; q < batch.query_count; ++q) {
        score_range_other(batch.queries + q, first, count, out + q * out_stride);
    }
}

FloatBatch::Score block_scorer_for(Geometry geometry) noexcept {
    switch (geometry) {
        case Geometry::squared_l2: return score_block<Geometry::squared_l2>;
        case Geometry::inner_product: return score_block<Geometry::inner_product>;
        case Geometry::cosine: return score_block<Geometry::cosine>;
        case Geometry::other: break;
    }
    return score_block_other;
}

}  // namespace

FloatBatch bind_float_batch(const MetricTraits& metric, std::span<const VectorView> queries, RowSource rows,
                            QueryScratch& scratch) {
    const std::size_t dimension = queries.empty() ? 0 : queries[0].size();
    BatchState batch;
    batch.query_count = queries.size();
    // Whole cache lines, and an odd number of them: a power of two would put all queries into the same few cache sets.
    batch.query_stride = ((dimension + 15) / 16 | 1U) * 16;
    const auto packed = scratch.take<float>(batch.query_stride * queries.size());
    const auto states = scratch.take<FloatState>(queries.size());
    for (std::size_t q = 0; q < queries.size(); ++q) {
        ::new (&states[q]) FloatState(make_state(metric, dimension, rows, scratch));
        set_query(states[q], queries[q].data());
        std::copy_n(states[q].query, dimension, packed.data() + q * batch.query_stride);
        batch.tile = states[q].tile;
    }
    if (rows.precision == RawPrecision::F16 && dimension > 0) {
        const std::size_t most = std::max<std::size_t>(widened_size / (dimension * sizeof(float)) / 4 * 4, 4);
        batch.widened = scratch.take<float>(most * dimension);
    }
    batch.queries = states.data();
    batch.packed = packed.data();
    return {scratch.make(batch), block_scorer_for(metric.geometry)};
}

float float_distance(const MetricTraits& metric, VectorView a, VectorView b) noexcept {
    QueryScratch scratch;
    const float inverse = metric.unit_length ? inverse_norm(b) : 0.0F;
    const RowSource row{reinterpret_cast<const std::byte*>(b.data()), b.size() * sizeof(float), &inverse};
    float distance = 0.0F;
    bind_floats(metric, a, row, scratch).score_range(RowId{0}, {&distance, 1});
    return distance;
}

}  // namespace sextant::inline v1::detail
