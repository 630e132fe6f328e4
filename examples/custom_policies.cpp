// Custom policies: a metric and a quantizer of one's own, composed with the library's storage.
//
// A metric is an empty type with static members; a quantizer is a class that learns a codebook, encodes and decodes,
// and scores rows of its codes. Neither registers anything: naming them as template arguments is all.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "sextant/sextant.hpp"

namespace sx = sextant;

namespace {

/// Sum of absolute differences. Ids from 0x8000 on are free for applications.
struct Manhattan {
    static constexpr sx::MetricId id{0x8000};
    static constexpr std::string_view name = "manhattan";
    static constexpr bool unit_length = false;                     // compare vectors as they are
    static constexpr sx::Geometry geometry = sx::Geometry::other;  // no kernel of the library computes it
    static constexpr bool similarity = false;                      // a smaller score is closer

    static float distance(const float* a, const float* b, std::size_t dimension) noexcept {
        float sum = 0.0F;
        for (std::size_t i = 0; i < dimension; ++i) sum += std::fabs(a[i] - b[i]);
        return sum;
    }
    static sx::DistanceFn distance_fn() noexcept { return distance; }
    static float to_score(float distance) noexcept { return distance; }
    static float from_score(float score) noexcept { return score; }
};
static_assert(sx::Metric<Manhattan>);

/// 16 bits a dimension: half the memory of floats, at a 65,534th of the range.
class SixteenBit {
public:
    static constexpr sx::QuantizerId id{0x8000};
    static constexpr std::string_view name = "sixteen_bit";

    struct Options {
        float headroom = 1.25F;  ///< the range of codes, as a multiple of the largest value seen in training
        [[nodiscard]] sx::Result<void> validate() const {
            if (headroom >= 1.0F) return {};
            return sx::invalid_argument("quantizer.headroom must be at least 1");
        }
    };

    static sx::Result<SixteenBit> train(sx::MatrixView sample, const Options& options, const sx::TrainContext&) {
        SEXTANT_TRY(options.validate());
        float largest = 0.0F;
        for (std::size_t row = 0; row < sample.row_count; ++row) {
            for (const float value : sample.row(row)) largest = std::max(largest, std::fabs(value));
        }
        return SixteenBit(sample.dimension, largest > 0.0F ? largest * options.headroom : 1.0F);
    }

