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
    I4Query halves;  ///< takes the place of `query` for codes of 4 bits
    RowSource rows;
    KernelTable::I8Rows kernel = nullptr;
    KernelTable::I8Range range = nullptr;
    const Scalar4KernelTable* nibbles = nullptr;
    CodeTrust trust = CodeTrust::estimate;

    const ScalarModel* model = nullptr;
    float query_step = 1.0F;
    DistanceFn distance = nullptr;       ///< metrics without a kernel
    const float* float_query = nullptr;  ///< for those
    std::uint8_t* bytes = nullptr;       ///< room behind query.biased and halves.bytes
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
void finish_bytes(CodeState& state, std::uint32_t square_sum) noexcept {
    const std::size_t dimension = state.model->offset.size();
    for (std::size_t i = 0; i < dimension; ++i) state.bytes[i] = static_cast<std::uint8_t>(state.bytes[i] ^ 0x80U);
    std::fill(state.bytes + dimension, state.bytes + padded(dimension), std::uint8_t{0});
    state.query.biased = state.bytes;
    state.query.dimension = dimension;
    state.query.square_sum = square_sum;
}

/// The same for codes of 4 bits. `sums` are those of the values.
void finish_halves(CodeState& state, I8Trailer sums) noexcept {
    const std::size_t dimension = state.model->offset.size();
    std::uint8_t* const bytes = state.bytes;
    for (std::size_t i = 0; i < dimension; ++i) bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ 0x80U);
    if (const std::size_t rest = dimension % i4_block; rest != 0) {
        // The last block: its high halves begin at byte 64 of the query too.
        std::uint8_t* const last = bytes + dimension - rest;
        const std::size_t low = std::min(i4_block_size(rest), rest);
        std::memmove(last + i4_block / 2, last + low, rest - low);
        std::fill(last + low, last + i4_block / 2, std::uint8_t{0});
        std::fill(last + i4_block / 2 + rest - low, last + i4_block, std::uint8_t{0});
    }
    const auto sum = static_cast<std::uint32_t>(sums.sum);
    state.halves.constant = state.halves.dot
                                ? 0U - 8U * sum
                                : sums.square_sum + 256U * sum + 16384U * static_cast<std::uint32_t>(dimension);
}

void finish_query(CodeState& state) noexcept {
    const I8Trailer sums =
        detail::trailer_of(reinterpret_cast<const std::int8_t*>(state.bytes), state.model->offset.size());
    if (state.nibbles != nullptr) return finish_halves(state, sums);
    finish_bytes(state, sums.square_sum);
}

/// What becomes of the kernels' whole numbers.
void set_scale(CodeState& state, double scale, double offset) noexcept {
    state.query.scale = state.halves.scale = static_cast<float>(scale);
    state.query.offset = state.halves.offset = static_cast<float>(offset);
}

void set_l2_scale(CodeState& state, double factor) noexcept {
    const double step = double{state.query_step};
    set_scale(state, std::clamp(factor * step * step, smallest_scale, largest_scale), 0.0);
}

/// What the query itself loses decides what its distances say.
CodeTrust trust_in_query(const CodeState& state, const float* query, bool exact_possible) noexcept {
    const ScalarModel& model = *state.model;
    const std::size_t dimension = model.offset.size();
    detail::decode_row(model.offset, state.query_step, reinterpret_cast<const std::byte*>(state.bytes), state.floats);
    const double scale = double{state.query_step} * double{state.query_step};
    if (!(scale >= 2.0 * smallest_scale && scale <= largest_scale)) return CodeTrust::estimate;
    if (exact_possible && std::equal(query, query + dimension, state.floats)) return CodeTrust::exact;
    const float lost = active_kernels().l2_f32(query, state.floats, dimension);
    const bool usual = lost <= 4.0F * model.row_error * model.row_error;
    return usual && model.error_slope < std::numeric_limits<float>::max() ? CodeTrust::bounded : CodeTrust::estimate;
}

void set_l2_query(CodeState& state, const float* query) noexcept {
    const std::size_t dimension = state.model->offset.size();
    const auto values = reinterpret_cast<std::int8_t*>(state.bytes);
    active_kernels().encode_i8(query, state.model->offset.data(), 1.0F / state.query_step, dimension, values);
}

