#include "sextant/quantizer/float_scorer.hpp"

#include <cmath>
#include <functional>
#include <numeric>

#include "sextant/metric/metrics.hpp"
#include "sextant/quantizer/half_vectors.hpp"
#include "sextant/quantizer/vector_math.hpp"
#include "support/catch.hpp"
#include "support/custom_policies.hpp"
#include "support/sample_vectors.hpp"

using namespace sextant;
using sextant::test::Manhattan;
using test_support::Vectors;

namespace {

/// Euclidean distance of unit vectors: a geometry the kernels know, under a scaling they do not.
struct Chord {
    static constexpr MetricId id = MetricId::user;
    static constexpr std::string_view name = "chord";
    static constexpr bool unit_length = true;
    static constexpr Geometry geometry = Geometry::squared_l2;
    static constexpr bool similarity = false;
    static DistanceFn distance_fn() noexcept { return SquaredL2::distance_fn(); }
    static float to_score(float distance) noexcept { return distance; }
    static float from_score(float score) noexcept { return score; }
};

/// Rows as a field lays them out. Of half precision: the vectors must be of halves.
struct Rows {
    Rows(const Vectors& vectors, bool with_norms, RawPrecision precision = RawPrecision::F32)
        : dimension(vectors.dimension), values(vectors.values), halves(2 * values.size()) {
        for (std::size_t r = 0; r < vectors.size(); ++r) norms.push_back(detail::inverse_norm(vectors[r]));
        source = {reinterpret_cast<const std::byte*>(values.data()), dimension * sizeof(float),
                  with_norms ? norms.data() : nullptr, precision};
        if (precision == RawPrecision::F32) return;
        detail::store_halves(values, halves.data());
        std::fill(values.begin(), values.end(), 99.0F);  // nobody may look here
        source.base = halves.data();
        source.stride = 2 * dimension;
    }
    std::size_t dimension;
    std::vector<float> values;
    std::vector<std::byte> halves;
    std::vector<float> norms;
    RowSource source;
};

using Expected = std::function<double(VectorView, VectorView)>;

/// Lists, ranges, pairs, batches and single distances all against `expected`.
template <class M>
void check_all_forms(const Vectors& given, const Expected& expected, double margin, RawPrecision precision) {
    const MetricTraits metric = metric_traits<M>();
    Vectors vectors = given;
    if (precision == RawPrecision::F16) REQUIRE(detail::round_to_halves(given.values, vectors.values.data()));
    const Rows rows(vectors, metric.unit_length, precision);
    const std::size_t count = vectors.size();
    std::vector<RowId> listed(count);
    for (std::size_t i = 0; i < count; ++i) listed[i] = RowId{static_cast<std::uint32_t>((i * 7 + 3) % count)};
    QueryScratch scratch;
    std::vector<float> out(count);
    std::vector<VectorView> queries;
    for (std::size_t q = 0; q < std::min<std::size_t>(count, 5); ++q) {
        queries.push_back(vectors[q]);
        const RowScorer scorer = detail::bind_floats(metric, vectors[q], rows.source, scratch);
        scorer.score(listed, out);
        for (std::size_t i = 0; i < count; ++i) {
            REQUIRE(out[i] == Approx(expected(vectors[q], vectors[to_index(listed[i])])).margin(margin));
        }
        scorer.score_range(RowId{1}, std::span(out).first(count - 1));
        for (std::size_t i = 0; i + 1 < count; ++i) {
            REQUIRE(out[i] == Approx(expected(vectors[q], vectors[i + 1])).margin(margin));
            REQUIRE(detail::float_distance(metric, vectors[q], vectors[i + 1]) ==
                    Approx(expected(vectors[q], vectors[i + 1])).margin(margin));
        }
        PairScorer pair = detail::pair_floats(metric, vectors.dimension, rows.source, scratch);
        pair.bind(RowId{static_cast<std::uint32_t>(q)});
        pair.prefetch_row(pair.state, RowId{0});
        pair.score(listed, out);
        for (std::size_t i = 0; i < count; ++i) {
            REQUIRE(out[i] == Approx(expected(vectors[q], vectors[to_index(listed[i])])).margin(margin));
        }
    }
    const detail::FloatBatch batch = detail::bind_float_batch(metric, queries, rows.source, scratch);
    std::vector<float> block(queries.size() * (count + 3));
    batch.score(RowId{1}, count - 1, block.data(), count + 3);
    for (std::size_t q = 0; q < queries.size(); ++q) {
        for (std::size_t i = 0; i + 1 < count; ++i) {
            REQUIRE(block[q * (count + 3) + i] == Approx(expected(queries[q], vectors[i + 1])).margin(margin));
        }
    }
}

double minus_dot(VectorView a, VectorView b) { return -test_support::dot(a, b); }

}  // namespace

