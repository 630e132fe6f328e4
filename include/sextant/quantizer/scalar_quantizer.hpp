/// ScalarQuantizer: one signed byte per dimension: v = clamp(round((x - offset[d]) / step), -128, 127).
///
///     row   int8 values[dimension] | zero bytes to a multiple of 4 | Σv (i32) | Σv² (u32)       i8_row_size(dimension)
///
/// Or half a byte: v = clamp(round(...), -8, 7), two values a byte (scalar4_kernel_table.hpp). Queries keep 8 bits: their
/// step is a sixteenth of that of the rows, so that distances are those of 8-bit codes that happen to be multiples of 16.
///
/// One step for all dimensions, one offset for each: then Σ(v-w)² · step² is the squared Euclidean distance of the
/// decoded vectors whatever the offsets are, in integers and without a table. Cosine codes are those of unit vectors
/// and use the same arithmetic: 1 - cos = |a-b|²/2. An inner product quantises the query by a scale of its own:
/// q·x = q·offset + step · (q·v).
///
/// Invariants: (1) 2^-120 ≤ step < infinity; (2) scaled distances are finite for all finite vectors; (3) the same
/// sample and seed train the same codebook on every kernel.
/// Threads: immutable.
/// Cost: d + 8 bytes a row (to a multiple of 4); a quarter of the bytes of floats per scored row. With 4 bits d/2 + 8.
/// Why centres and clipped quantiles: one outlier in a hundred thousand values, taken as the range, would leave the
/// rest of the data with two or three of the 256 values (tests/quantizer/scalar_quantizer_test.cpp).
/// Why whole numbers are special: pixels and SIFT counts within 0..255 are their own codes, so nothing is lost at all.
/// Why 8 bits are the default: 4 lose 4 to 10 of 100 neighbours where they are not rescored (docs/internals/kernels.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/concepts/quantizer.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/kernel/scalar4_kernel_table.hpp"
#include "sextant/quantizer/code_trust.hpp"
#include "sextant/quantizer/metric_traits.hpp"

namespace sextant::inline v1 {

/// What training measures. Fields are those of the format page.
struct ScalarModel {
    std::vector<float> offset;
    float step = 1.0F;
    float row_error = 0.0F;  ///< root mean square of |x - decode(encode(x))| over the sample
    float error_slope = std::numeric_limits<float>::max();  ///< see ScalarQuantizer::lower_bound
    std::uint32_t bits = 8;                                 ///< of a value: 8 or 4

    /// Of a query's values.
    [[nodiscard]] float query_step() const noexcept { return bits == 4 ? step / 16.0F : step; }
};

class ScalarQuantizer {
public:
    static constexpr QuantizerId id = QuantizerId::scalar8;
    static constexpr std::string_view name = "scalar";
    /// More rows than this teach it nothing.
    static constexpr std::size_t sample_rows = 8192;

    struct Options {
        /// Share of all components that are kept inside the range of codes, above 0.5 and at most 1. Left out, the
        /// range with the smallest error is chosen, in which a single far outlier counts little. Set it to 1 where
        /// values are bounded and the extremes matter.
        std::optional<double> quantile = {};
        /// 8, or 4 for half the size of codes and less exact distances of codes. Left out: 8.
        std::optional<std::uint32_t> bits = {};

        [[nodiscard]] Result<void> validate() const;
        /// Format: docs/format/manifest.md.
        [[nodiscard]] std::vector<std::byte> save() const;
        [[nodiscard]] static Result<Options> load(std::span<const std::byte> saved);
        friend bool operator==(const Options&, const Options&) = default;
    };

    [[nodiscard]] static Result<ScalarQuantizer> train(MatrixView sample, const Options& options,
                                                       const TrainContext& context);
    /// With no options: a program that needs no others is linked without kernels for 4 bits.
    [[nodiscard]] static Result<ScalarQuantizer> train8(MatrixView sample, const TrainContext& context);
    /// Format: docs/format/codebook.md.
    [[nodiscard]] std::vector<std::byte> save() const;
    [[nodiscard]] static Result<ScalarQuantizer> load(std::span<const std::byte> saved);

    [[nodiscard]] std::size_t dimension() const noexcept { return model_.offset.size(); }
    [[nodiscard]] std::size_t code_size() const noexcept {
        return model_.bits == 4 ? i4_row_size(dimension()) : i8_row_size(dimension());
    }
    [[nodiscard]] static constexpr std::size_t code_size_for(std::size_t dimension, const Options& options) noexcept {
        return options.bits == 4U ? i4_row_size(dimension) : i8_row_size(dimension);
    }
    [[nodiscard]] const ScalarModel& model() const noexcept { return model_; }

    void encode(VectorView vector, std::span<std::byte> out) const noexcept;
    void decode(CodeView code, std::span<float> out) const noexcept;

    /// The code of a zero vector under cosine: as near as can be at distance 1 from every unit vector.
    template <Metric M>
    requires M::unit_length void encode_zero(std::span<std::byte> out) const noexcept { encode_zero_vector(out); }
    template <Metric M>
    [[nodiscard]] RowScorer bind(VectorView query, RowSource rows, QueryScratch& scratch) const {
        return bind_metric(metric_traits<M>(), query, rows, scratch);
    }
    template <Metric M>
    [[nodiscard]] PairScorer between(RowSource rows, QueryScratch& scratch) const {
        return between_metric(metric_traits<M>(), rows, scratch);
    }
    /// What distances of this bound query say. Exact: the query decodes to itself, so distances to rows that do are
    /// exact.
    template <Metric M>
    [[nodiscard]] CodeTrust trust(const RowScorer& bound) const noexcept {
        return trust_of(metric_traits<M>().geometry, bound);
    }
    /// The true distance is at least this, but for a rate below 1 in 1,000 near neighbours, for queries that are
    /// distributed as the rows. Rounding errors of single dimensions are independent, so the error of a squared
    /// distance D grows as sqrt(D); its largest ratio to sqrt(D) over thousands of near pairs of the sample, and a
    /// fifth, is error_slope. A proven bound (the triangle inequality over |x - decoded|) would be ten times wider and
    /// stop nothing.
    template <Metric M>
    [[nodiscard]] float lower_bound(float code_distance) const noexcept {
        return lower_bound_of(metric_traits<M>().geometry, code_distance);
    }

    /// Whether a row that lost `lost` (a squared distance) is unlike the sample: more than twice the usual error.
    [[nodiscard]] bool misfit(float lost) const noexcept;

private:
    /// `nibbles`: null for 8 bits.
    explicit ScalarQuantizer(ScalarModel model, const Scalar4KernelTable* nibbles = nullptr) noexcept;

    void encode_zero_vector(std::span<std::byte> out) const noexcept;
    [[nodiscard]] RowScorer bind_metric(const MetricTraits& metric, VectorView query, RowSource rows,
                                        QueryScratch& scratch) const;
    [[nodiscard]] PairScorer between_metric(const MetricTraits& metric, RowSource rows, QueryScratch& scratch) const;
    [[nodiscard]] CodeTrust trust_of(Geometry geometry, const RowScorer& bound) const noexcept;
    [[nodiscard]] float lower_bound_of(Geometry geometry, float code_distance) const noexcept;

    ScalarModel model_;
    float inverse_step_ = 1.0F;
    const Scalar4KernelTable* nibbles_ = nullptr;
};

}  // namespace sextant::inline v1