void set_dot_query(CodeState& state, const float* query) noexcept {
    const std::size_t dimension = state.model->offset.size();
    float largest = 0.0F;
    for (std::size_t i = 0; i < dimension; ++i) largest = std::max(largest, std::fabs(query[i]));
    const double query_step = std::max(double{largest} / 127.0, double{detail::smallest_step});
    const auto values = reinterpret_cast<std::int8_t*>(state.bytes);
    active_kernels().encode_i8(query, state.zeros, static_cast<float>(1.0 / query_step), dimension, values);
    finish_query(state);
    const double scale = std::clamp(query_step * double{state.model->step}, smallest_scale, largest_scale);
    constexpr double most = double{std::numeric_limits<float>::max()} / 4.0;
    const double centre = detail::dot_in_double(query, state.model->offset.data(), dimension);
    set_scale(state, -scale, std::clamp(-centre, -most, most));
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

void score_list_halves(const void* opaque, const RowId* rows, std::size_t count, float* out) noexcept {
    const CodeState& state = state_of(opaque);
    state.nibbles->rows(state.halves, state.rows.base, state.rows.stride, rows, count, out);
}

void score_range_halves(const void* opaque, RowId first, std::size_t count, float* out) noexcept {
    const CodeState& state = state_of(opaque);
    state.nibbles->range(state.halves, state.rows.row(first), state.rows.stride, count, out);
}

float score_decoded(const CodeState& state, RowId row) noexcept {
    detail::decode_code(*state.model, state.rows.row(row), state.decoded);
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
    const std::size_t size = std::min<std::size_t>(state.rows.stride, 256);
    for (std::size_t at = 0; at < size; at += 64) __builtin_prefetch(state.rows.row(row) + at);
}

void bind_l2_row(void* opaque, RowId from) noexcept {
    CodeState& state = *static_cast<CodeState*>(opaque);
    const std::byte* row = state.rows.row(from);
    const std::size_t dimension = state.model->offset.size();
    std::memcpy(state.bytes, row, dimension);
    I8Trailer trailer;
    std::memcpy(&trailer, row + i8_trailer_offset(dimension), sizeof(trailer));
    finish_bytes(state, trailer.square_sum);
}

/// Rows have a sixteenth of a query's resolution: a query is bytes of which only the high half is not 0.
void bind_l2_halves(void* opaque, RowId from) noexcept {
    CodeState& state = *static_cast<CodeState*>(opaque);
    const std::byte* const row = state.rows.row(from);
    const std::size_t size = i4_trailer_offset(state.model->offset.size());
    constexpr std::size_t block = i4_block / 2;
    std::uint8_t* out = state.bytes;
    for (std::size_t first = 0; first < size; first += block, out += i4_block) {
        const std::size_t count = std::min(block, size - first);
        std::fill_n(out, i4_block, std::uint8_t{0});
        for (std::size_t i = 0; i < count; ++i) {
            const auto byte = std::to_integer<unsigned>(row[first + i]);
            out[i] = static_cast<std::uint8_t>(byte << 4U);
            out[block + i] = static_cast<std::uint8_t>(byte & 0xF0U);
        }
    }
    I8Trailer trailer;
    std::memcpy(&trailer, row + size, sizeof(trailer));
    state.halves.constant = trailer.square_sum;
}

void bind_dot_row(void* opaque, RowId from) noexcept {
    CodeState& state = *static_cast<CodeState*>(opaque);
    detail::decode_code(*state.model, state.rows.row(from), state.floats);
    set_dot_query(state, state.floats);
}

void bind_decoded_row(void* opaque, RowId from) noexcept {
    CodeState& state = *static_cast<CodeState*>(opaque);
    detail::decode_code(*state.model, state.rows.row(from), state.floats);
}

CodeState make_state(const MetricTraits& metric, const ScalarModel& model, const Scalar4KernelTable* nibbles,
                     RowSource rows, QueryScratch& scratch) {
    const KernelTable& kernels = active_kernels();
    const std::size_t dimension = model.offset.size();
    const bool dot = metric.geometry == Geometry::inner_product;
    CodeState state;
    state.rows = rows;
    state.kernel = dot ? kernels.dot_i8_rows : kernels.l2_i8_rows;
    state.range = dot ? kernels.dot_i8_range : kernels.l2_i8_range;
    state.model = &model;
    state.query_step = model.query_step();
    state.nibbles = nibbles;
    state.distance = metric.distance;
    state.floats = scratch.take<float>(dimension).data();
    const std::size_t query_size = nibbles != nullptr ? i4_query_size(dimension) : padded(dimension);
    state.bytes = scratch.take<std::uint8_t>(query_size).data();
    state.halves = {.bytes = state.bytes, .dimension = dimension, .dot = dot};
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

RowScorer row_scorer(const CodeState& state, QueryScratch& scratch) {
    if (state.nibbles != nullptr) return {scratch.make(state), score_list_halves, score_range_halves, prefetch_code};
    return {scratch.make(state), score_list, score_range, prefetch_code};
}

PairScorer pair_scorer(const CodeState& state, PairScorer::Bind bind, QueryScratch& scratch) {
    const auto score = state.nibbles != nullptr ? score_list_halves : score_list;
    return {scratch.make(state), bind, score, prefetch_code};
}

}  // namespace

RowScorer ScalarQuantizer::bind_metric(const MetricTraits& metric, VectorView query, RowSource rows,
                                       QueryScratch& scratch) const {
    CodeState state = make_state(metric, model_, nibbles_, rows, scratch);
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
        return row_scorer(state, scratch);
    }
    set_l2_query(state, given);
    state.trust = trust_in_query(state, given, metric.geometry == Geometry::squared_l2);
    finish_query(state);
    set_l2_scale(state, metric.geometry == Geometry::cosine ? 0.5 : 1.0);
    if (zero) set_scale(state, 0.0, 1.0);  // at distance 1 from everything
    return row_scorer(state, scratch);
}

PairScorer ScalarQuantizer::between_metric(const MetricTraits& metric, RowSource rows, QueryScratch& scratch) const {
    CodeState state = make_state(metric, model_, nibbles_, rows, scratch);
    if (metric.geometry == Geometry::other)
        return {scratch.make(state), bind_decoded_row, score_list_decoded, prefetch_code};
    if (metric.geometry == Geometry::inner_product) return pair_scorer(state, bind_dot_row, scratch);
    set_l2_scale(state, metric.geometry == Geometry::cosine ? 0.5 : 1.0);
    return pair_scorer(state, nibbles_ != nullptr ? bind_l2_halves : bind_l2_row, scratch);
}

CodeTrust ScalarQuantizer::trust_of(Geometry geometry, const RowScorer& bound) const noexcept {
    if (geometry != Geometry::squared_l2 && geometry != Geometry::cosine) return CodeTrust::estimate;
    return state_of(bound.state).trust;
}

}  // namespace sextant::inline v1
