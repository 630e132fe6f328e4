// The part of ProductQuantizer that scores: queries bound to rows of codes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "quantizer/product_codes.hpp"
#include "sextant/core/config.hpp"
#include "sextant/quantizer/product_quantizer.hpp"
#include "sextant/quantizer/vector_math.hpp"

namespace sextant::inline v1 {
namespace {

constexpr double smallest_scale = double{std::numeric_limits<float>::min()};
/// Sums of tables stay below 2^119 (131,072 components of up to 2^51, squared): up to here scaled ones are floats.
constexpr double safe_scale = 256.0;
/// Inner products stay below 2^76: 131,072 of up to 2^8 · 2^50, and 1.
constexpr double safe_dot_scale = 0x1.0p50;

/// A query bound to codes; the mutable part of a PairScorer too.
struct CodeState {
    ProductQuery query;
    RowSource rows;
    ProductKernelTable::ProductRows kernel = nullptr;
    ProductKernelTable::ProductRange range = nullptr;
    Geometry geometry = Geometry::other;
    const ProductModel* model = nullptr;
    float* prepared = nullptr;      ///< the query as the centroids see it
    float* tables = nullptr;        ///< [subvectors][centroid_count]
    float* byte_tables = nullptr;   ///< 4 bits: [code_size][256]; 8 bits: the same as `tables`
    DistanceFn distance = nullptr;  ///< metrics without tables
    float* float_query = nullptr;   ///< for those
    float* decoded = nullptr;       ///< and room for one row
};

const CodeState& state_of(const void* state) noexcept { return *static_cast<const CodeState*>(state); }

/// Σ over sub-vectors of the table entry that `choose` finds largest.
template <class Of>
double sum_of_largest(const CodeState& state, Of of) noexcept {
    const std::size_t columns = state.model->centroid_count();
    double sum = 0.0;
    for (std::size_t s = 0; s < state.model->subvectors; ++s) {
        const float* const table = state.tables + s * columns;
        float largest = std::numeric_limits<float>::lowest();
        for (std::size_t c = 0; c < columns; ++c) largest = std::max(largest, of(table[c]));
        sum += double{largest};
    }
    return sum;
}

void fill_tables(CodeState& state) noexcept {
    const ProductModel& model = *state.model;
    const ProductKernelTable& kernels = product_kernels();
    const std::size_t width = model.sub_dimension();
    const std::size_t columns = model.centroid_count();
    for (std::size_t s = 0; s < model.subvectors; ++s) {
        const float* const part = state.prepared + s * width;
        float* const table = state.tables + s * columns;
        if (state.geometry == Geometry::inner_product) {
            kernels.multiply_f32(part, 0, 1, model.centroids_of(s), columns, width, columns, table, 0);
        } else {
            kernels.l2_columns_f32(part, model.centroids_of(s), width, columns, table);
        }
    }
}

/// The entry of the kept centroid, which lies far away: as if it were zero; under cosine what makes the distance 1.
void fill_kept_entry(CodeState& state) noexcept {
    const ProductModel& model = *state.model;
    const std::size_t columns = model.centroid_count();
    float& entry = state.tables[columns - 1];
    entry = 0.0F;
    if (state.geometry == Geometry::squared_l2) {
        for (std::size_t j = 0; j < model.sub_dimension(); ++j) entry += state.prepared[j] * state.prepared[j];
    } else if (state.geometry == Geometry::cosine) {
        double others = 0.0;
        for (std::size_t s = 1; s < model.subvectors; ++s) {
            others += double{state.tables[s * columns + model.nearest_zero[s]]};
        }
        constexpr double most = 0x1.0p118;
        entry = static_cast<float>(std::clamp(1.0 / double{state.query.scale} - others, -most, most));
    }
}

/// 4 bits: a table for each byte, the sums of the entries of its two codes.
void pair_tables(CodeState& state) noexcept {
    if (state.byte_tables == state.tables) return;
    for (std::size_t b = 0; b < state.model->code_size(); ++b) {
        const float* const low = state.tables + 32 * b;
        const bool both = 2 * b + 1 < state.model->subvectors;
        float* out = state.byte_tables + 256 * b;
        for (std::size_t high = 0; high < 16; ++high, out += 16) {
            const float added = both ? low[16 + high] : 0.0F;
            for (std::size_t i = 0; i < 16; ++i) out[i] = low[i] + added;
        }
    }
}

/// Tables and scale of state.prepared, which is the query in units of `unit`.
void set_tables(CodeState& state, double unit) noexcept {
    const double given = double{state.model->unit};
    const bool dot = state.geometry == Geometry::inner_product;
    const double factor = dot ? unit * given : given * given * (state.geometry == Geometry::cosine ? 0.5 : 1.0);
    fill_tables(state);
    double scale = std::max(factor, smallest_scale);
    state.query.scale = static_cast<float>(std::min(scale, safe_scale));
    fill_kept_entry(state);
    if (scale > (dot ? safe_dot_scale : safe_scale)) {
        // Distances must stay finite. Where they would not, they still rank; their size is no longer that of the metric.
        const double largest = sum_of_largest(state, [](float value) { return std::fabs(value); });
        constexpr double most = double{std::numeric_limits<float>::max()} / 2.0;
        scale = std::min(scale, most / std::max(largest, 1.0));
    }
    state.query.scale = static_cast<float>(dot ? -scale : scale);
    state.query.offset = 0.0F;
    pair_tables(state);
}

/// Every distance is 1.
void set_zero_query(CodeState& state) noexcept {
    state.query.scale = 0.0F;
    state.query.offset = 1.0F;
}

void score_list(const void* opaque, const RowId* rows, std::size_t count, float* out) noexcept {
    const CodeState& state = state_of(opaque);
    state.kernel(state.query, state.rows.base, state.rows.stride, rows, count, out);
}

void score_range(const void* opaque, RowId first, std::size_t count, float* out) noexcept {
    const CodeState& state = state_of(opaque);
    state.range(state.query, state.rows.row(first), state.rows.stride, count, out);
}

float score_decoded(const CodeState& state, RowId row) noexcept {
    detail::decode_product(*state.model, state.rows.row(row), state.decoded);
    const float distance = state.distance(state.float_query, state.decoded, state.model->dimension);
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
    const std::size_t size = std::min<std::size_t>(state.model->code_size(), 256);
    for (std::size_t at = 0; at < size; at += 64) __builtin_prefetch(state.rows.row(row) + at);
}

void bind_row(void* opaque, RowId from) noexcept {
    CodeState& state = *static_cast<CodeState*>(opaque);
    const ProductModel& model = *state.model;
    const std::byte* const row = state.rows.row(from);
    // A rotation changes neither lengths nor products: what is decoded need not be turned back.
    detail::decode_prepared(model, row, 0, model.padded_dimension(), state.prepared);
    set_tables(state, double{model.unit});
    if (state.geometry == Geometry::cosine && detail::is_kept(model, row)) set_zero_query(state);
}

void bind_decoded_row(void* opaque, RowId from) noexcept {
    CodeState& state = *static_cast<CodeState*>(opaque);
    detail::decode_product(*state.model, state.rows.row(from), state.float_query);
}

CodeState make_state(const MetricTraits& metric, const ProductModel& model, RowSource rows, QueryScratch& scratch) {
    CodeState state;
    state.rows = rows;
    state.kernel = product_kernels().product_rows;
    state.range = product_kernels().product_range;
    state.geometry = metric.geometry;
    state.model = &model;
    state.distance = metric.distance;
    if (metric.geometry == Geometry::other) {
        state.float_query = scratch.take<float>(model.dimension).data();
        state.decoded = scratch.take<float>(model.dimension).data();
        return state;
    }
    state.prepared = scratch.take<float>(model.padded_dimension() + 16).data();
    const std::size_t entries = model.subvectors * model.centroid_count();
    state.tables = scratch.take<float>(entries).data();
    state.byte_tables = model.bits == 8 ? state.tables : scratch.take<float>(model.code_size() * 256).data();
    state.query = {state.byte_tables, model.code_size(), 1.0F, 0.0F};
    return state;
}

/// What the query is divided by, a power of two: the model's unit; for products, which have no scale, its own size.
float unit_for(const CodeState& state, VectorView query) noexcept {
    if (state.geometry != Geometry::inner_product) return state.model->unit;
    float largest = 0.0F;
    for (const float value : query) largest = std::max(largest, std::fabs(value));
    if (!(largest > 0.0F)) return 1.0F;
    int exponent = 0;
    static_cast<void>(std::frexp(largest, &exponent));
    return std::ldexp(1.0F, std::clamp(exponent, -120, 120));
}

void set_query(CodeState& state, VectorView query) noexcept {
    const float unit = unit_for(state, query);
    detail::prepare(*state.model, query.data(), 1.0F / unit, state.prepared);
    set_tables(state, double{unit});
}

/// The query of unit length where the metric asks for it; whether it has a direction.
bool scaled_query(const MetricTraits& metric, VectorView& query, QueryScratch& scratch) {
    if (!metric.unit_length) return true;
    float* const unit = scratch.take<float>(query.size()).data();
    const bool directed = detail::to_unit(query, unit);
    query = {unit, query.size()};
    return directed;
}

}  // namespace

RowScorer ProductQuantizer::bind_metric(const MetricTraits& metric, VectorView query, RowSource rows,
                                        QueryScratch& scratch) const {
    CodeState state = make_state(metric, model_, rows, scratch);
    const bool directed = scaled_query(metric, query, scratch);
    if (metric.geometry == Geometry::other) {
        std::copy(query.begin(), query.end(), state.float_query);
        return {scratch.make(state), score_list_decoded, score_range_decoded, prefetch_code};
    }
    set_query(state, query);
    if (!directed) set_zero_query(state);
    return {scratch.make(state), score_list, score_range, prefetch_code};
}

PairScorer ProductQuantizer::between_metric(const MetricTraits& metric, RowSource rows, QueryScratch& scratch) const {
    CodeState* const state = scratch.make(make_state(metric, model_, rows, scratch));
    if (metric.geometry == Geometry::other) return {state, bind_decoded_row, score_list_decoded, prefetch_code};
    return {state, bind_row, score_list, prefetch_code};
}

FastScanTables ProductQuantizer::fast_scan_metric(const MetricTraits& metric, VectorView query,
                                                  QueryScratch& scratch) const {
    CodeState state = make_state(metric, model_, {}, scratch);
    state.byte_tables = state.tables;  // sums of two codes are not wanted
    const bool directed = scaled_query(metric, query, scratch);
    set_query(state, query);
    if (!directed) set_zero_query(state);
    const std::size_t entries = model_.subvectors * model_.centroid_count();
    return FastScanTables::make({state.tables, entries}, model_.subvectors, state.query.scale, state.query.offset,
                                detail::kept_centroid(model_), scratch);
}

CodeTrust ProductQuantizer::trust_of(Geometry geometry, const RowScorer& bound) const noexcept {
    if (geometry != Geometry::squared_l2 && geometry != Geometry::cosine) return CodeTrust::estimate;
    if (model_.error_slope == std::numeric_limits<float>::max()) return CodeTrust::estimate;
    // What the query itself would lose: the sum of its least distances to the centroids.
    const CodeState& state = state_of(bound.state);
    if (state.query.scale == 0.0F) return CodeTrust::estimate;
    const double unit = double{model_.unit};
    const double lost = -sum_of_largest(state, [](float value) { return -value; }) * unit * unit;
    return lost <= 4.0 * reconstruction_error() ? CodeTrust::bounded : CodeTrust::estimate;
}

}  // namespace sextant::inline v1
