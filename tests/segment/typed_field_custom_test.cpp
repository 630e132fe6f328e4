// Policies a user wrote: a metric without a kernel, a quantizer of 16 bits, a metric over unit vectors.
#include <cmath>
#include <cstring>

#include "sextant/quantizer/vector_math.hpp"
#include "support/catch.hpp"
#include "support/field_fixture.hpp"

using namespace sextant;
using namespace test_support;

namespace {

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

/// 16 bits a dimension over one range; every code is decoded before it is compared. No optional member at all.
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
    std::vector<std::byte> save() const { return std::vector<std::byte>(8); }
    static Result<Wide> load(std::span<const std::byte>) { return Error{ErrorCode::unsupported, "wide: not stored"}; }
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

template <class M, class Q>
void check_field(std::size_t dimension) {
    const Vectors vectors = clustered_vectors(2500, dimension, 1);
    const TypedField<M, Q> field(dimension, {.m = 8, .ef_construction = 80});
    CHECK(field.metric() == M::id);
    CHECK(field.quantizer() == Q::id);
    Growing growing(field, 3000);
    growing.append(vectors, 0, 2000);
    growing.link();
    growing.append(vectors, 2000, 2500);
    const Sealed sealed(field, vectors);
    FieldScratch scratch;
    double recall = 0.0;
    for (std::size_t q = 0; q < 20; ++q) {
        const VectorView query = vectors[q * 100];
        const auto expected = oracle(field, vectors, query, 10);
        for (const FieldRows* rows :
             {static_cast<const FieldRows*>(growing.rows.get()), static_cast<const FieldRows*>(sealed.rows.get())}) {
            const auto found = found_by(*rows, 2500, {.vector = query, .count = 10, .ef = 120}, scratch);
            REQUIRE(found.size() == 10);
            CHECK(found[0].row == RowId{static_cast<std::uint32_t>(q * 100)});
            recall += recall_of(found, expected) / 40.0;
            REQUIRE(
                same_answer(found_by(*rows, 2500, {.vector = query, .count = 10, .exact = true}, scratch), expected));
        }
    }
    CHECK(recall > 0.9);
    CHECK(growing.rows->verify(2500, {}));
    CHECK(sealed.rows->verify(2500, {}));
}

}  // namespace

TEST_CASE("a user's metric works with every quantizer", "[segment]") {
    check_field<Manhattan, NoQuantizer>(9);
    check_field<Manhattan, ScalarQuantizer>(9);
    check_field<Manhattan, Wide>(9);
}

TEST_CASE("a user's metric over unit vectors gets unit vectors", "[segment]") {
    check_field<DirectionGap, NoQuantizer>(6);
    check_field<DirectionGap, ScalarQuantizer>(6);
    check_field<DirectionGap, Wide>(6);
}

TEST_CASE("a user's quantizer works with the shipped metrics", "[segment]") {
    check_field<SquaredL2, Wide>(12);
    check_field<Cosine, Wide>(12);
    const TypedField<SquaredL2, Wide> field(12);
    CHECK(field.estimate(1000).codes == 32'768);  // 24 bytes a code, 32 apart, in whole pages
}

TEST_CASE("a user's growing metric without a kernel keeps no head codes", "[segment]") {
    const Vectors vectors = clustered_vectors(1500, 5, 1);
    const TypedField<Manhattan, ScalarQuantizer> field(5);
    Growing growing(field, 2000);
    growing.append(vectors);
    growing.link();
    CHECK(growing.inner().trained_count() == 0);
    CHECK(growing.rows->bytes().codes == 0);
}

TEST_CASE("options of a quantizer reach its training", "[segment]") {
    const Vectors vectors = clustered_vectors(100, 5, 1);
    const TypedField<SquaredL2, Wide> field(5, {}, {.margin = 0.5F});
    Growing growing(field, 200);
    growing.append(vectors);
    MemoryAccount account("sealed");
    const auto sealed = try_seal(field, *growing.rows, 100, account);
    REQUIRE_FALSE(sealed);
    CHECK(sealed.error().message.find("margin") != std::string::npos);
}

TEST_CASE("a hundred rows whose metric overflows are still ranked", "[segment]") {
    Vectors vectors{2, {}};
    for (std::size_t r = 0; r < 100; ++r) {
        vectors.values.push_back(3e38F - 3e36F * static_cast<float>(r));
        vectors.values.push_back(0.0F);
    }
    const TypedField<SquaredL2, ScalarQuantizer> field(2);
    const Sealed sealed(field, vectors);
    FieldScratch scratch;
    for (const bool exact : {false, true}) {
        const auto found = found_by(*sealed.rows, 100, {.vector = vectors[0], .count = 5, .exact = exact}, scratch);
        REQUIRE(found.size() == 5);
        for (std::uint32_t i = 0; i < 5; ++i) CHECK(found[i].row == RowId{i});
    }
}