TEST_CASE("every form of scoring agrees with a double loop", "[quantizer][kernel]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 1, 3, 16, 17, 65, 100);
    const Vectors vectors = test_support::normal_vectors(43, dimension, dimension);
    const RawPrecision precision = GENERATE(RawPrecision::F32, RawPrecision::F16);
    CAPTURE(static_cast<int>(precision), dimension);
    const double margin = 1e-5 * static_cast<double>(dimension);
    SECTION("squared Euclidean") { check_all_forms<SquaredL2>(vectors, test_support::l2, margin, precision); }
    SECTION("inner product") { check_all_forms<InnerProduct>(vectors, minus_dot, margin, precision); }
    SECTION("cosine") { check_all_forms<Cosine>(vectors, test_support::cosine_distance, 1e-5, precision); }
    SECTION("a metric of the user's") {
        check_all_forms<Manhattan>(
            vectors,
            [](VectorView a, VectorView b) { return double{Manhattan::distance(a.data(), b.data(), a.size())}; },
            margin, precision);
    }
    SECTION("a known geometry of unit vectors keeps its own meaning") {
        CHECK(metric_traits<Chord>().geometry == Geometry::other);
        check_all_forms<Chord>(
            vectors, [](VectorView a, VectorView b) { return 2.0 * test_support::cosine_distance(a, b); }, 1e-5,
            precision);
    }
}

TEST_CASE("under cosine a zero vector is exactly 1 from everything, as row and as query", "[quantizer][kernel]") {
    Vectors vectors = test_support::normal_vectors(20, 33, 1);
    for (const std::size_t zero : {std::size_t{4}, std::size_t{11}}) std::fill_n(vectors.row(zero), 33, 0.0F);
    const Rows rows(vectors, true);
    QueryScratch scratch;
    std::vector<float> out(20);
    detail::bind_floats(metric_traits<Cosine>(), vectors[0], rows.source, scratch).score_range(RowId{0}, out);
    CHECK(out[4] == 1.0F);
    CHECK(out[11] == 1.0F);
    CHECK(out[0] == Approx(0.0F).margin(1e-6));
    detail::bind_floats(metric_traits<Cosine>(), vectors[4], rows.source, scratch).score_range(RowId{0}, out);
    CHECK(out == std::vector<float>(20, 1.0F));
}

TEST_CASE("huge and tiny vectors are ranked by their true distances", "[quantizer][kernel]") {
    // Row r points away from the first axis by a growing angle; every other row is huge, the rest denormal.
    Vectors vectors{2, {}};
    for (std::size_t r = 0; r < 12; ++r) {
        const double angle = 0.1 * static_cast<double>(r);
        const double size = r % 2 == 0 ? 3e38 : 1e-39;
        vectors.values.push_back(static_cast<float>(size * std::cos(angle)));
        vectors.values.push_back(static_cast<float>(size * std::sin(angle)));
    }
    const Rows rows(vectors, true);
    QueryScratch scratch;
    std::vector<float> out(12);
    const std::vector<float> query{1e-30F, 0.0F};
    detail::bind_floats(metric_traits<Cosine>(), query, rows.source, scratch).score_range(RowId{0}, out);
    for (std::size_t r = 0; r < 12; ++r)
        CHECK(out[r] == Approx(1.0 - std::cos(0.1 * static_cast<double>(r))).margin(1e-5));
}