    [[nodiscard]] std::vector<std::byte> save() const {
        std::vector<std::byte> bytes(sizeof(std::uint64_t) + sizeof(float));
        const std::uint64_t dimension = dimension_;
        std::memcpy(bytes.data(), &dimension, sizeof(dimension));
        std::memcpy(bytes.data() + sizeof(dimension), &range_, sizeof(range_));
        return bytes;
    }
    static sx::Result<SixteenBit> load(std::span<const std::byte> saved) {
        std::uint64_t dimension = 0;
        float range = 0.0F;
        if (saved.size() != sizeof(dimension) + sizeof(range)) {
            return sx::Error{sx::ErrorCode::corruption, "sixteen_bit codebook: wrong size"};
        }
        std::memcpy(&dimension, saved.data(), sizeof(dimension));
        std::memcpy(&range, saved.data() + sizeof(dimension), sizeof(range));
        return SixteenBit(static_cast<std::size_t>(dimension), range);
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
    [[nodiscard]] std::size_t code_size() const noexcept { return dimension_ * sizeof(std::int16_t); }
    void encode(sx::VectorView vector, std::span<std::byte> out) const noexcept {
        for (std::size_t i = 0; i < dimension_; ++i) {
            const float share = std::clamp(vector[i] / range_, -1.0F, 1.0F);
            const auto value = static_cast<std::int16_t>(std::lround(share * 32767.0F));
            std::memcpy(out.data() + i * sizeof(value), &value, sizeof(value));
        }
    }
    void decode(sx::CodeView code, std::span<float> out) const noexcept { decode_row(code.data(), out.data()); }

    /// A query over rows of codes. What it needs while it runs is borrowed from `scratch`: a search allocates nothing.
    template <sx::Metric M>
    [[nodiscard]] sx::RowScorer bind(sx::VectorView query, sx::RowSource rows, sx::QueryScratch& scratch) const {
        Bound* bound = make_bound<M>(rows, scratch);
        std::copy(query.begin(), query.end(), bound->query);
        return {bound, score_rows, score_range, prefetch_row};
    }
    /// Row against row, for building the graph.
    template <sx::Metric M>
    [[nodiscard]] sx::PairScorer between(sx::RowSource rows, sx::QueryScratch& scratch) const {
        return {make_bound<M>(rows, scratch), bind_row, score_rows, prefetch_row};
    }

private:
    struct Bound {
        const SixteenBit* codec;
        sx::RowSource rows;
        sx::DistanceFn distance;
        float* query;
        float* row;
    };

    SixteenBit(std::size_t dimension, float range) noexcept : dimension_(dimension), range_(range) {}

    template <sx::Metric M>
    [[nodiscard]] Bound* make_bound(sx::RowSource rows, sx::QueryScratch& scratch) const {
        static_assert(!M::unit_length, "this small codec does not scale its queries");
        return scratch.make(Bound{this, rows, M::distance_fn(), scratch.take<float>(dimension_).data(),
                                  scratch.take<float>(dimension_).data()});
    }
    void decode_row(const std::byte* code, float* out) const noexcept {
        for (std::size_t i = 0; i < dimension_; ++i) {
            std::int16_t value = 0;
            std::memcpy(&value, code + i * sizeof(value), sizeof(value));
            out[i] = range_ * static_cast<float>(value) / 32767.0F;
        }
    }
    [[nodiscard]] static float score_one(const Bound& bound, sx::RowId row) noexcept {
        bound.codec->decode_row(bound.rows.row(row), bound.row);
        return bound.distance(bound.query, bound.row, bound.codec->dimension_);
    }
    static void score_rows(const void* state, const sx::RowId* rows, std::size_t count, float* out) noexcept {
        for (std::size_t i = 0; i < count; ++i) out[i] = score_one(*static_cast<const Bound*>(state), rows[i]);
    }
    static void score_range(const void* state, sx::RowId first, std::size_t count, float* out) noexcept {
        for (std::uint32_t i = 0; i < count; ++i) {
            out[i] = score_one(*static_cast<const Bound*>(state), sx::RowId{sx::to_index(first) + i});
        }
    }
    static void prefetch_row(const void*, sx::RowId) noexcept {}
    static void bind_row(void* state, sx::RowId from) noexcept {
        const Bound& bound = *static_cast<const Bound*>(state);
        bound.codec->decode_row(bound.rows.row(from), bound.query);
    }

    std::size_t dimension_;
    float range_;
};
static_assert(sx::QuantizerFor<SixteenBit, Manhattan>);

using Points = sx::Collection<Manhattan, sx::MemoryStorage, SixteenBit>;

}  // namespace

int main() {
    auto opened = Points::open({.dimension = 8});
    if (!opened) {
        std::fprintf(stderr, "open: %s\n", opened.error().message.c_str());
        return EXIT_FAILURE;
    }
    Points points = std::move(opened).value();

    std::vector<float> vector(8);
    for (std::uint64_t id = 0; id < 3'000; ++id) {
        for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = static_cast<float>((id * (i + 7)) % 101);
        points.upsert(sx::PointId{id}, vector).value();
    }
    points.optimize().value();  // now the rows are sealed: stored as 16-bit codes, searched by graph

    for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = static_cast<float>((42 * (i + 7)) % 101) + 0.5F;
    const auto hits = points.search({.vector = vector, .k = 3}).value();
    for (const sx::Hit& hit : hits) {
        std::printf("%-5s distance %.2f\n", hit.id.to_string().c_str(), static_cast<double>(hit.score));
    }
    // Eight differences of a half each.
    const bool right = hits.size() == 3 && hits[0].id == sx::PointId{42} && std::fabs(hits[0].score - 4.0F) < 1e-3F;
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
