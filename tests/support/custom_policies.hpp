/// custom_policies: policies a user wrote: a metric without a kernel, one over unit vectors, a quantizer of 16 bits.
/// Threads: values.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/concepts/quantizer.hpp"
#include "sextant/metric/metrics.hpp"
#include "sextant/quantizer/vector_math.hpp"

namespace sextant::test {

struct Manhattan {
    static constexpr MetricId id{0x8000};
    static constexpr std::string_view name = "manhattan";
    static constexpr bool unit_length = false;
    static constexpr Geometry geometry = Geometry::other;
    static constexpr bool similarity = false;
    static float distance(const float* a, const float* b, std::size_t dimension) noexcept {
        float sum = 0.0F;
        for (std::size_t i = 0; i < dimension; ++i) sum += std::fabs(a[i] - b[i]);
        return sum;
    }
    static DistanceFn distance_fn() noexcept { return distance; }
    static float to_score(float distance) noexcept { return distance; }
    static float from_score(float score) noexcept { return score; }
};
static_assert(Metric<Manhattan>);

/// The largest difference of two directions.
struct DirectionGap {
    static constexpr MetricId id{0x8001};
    static constexpr std::string_view name = "direction_gap";
    static constexpr bool unit_length = true;
    static constexpr Geometry geometry = Geometry::other;
    static constexpr bool similarity = false;
    static float distance(const float* a, const float* b, std::size_t dimension) noexcept {
        float largest = 0.0F;
        for (std::size_t i = 0; i < dimension; ++i) largest = std::max(largest, std::fabs(a[i] - b[i]));
        return largest;
    }
    static DistanceFn distance_fn() noexcept { return distance; }
    static float to_score(float distance) noexcept { return distance; }
    static float from_score(float score) noexcept { return score; }
};
static_assert(Metric<DirectionGap>);

/// 16 bits a dimension over one range; every code is decoded before it is compared.
class Wide {
public:
    static constexpr QuantizerId id{0x8000};
    static constexpr std::string_view name = "wide";
    struct Options {
        float margin = 1.5F;
        [[nodiscard]] Result<void> validate() const {
            if (margin < 1.0F) return invalid_argument("quantizer.margin must be at least 1");
            return {};
        }
        [[nodiscard]] std::vector<std::byte> save() const {
            std::vector<std::byte> bytes(sizeof(margin));
            std::memcpy(bytes.data(), &margin, sizeof(margin));
            return bytes;
        }
        [[nodiscard]] static Result<Options> load(std::span<const std::byte> saved) {
            Options options;
            if (saved.size() != sizeof(margin)) return Error{ErrorCode::corruption, "wide: options have 4 bytes"};
            std::memcpy(&options.margin, saved.data(), sizeof(margin));
            return options;
        }
    };
    static Result<Wide> train(MatrixView sample, const Options& options, const TrainContext&) {
        SEXTANT_TRY(options.validate());
        Wide wide;
        wide.dimension_ = sample.dimension;
        for (std::size_t r = 0; r < sample.row_count; ++r) {
            for (const float value : sample.row(r))
                wide.range_ = std::max(wide.range_, std::fabs(value) * options.margin);
        }
        return wide;
    }
    std::vector<std::byte> save() const {
        const auto dimension = static_cast<std::uint32_t>(dimension_);
        std::vector<std::byte> bytes(8);
        std::memcpy(bytes.data(), &dimension, 4);
        std::memcpy(bytes.data() + 4, &range_, 4);
        return bytes;
    }
    static Result<Wide> load(std::span<const std::byte> saved) {
        std::uint32_t dimension = 0;
        Wide wide;
        if (saved.size() != 8) return Error{ErrorCode::corruption, "wide: a codebook has 8 bytes"};
        std::memcpy(&dimension, saved.data(), 4);
        std::memcpy(&wide.range_, saved.data() + 4, 4);
        wide.dimension_ = dimension;
        if (!(wide.range_ > 0.0F)) return Error{ErrorCode::corruption, "wide: no range"};
        return wide;
    }
    std::size_t dimension() const noexcept { return dimension_; }
    std::size_t code_size() const noexcept { return 2 * dimension_; }
    void encode(VectorView vector, std::span<std::byte> out) const noexcept {
        for (std::size_t i = 0; i < dimension_; ++i) {
            const float clipped = std::min(std::max(vector[i] / range_, -1.0F), 1.0F);
            const auto value = static_cast<std::int16_t>(std::lround(clipped * 32767.0F));
            std::memcpy(out.data() + 2 * i, &value, 2);
        }
    }
    void decode(CodeView code, std::span<float> out) const noexcept { decode_to(code.data(), out.data()); }

    template <Metric M>
    RowScorer bind(VectorView query, RowSource rows, QueryScratch& scratch) const {
        State* state = state_for<M>(rows, scratch);
        if (M::unit_length) {
            sextant::detail::to_unit(query, state->query);
        } else {
            std::copy(query.begin(), query.end(), state->query);
        }
        return {state, score, score_range, prefetch};
    }
    template <Metric M>
    PairScorer between(RowSource rows, QueryScratch& scratch) const {
        return {state_for<M>(rows, scratch), bind_row, score, prefetch};
    }

private:
    struct State {
        const Wide* codec;
        RowSource rows;
        DistanceFn distance;
        float* query;
        float* row;
    };
    template <Metric M>
    State* state_for(RowSource rows, QueryScratch& scratch) const {
        return scratch.make(State{this, rows, M::distance_fn(), scratch.take<float>(dimension_).data(),
                                  scratch.take<float>(dimension_).data()});
    }
    void decode_to(const std::byte* code, float* out) const noexcept {
        for (std::size_t i = 0; i < dimension_; ++i) {
            std::int16_t value = 0;
            std::memcpy(&value, code + 2 * i, 2);
            out[i] = range_ * static_cast<float>(value) / 32767.0F;
        }
    }
    static void score(const void* opaque, const RowId* rows, std::size_t count, float* out) noexcept {
        const State& state = *static_cast<const State*>(opaque);
        for (std::size_t i = 0; i < count; ++i) {
            state.codec->decode_to(state.rows.row(rows[i]), state.row);
            out[i] = state.distance(state.query, state.row, state.codec->dimension_);
        }
    }
    static void score_range(const void* opaque, RowId first, std::size_t count, float* out) noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            const RowId row{to_index(first) + static_cast<std::uint32_t>(i)};
            score(opaque, &row, 1, out + i);
        }
    }
    static void prefetch(const void*, RowId) noexcept {}
    static void bind_row(void* opaque, RowId from) noexcept {
        const State& state = *static_cast<const State*>(opaque);
        state.codec->decode_to(state.rows.row(from), state.query);
    }

    std::size_t dimension_ = 0;
    float range_ = 1e-3F;
};
static_assert(QuantizerFor<Wide, Manhattan>);
static_assert(!BoundedQuantizer<Wide, SquaredL2>);

}  // namespace sextant::test