TEST_CASE("distances past the largest float are finite and keep their order", "[quantizer][kernel]") {
    Vectors vectors{3, {}};
    for (std::size_t r = 0; r < 10; ++r) {
        const float value = 3e38F * (1.0F - 0.2F * static_cast<float>(r));
        vectors.values.insert(vectors.values.end(), {value, value, value});
    }
    const Rows rows(vectors, false);
    QueryScratch scratch;
    std::vector<float> out(10);
    detail::bind_floats(metric_traits<SquaredL2>(), vectors[0], rows.source, scratch).score_range(RowId{0}, out);
    CHECK(out[0] == 0.0F);
    for (std::size_t r = 1; r < 10; ++r) {
        CHECK(std::isfinite(out[r]));
        CHECK(out[r] > out[r - 1]);
    }
    detail::bind_floats(metric_traits<InnerProduct>(), vectors[0], rows.source, scratch).score_range(RowId{0}, out);
    for (std::size_t r = 1; r < 10; ++r) {
        CHECK(std::isfinite(out[r]));
        CHECK(out[r] > out[r - 1]);
    }
}

TEST_CASE("distances of a huge query to rows of halves are finite and keep their order", "[quantizer][kernel]") {
    Vectors vectors{3, {}};
    for (std::size_t r = 0; r < 10; ++r) {
        const float value = 60'000.0F * (1.0F - 0.2F * static_cast<float>(r));
        vectors.values.insert(vectors.values.end(), {value, value, value});
    }
    REQUIRE(detail::round_to_halves(vectors.values, vectors.values.data()));
    const Rows rows(vectors, true, RawPrecision::F16);
    const std::vector<float> query(3, 3e38F);
    std::vector<RowId> listed;
    for (std::uint32_t r = 0; r < 10; ++r) listed.push_back(RowId{r});
    QueryScratch scratch;
    std::vector<float> list(10);
    std::vector<float> range(10);
    const RowScorer dot = detail::bind_floats(metric_traits<InnerProduct>(), query, rows.source, scratch);
    dot.score(listed, list);
    dot.score_range(RowId{0}, range);
    CHECK(list == range);
    for (std::size_t r = 1; r < 10; ++r) {
        CHECK(std::isfinite(list[r]));
        CHECK(list[r] > list[r - 1]);
    }
    detail::bind_floats(metric_traits<SquaredL2>(), query, rows.source, scratch).score_range(RowId{0}, range);
    for (const float distance : range) CHECK(std::isfinite(distance));
    const detail::FloatBatch batch = detail::bind_float_batch(
        metric_traits<InnerProduct>(), std::vector<VectorView>{query, query}, rows.source, scratch);
    std::vector<float> block(20);
    batch.score(RowId{0}, 10, block.data(), 10);
    CHECK(std::equal(list.begin(), list.end(), block.begin()));
    CHECK(std::equal(list.begin(), list.end(), block.begin() + 10));
}

TEST_CASE("rows of halves have the distances of their floats, also where a block holds few of them",
          "[quantizer][kernel]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 100, 784, 3001, 20'000);
    Vectors vectors = test_support::normal_vectors(101, dimension, dimension);
    REQUIRE(detail::round_to_halves(vectors.values, vectors.values.data()));
    const Rows floats(vectors, true);
    const Rows halves(vectors, true, RawPrecision::F16);
    const std::vector<VectorView> queries{vectors[0], vectors[50], vectors[100]};
    QueryScratch scratch;
    for (const MetricTraits& metric :
         {metric_traits<SquaredL2>(), metric_traits<InnerProduct>(), metric_traits<Cosine>()}) {
        std::vector<float> expected(303);
        std::vector<float> got(303);
        detail::bind_float_batch(metric, queries, floats.source, scratch).score(RowId{0}, 101, expected.data(), 101);
        detail::bind_float_batch(metric, queries, halves.source, scratch).score(RowId{0}, 101, got.data(), 101);
        CHECK(got == expected);
    }
}
