/// ProductQuantizer: the vector is cut into sub-vectors, and each is named by the nearest of 256 (or 16) centroids that
/// were learned for it (Jégou, Douze, Schmid 2011).
///
///     row, 8 bits   u8 centroid[subvectors]
///     row, 4 bits   u8 [ceil(subvectors / 2)]: sub-vector 2i in the low half of byte i, 2i + 1 in the high half
///
/// A dimension that is no multiple of `subvectors` is padded with zeros behind the last component. With a rotation the
/// padded vector is turned first, so that what varies together lies together (Ge, He, Ke, Sun 2013). Distances are
/// asymmetric: of the query as it is to the decoded row, by one table look-up for each code byte. Between rows, `from`
/// is decoded and takes the query's place, once for each bind().
///
/// The last centroid of the first sub-vector is not learned but kept for the zero vector under cosine, which has no
/// direction to encode. Its code holds that centroid and those nearest to zero elsewhere; as this code is one and the
/// same, a query's table entry for the kept centroid can be what the others lack for distance 1 (within rounding). The
/// price is one centroid of one sub-vector.
///
/// Invariants: (1) distances are finite for all finite vectors; squared ones are not negative; (2) the same sample,
/// options and seed train the same codebook with every executor, on every kernel.
/// Threads: immutable.
/// Cost: code_size() bytes a row; 1 KiB of tables a code byte for each query.
/// Why a unit: components of 1e30 have squares that are no floats, those of 1e-30 squares that are zero. Where the
/// sample is of such a size, codes are computed in units of a power of two; elsewhere the unit is 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/concepts/quantizer.hpp"
#include "sextant/kernel/product_kernel_table.hpp"
#include "sextant/quantizer/code_trust.hpp"
#include "sextant/quantizer/fast_scan.hpp"
#include "sextant/quantizer/metric_traits.hpp"

namespace sextant::inline v1 {

enum class ProductRotation : std::uint8_t {
    none = 0,
    opq =
        1,  ///< learned with the centroids: better where dimensions are unequal, minutes of training where they are many
};

/// What training learns. Fields are those of the format page.
struct ProductModel {
    std::size_t dimension = 0;
    std::size_t subvectors = 0;
    std::uint32_t bits = 8;
    float unit = 1.0F;                       ///< a power of two; centroids are in units of it
    std::vector<float> centroids = {};       ///< [subvectors][sub_dimension()][centroid_count()]
    std::vector<float> rotation = {};        ///< nothing, or [dimension][rotation_stride()] and 16 zeros
    std::vector<std::uint8_t> nearest_zero;  ///< centroid nearest to zero of each sub-vector
    float row_error = 0.0F;  ///< root mean square of |x - decode(encode(x))| over rows kept out of training
    float error_slope = std::numeric_limits<float>::max();  ///< see ProductQuantizer::lower_bound

    [[nodiscard]] std::size_t sub_dimension() const noexcept { return (dimension + subvectors - 1) / subvectors; }
    [[nodiscard]] std::size_t padded_dimension() const noexcept { return sub_dimension() * subvectors; }
    [[nodiscard]] std::size_t rotation_stride() const noexcept { return (padded_dimension() + 15) / 16 * 16; }
    [[nodiscard]] std::size_t centroid_count() const noexcept { return std::size_t{1} << bits; }
    [[nodiscard]] std::size_t code_size() const noexcept { return bits == 8 ? subvectors : (subvectors + 1) / 2; }
    [[nodiscard]] const float* centroids_of(std::size_t subvector) const noexcept {
        return centroids.data() + subvector * sub_dimension() * centroid_count();
    }
};

class ProductQuantizer {
public:
    static constexpr QuantizerId id = QuantizerId::product;
    static constexpr std::string_view name = "product";
    /// Whether graphs are linked by codes of this size: coarser ones than an eighth of the floats rank near rows too badly.
    [[nodiscard]] static constexpr bool links_well(std::size_t code_size, std::size_t dimension) noexcept {
        return 8 * code_size >= dimension * sizeof(float);
    }
    /// More rows than this teach it little: 64 for each centroid.
    static constexpr std::size_t sample_rows = 16'384;
    static constexpr std::uint32_t most_iterations = 1000;
    /// Of a padded vector that is rotated: the matrix then has 1 GiB.
    static constexpr std::size_t most_rotated = 16'384;

