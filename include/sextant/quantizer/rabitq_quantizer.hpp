/// RabitqQuantizer: 1 to 8 bits a dimension of a randomly rotated vector, with an estimator of distances that is right on
/// average and knows how far it may be off.
///
///     y = rotation · (x - mean) / unit       r = y - centre of its group
///     u[j] = the cell of r[j] among 2^bits equal ones        c = u - (2^bits - 1) / 2
///     r·z ≈ |r|² / (r·c) · (c·z)      for a rotated vector z: unbiased, error as |r|·|z| · sqrt((1/cos²(r,c) - 1) / (d - 1))
///
/// A rotation spreads a vector evenly over all dimensions, so one grid suits all of them and nothing has to be learned but
/// where rows lie: the centres of a few groups of them. What is estimated is then only how a row and a query lie to each
/// other as seen from the row's centre, all else is exact:
///     |q - x|² = |q - centre|² + |r|² - 2·(q - centre)·r          cosine: half of that, of unit vectors
///     q·x = q·centre + λ·(centre·r) + (q - λ·centre)·r            λ = q·centre / |centre|²
/// A query is coded once, not once a group: what its products with the centres add is kept with the rows.
///
/// Source: Gao and Long, "RaBitQ", SIGMOD 2024, section 3; Gao et al., "Practical and asymptotically optimal quantization",
/// SIGMOD 2025, section 3 (more bits; here with one cell width for all vectors, the best for normal components: Max 1960,
/// table II). Rotation: include/sextant/kernel/rotation_kernel_table.hpp.
///
/// Invariants: (1) estimates are finite for all finite vectors; (2) the same sample and seed train the same codebook on
/// every kernel, and a vector has the same code on every kernel.
/// Threads: immutable.
/// Cost: a row has the dimension rounded up to 64, times bits / 8, and 12 bytes; it and each query take d log d. A query of
/// 1-bit codes has 4 bits a dimension and counts bits; one of more bits has 8, and multiplies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/concepts/quantizer.hpp"
#include "sextant/kernel/packed_kernel_table.hpp"
#include "sextant/kernel/rotation_kernel_table.hpp"
#include "sextant/quantizer/code_trust.hpp"
#include "sextant/quantizer/metric_traits.hpp"

namespace sextant::inline v1 {

/// What training measures: the fields of docs/format/codebook.md.
struct RabitqModel {
    std::uint32_t bits = 1;
    float unit = 1.0F;           ///< a power of two: lengths in codes are multiples of it
    std::vector<float> mean;     ///< of the sample; `dimension` of them
    std::vector<float> centres;  ///< of the groups, rotated, less the mean, in units; padded() each
    std::vector<float> signs;    ///< of the rotation: +1 or -1, rotation_rounds * padded() of them

    [[nodiscard]] std::size_t dimension() const noexcept { return mean.size(); }
    [[nodiscard]] std::size_t padded() const noexcept { return rotated_dimension(mean.size()); }
    [[nodiscard]] std::size_t group_count() const noexcept { return centres.size() / padded(); }
    [[nodiscard]] const float* centre(std::size_t group) const noexcept { return centres.data() + group * padded(); }
};

class RabitqQuantizer {
public:
    static constexpr QuantizerId id = QuantizerId::rabitq;
    static constexpr std::string_view name = "rabitq";
    /// More rows than this hardly move the centres.
    static constexpr std::size_t sample_rows = 8192;
    /// A group for this many rows of the sample, up to so many.
    static constexpr std::size_t rows_per_group = 128;
    static constexpr std::size_t most_groups = 32;
    static constexpr std::uint32_t default_bits = 4;
    /// A bound holds where the error is at most so many times what is usual: all but 1 in 1,000 of normal errors.
    static constexpr float usual_errors = 3.1F;
    /// No row is its own decoding: rounding alone sees to that.
    static constexpr bool lossy = true;
    /// Whether graphs are linked by codes of this size. Never: both rows of a pair are coded, and coding one as a query
    /// costs more than 8-bit codes do.
    [[nodiscard]] static constexpr bool links_well(std::size_t /*code_size*/, std::size_t /*dimension*/) noexcept {
        return false;
    }