    struct Options {
        /// Sub-vectors a vector is cut into, at most the dimension. Left out: one for each 4 dimensions, which is 1/16 of
        /// the size of floats.
        std::optional<std::uint32_t> subvectors = {};
        /// 8 (256 centroids for each sub-vector) or 4 (16). Left out: 8.
        std::optional<std::uint32_t> bits = {};
        /// Left out: none.
        std::optional<ProductRotation> rotation = {};
        /// Of k-means, 1 to 1,000; it ends earlier where nothing changes any more. Left out: 25.
        std::optional<std::uint32_t> iterations = {};

        [[nodiscard]] Result<void> validate() const;
        /// invalid_argument: more sub-vectors than dimensions, or a rotation of too many.
        [[nodiscard]] Result<void> validate_for(std::size_t dimension) const;
        /// Format: docs/format/manifest.md.
        [[nodiscard]] std::vector<std::byte> save() const;
        [[nodiscard]] static Result<Options> load(std::span<const std::byte> saved);
        friend bool operator==(const Options&, const Options&) = default;
    };

    /// invalid_argument: an option outside its range, more sub-vectors than dimensions, a sample that is not finite.
    [[nodiscard]] static Result<ProductQuantizer> train(MatrixView sample, const Options& options,
                                                        const TrainContext& context);
    /// Format: docs/format/codebook.md.
    [[nodiscard]] std::vector<std::byte> save() const;
    [[nodiscard]] static Result<ProductQuantizer> load(std::span<const std::byte> saved);

    [[nodiscard]] std::size_t dimension() const noexcept { return model_.dimension; }
    [[nodiscard]] std::size_t code_size() const noexcept { return model_.code_size(); }
    [[nodiscard]] const ProductModel& model() const noexcept { return model_; }
    /// Mean of |x - decode(encode(x))|² over rows that were kept out of training; over all, where there were few.
    [[nodiscard]] double reconstruction_error() const noexcept {
        return double{model_.row_error} * double{model_.row_error};
    }

    void encode(VectorView vector, std::span<std::byte> out) const noexcept;
    void decode(CodeView code, std::span<float> out) const noexcept;

    /// The code of a zero vector under cosine: at distance 1 from every unit vector.
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
    /// Tables of a query for blocks of 4-bit codes (fast_scan.hpp). There, the zero vector under cosine is not at distance
    /// 1 but as far as its first sub-vector can be. REQUIRES: 4 bits, and a geometry that is not Geometry::other.
    template <Metric M>
    [[nodiscard]] FastScanTables fast_scan_tables(VectorView query, QueryScratch& scratch) const {
        return fast_scan_metric(metric_traits<M>(), query, scratch);
    }

    /// Bounded, where the query is coded no worse than the sample's rows.
    template <Metric M>
    [[nodiscard]] CodeTrust trust(const RowScorer& bound) const noexcept {
        return trust_of(metric_traits<M>().geometry, bound);
    }
    /// The true distance is at least this, but for a rate below 1 in 1,000 near neighbours, for queries that are
    /// distributed as the rows. With e the loss of a row, the squared distance D of codes errs by |e|² and by twice the
    /// product of e with the difference of query and row, which grows as sqrt(D); the largest error ÷ sqrt(D) over
    /// thousands of near pairs of rows that were kept out of training, and a fifth, is error_slope. A sample of fewer than
    /// 1,024 rows is too small to keep any out, and bounds nothing.
    template <Metric M>
    [[nodiscard]] float lower_bound(float code_distance) const noexcept {
        return lower_bound_of(metric_traits<M>().geometry, code_distance);
    }

    /// Whether a row that lost `lost` (a squared distance) is unlike the sample: more than four times what is usual.
    [[nodiscard]] bool misfit(float lost) const noexcept;

private:
    explicit ProductQuantizer(ProductModel model) noexcept;

    void encode_zero_vector(std::span<std::byte> out) const noexcept;
    [[nodiscard]] RowScorer bind_metric(const MetricTraits& metric, VectorView query, RowSource rows,
                                        QueryScratch& scratch) const;
    [[nodiscard]] PairScorer between_metric(const MetricTraits& metric, RowSource rows, QueryScratch& scratch) const;
    [[nodiscard]] FastScanTables fast_scan_metric(const MetricTraits& metric, VectorView query,
                                                  QueryScratch& scratch) const;
    [[nodiscard]] CodeTrust trust_of(Geometry geometry, const RowScorer& bound) const noexcept;
    [[nodiscard]] float lower_bound_of(Geometry geometry, float code_distance) const noexcept;

    ProductModel model_;
};

}  // namespace sextant::inline v1