    struct Options {
        /// Of each dimension: 1 .. 8; left out: default_bits. 1 takes a 32nd of the floats and wants 50 to 100 candidates
        /// rescored for ten results; 4 an eighth and hardly any.
        std::optional<std::uint32_t> bits = {};

        [[nodiscard]] Result<void> validate() const;
        /// Format: docs/format/manifest.md.
        [[nodiscard]] std::vector<std::byte> save() const;
        [[nodiscard]] static Result<Options> load(std::span<const std::byte> saved);
        friend bool operator==(const Options&, const Options&) = default;
    };

    /// invalid_argument where the sample holds what is no finite number; cancelled within some rows.
    [[nodiscard]] static Result<RabitqQuantizer> train(MatrixView sample, const Options& options,
                                                       const TrainContext& context);
    /// Format: docs/format/codebook.md.
    [[nodiscard]] std::vector<std::byte> save() const;
    [[nodiscard]] static Result<RabitqQuantizer> load(std::span<const std::byte> saved);

    [[nodiscard]] std::size_t dimension() const noexcept { return model_.dimension(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return packed_row_size(padded_, model_.bits); }
    [[nodiscard]] const RabitqModel& model() const noexcept { return model_; }

    /// Floats that encode_for() and decode() are given to work in.
    [[nodiscard]] std::size_t room_floats() const noexcept { return 2 * padded_; }
    /// Codes for one kind of metric: what a row adds to a distance depends on it.
    template <Metric M>
    void encode_for(VectorView vector, std::span<std::byte> out, std::span<float> room) const noexcept {
        encode_metric(metric_traits<M>().geometry, vector, out, room);
    }
    /// The zero vector's code for M: its distance is 1 from all.
    template <Metric M>
    void encode_zero(std::span<std::byte> out) const noexcept {
        encode_zero_vector(out);
    }
    void decode(CodeView code, std::span<float> out, std::span<float> room) const noexcept;
    /// For squared distances. With room of its own: above 4,096 dimensions that is memory; where there is none the process
    /// ends.
    void encode(VectorView vector, std::span<std::byte> out) const noexcept;
    void decode(CodeView code, std::span<float> out) const noexcept;

    template <Metric M>
    [[nodiscard]] RowScorer bind(VectorView query, RowSource rows, QueryScratch& scratch) const {
        return bind_metric(metric_traits<M>(), query, rows, scratch);
    }
    template <Metric M>
    [[nodiscard]] PairScorer between(RowSource rows, QueryScratch& scratch) const {
        return between_metric(metric_traits<M>(), rows, scratch);
    }
    template <Metric M>
    [[nodiscard]] CodeTrust trust(const RowScorer& bound) const noexcept {
        return trust_of(metric_traits<M>().geometry, bound);
    }
    /// The true distance of a row is at least this, but for 1 in 1,000. REQUIRES: `bound` is what bind() gave, and
    /// `code_distance` its distance of `row`.
    template <Metric M>
    [[nodiscard]] float lower_bound(const RowScorer& bound, RowId row, float code_distance) const noexcept {
        return lower_bound_of(metric_traits<M>().geometry, bound, row, code_distance);
    }

private:
    struct Binder;
    explicit RabitqQuantizer(RabitqModel model);

    void encode_metric(Geometry geometry, VectorView vector, std::span<std::byte> out,
                       std::span<float> room) const noexcept;
    void encode_zero_vector(std::span<std::byte> out) const noexcept;
    [[nodiscard]] RowScorer bind_metric(const MetricTraits& metric, VectorView query, RowSource rows,
                                        QueryScratch& scratch) const;
    [[nodiscard]] PairScorer between_metric(const MetricTraits& metric, RowSource rows, QueryScratch& scratch) const;
    [[nodiscard]] CodeTrust trust_of(Geometry geometry, const RowScorer& bound) const noexcept;
    [[nodiscard]] float lower_bound_of(Geometry geometry, const RowScorer& bound, RowId row,
                                       float code_distance) const noexcept;

    RabitqModel model_;
    std::size_t padded_ = 0;
    std::vector<float> turned_mean_;      ///< rotated, in units
    std::vector<float> centre_columns_;   ///< the centres, transposed; a multiple of 16 columns
    std::vector<double> centre_squares_;  ///< |mean + centre|² in squares of units, for inner products
};

}  // namespace sextant::inline v1
