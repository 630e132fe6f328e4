#include "sextant/quantizer/rabitq_quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quantizer/rabitq_support.hpp"
#include "sextant/core/executor.hpp"
#include "support/custom_policies.hpp"

using namespace sextant;
using namespace test_support;

static_assert(QuantizerFor<RabitqQuantizer, SquaredL2>);
static_assert(QuantizerFor<RabitqQuantizer, InnerProduct>);
static_assert(QuantizerFor<RabitqQuantizer, Cosine>);
static_assert(QuantizerFor<RabitqQuantizer, sextant::test::Manhattan>);
static_assert(RowBoundedQuantizer<RabitqQuantizer, SquaredL2>);
static_assert(StorableOptions<RabitqQuantizer::Options>);
static_assert(!IdentityQuantizer<RabitqQuantizer>);

namespace {

using Options = RabitqQuantizer::Options;

std::uint32_t any_bits() { return GENERATE(1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U); }

template <class M>
double true_distance(VectorView a, VectorView b) {
    if constexpr (std::is_same_v<M, SquaredL2>) return l2(a, b);
    if constexpr (std::is_same_v<M, InnerProduct>) return -dot(a, b);
    return cosine_distance(a, b);
}

struct Errors {
    double mean = 0.0;       ///< of estimate - truth, as a share of the usual truth
    double root = 0.0;       ///< its root mean square
    double below = 0.0;      ///< share of truths under their bound
    double tightness = 0.0;  ///< mean of truth - bound, as a share of the usual truth
};

/// Of each query to each row.
template <class M>
std::vector<double> true_distances(const Vectors& rows, const Vectors& queries) {
    std::vector<double> truths;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        for (std::size_t r = 0; r < rows.size(); ++r) truths.push_back(true_distance<M>(queries[q], rows[r]));
    }
    return truths;
}

/// Over all pairs of 50 queries and the rows; every row has a query of its own distribution.
template <class M>
Errors errors_of(const RabitqQuantizer& quantizer, const Vectors& rows, const Vectors& queries,
                 const std::vector<double>& truths) {
    const RabitqCodes<M> codes(quantizer, rows);
    QueryScratch scratch;
    Errors errors;
    double usual = 0.0;
    const auto pairs = static_cast<double>(rows.size() * queries.size());
    for (std::size_t q = 0; q < queries.size(); ++q) {
        scratch.reset();
        const RowScorer bound = quantizer.bind<M>(queries[q], codes.rows, scratch);
        CHECK(quantizer.trust<M>(bound) == CodeTrust::bounded);
        const auto out = rabitq_distances(bound, rows.size());
        for (std::size_t r = 0; r < rows.size(); ++r) {
            const double truth = truths[q * rows.size() + r];
            const float lower = quantizer.lower_bound<M>(bound, RowId{static_cast<std::uint32_t>(r)}, out[r]);
            REQUIRE(lower <= out[r]);
            const double error = double{out[r]} - truth;
            usual += std::fabs(truth) / pairs;
            errors.mean += error / pairs;
            errors.root += error * error / pairs;
            errors.below += truth < double{lower} ? 1.0 / pairs : 0.0;
            errors.tightness += (truth - double{lower}) / pairs;
        }
    }
    errors.mean /= usual;
    errors.root = std::sqrt(errors.root) / usual;
    errors.tightness /= usual;
    return errors;
}

/// Moved away from zero, so that the mean matters.
Vectors moved_vectors(std::size_t rows, std::size_t dimension, std::uint64_t seed) {
    Vectors vectors = clustered_vectors(rows, dimension, seed);
    for (float& value : vectors.values) value += 1.5F;
    return vectors;
}

}  // namespace

TEMPLATE_TEST_CASE("estimates are right on average, closer with each bit, and above their bounds",
                   "[quantizer][kernel]", SquaredL2, InnerProduct, Cosine) {
    const std::size_t dimension = GENERATE(std::size_t{64}, std::size_t{100}, std::size_t{200});
    const Vectors rows = moved_vectors(3000, dimension, 21);
    const Vectors queries = moved_vectors(50, dimension, 22);
    Vectors sample = rows;
    if (TestType::unit_length) {
        for (std::size_t r = 0; r < sample.size(); ++r) detail::to_unit(sample[r], sample.row(r));
    }
    const std::vector<double> truths = true_distances<TestType>(rows, queries);
    double before = 1.0;
    for (std::uint32_t bits = 1; bits <= 8; ++bits) {
        INFO("dimension " << dimension << ", bits " << bits);
        const Errors errors = errors_of<TestType>(trained_rabitq(sample, bits), rows, queries, truths);
        CHECK(std::fabs(errors.mean) < 0.1 * errors.root + 2e-4);
        CHECK(errors.root < 0.75 * before);
        CHECK(errors.below < 0.0015);
        CHECK(errors.tightness < 4.5 * errors.root);
        before = errors.root;
    }
    CHECK(before < 0.003);
}

TEST_CASE("recall of RaBitQ codes grows with their bits, and rescoring 100 candidates restores it",
          "[quantizer][kernel]") {
    const Vectors rows = clustered_vectors(4000, 128, 31);
    const Vectors queries = clustered_vectors(40, 128, 32);
    const auto recall = [&](std::uint32_t bits, std::size_t depth) {
        return rabitq_recall(trained_rabitq(rows, bits), rows, queries, depth);
    };
    const double one = recall(1, 10);
    const double two = recall(2, 10);
    const double four = recall(4, 10);
    const double eight = recall(8, 10);
    CAPTURE(one, two, four, eight);
    CHECK(one > 0.35);
    CHECK(two > one);
    CHECK(four > two);
    CHECK(eight > four);
    CHECK(eight > 0.95);
    CHECK(recall(1, 100) > 0.95);
    CHECK(recall(2, 100) > 0.999);
}

TEST_CASE("a row as a query is as far from the others as its code says", "[quantizer][kernel]") {
    const std::uint32_t bits = GENERATE(1U, 4U, 8U);
    const Vectors rows = moved_vectors(500, 96, 41);
    const RabitqQuantizer quantizer = trained_rabitq(rows, bits);
    const RabitqCodes<SquaredL2> codes(quantizer, rows);
    const RabitqCodes<InnerProduct> product_codes(quantizer, rows);
    QueryScratch scratch;
    PairScorer pair = quantizer.between<SquaredL2>(codes.rows, scratch);
    PairScorer product_pair = quantizer.between<InnerProduct>(product_codes.rows, scratch);
    std::vector<RowId> listed;
    for (std::uint32_t r = 0; r < 500; ++r) listed.push_back(RowId{r});
    std::vector<float> out(500);
    double error = 0.0;
    double product_error = 0.0;
    double usual = 0.0;
    double usual_product = 0.0;
    for (std::uint32_t from = 0; from < 500; from += 25) {
        pair.bind(RowId{from});
        pair.score(listed, out);
        for (std::size_t r = 0; r < 500; ++r) {
            if (r == from) continue;
            error += std::pow(double{out[r]} - l2(rows[from], rows[r]), 2.0);
            usual += std::pow(l2(rows[from], rows[r]), 2.0);
        }
        product_pair.bind(RowId{from});
        product_pair.score(listed, out);
        for (std::size_t r = 0; r < 500; ++r) {
            if (r == from) continue;
            product_error += std::pow(double{out[r]} + dot(rows[from], rows[r]), 2.0);
            usual_product += std::pow(dot(rows[from], rows[r]), 2.0);
        }
    }
    const double most = bits == 1 ? 0.3 : bits == 4 ? 0.02 : 0.005;
    CHECK(std::sqrt(error / usual) < most);
    CHECK(std::sqrt(product_error / usual_product) < most);
}

TEST_CASE("a metric with arithmetic of its own compares decoded RaBitQ rows", "[quantizer]") {
    using M = sextant::test::Manhattan;
    const Vectors rows = clustered_vectors(300, 40, 51);
    const RabitqQuantizer quantizer = trained_rabitq(rows, 8);
    const RabitqCodes<M> codes(quantizer, rows);
    QueryScratch scratch;
    const auto out = rabitq_distances(quantizer.bind<M>(rows[7], codes.rows, scratch), rows.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
        REQUIRE(out[r] == M::distance_fn()(rows[7].data(), rabitq_decoded(quantizer, codes.code(r)).data(), 40));
    }
    PairScorer pair = quantizer.between<M>(codes.rows, scratch);
    pair.bind(RowId{7});
    const RowId row{9};
    float apart = 0.0F;
    pair.score({&row, 1}, {&apart, 1});
    CHECK(apart == Approx(out[9]).epsilon(0.1));
    const RowScorer bound = quantizer.bind<M>(rows[7], codes.rows, scratch);
    CHECK(quantizer.trust<M>(bound) == CodeTrust::estimate);
    CHECK(quantizer.lower_bound<M>(bound, row, 1.0F) == std::numeric_limits<float>::lowest());
}

TEST_CASE("the zero vector is at distance 1 from everything under cosine, of RaBitQ codes too", "[quantizer][kernel]") {
    const std::uint32_t bits = any_bits();
    Vectors given = clustered_vectors(300, 33, 13);
    std::fill_n(given.row(5), 33, 0.0F);
    Vectors units = given;
    for (std::size_t r = 0; r < units.size(); ++r) detail::to_unit(given[r], units.row(r));
    const RabitqQuantizer quantizer = trained_rabitq(units, bits);
    const RabitqCodes<Cosine> codes(quantizer, given);
    QueryScratch scratch;
    for (std::size_t q = 10; q < 40; ++q) {
        const RowScorer bound = quantizer.bind<Cosine>(given[q], codes.rows, scratch);
        REQUIRE(rabitq_distances(bound, given.size())[5] == 1.0F);
        REQUIRE(quantizer.lower_bound<Cosine>(bound, RowId{5}, 1.0F) <= 1.0F);
    }
    const RowScorer zero = quantizer.bind<Cosine>(given[5], codes.rows, scratch);
    for (const float distance : rabitq_distances(zero, given.size())) REQUIRE(distance == 1.0F);
    for (const float value : rabitq_decoded(quantizer, codes.code(5))) REQUIRE(value == 0.0F);
    PairScorer pair = quantizer.between<Cosine>(codes.rows, scratch);
    const RowId both[] = {RowId{5}, RowId{10}};
    float out[2];
    pair.bind(RowId{5});
    pair.score(both, out);
    CHECK(out[0] == 1.0F);
    CHECK(out[1] == 1.0F);
    pair.bind(RowId{10});
    pair.score(both, out);
    CHECK(out[0] == 1.0F);
    CHECK(out[1] < 0.7F);
}

TEST_CASE("RaBitQ codes of denormal and huge data give finite distances in the right order", "[quantizer][kernel]") {
    const float scale = GENERATE(1e-44F, 1e-40F, 1e-30F, 1e-12F, 1e12F, 1e30F, 1e38F);
    const std::uint32_t bits = GENERATE(1U, 2U, 8U);
    const Vectors vectors = normal_vectors(400, 70, 5, scale / 4.0F);
    const RabitqQuantizer quantizer = trained_rabitq(vectors, bits);
    const RabitqCodes<SquaredL2> codes(quantizer, vectors);
    const RabitqCodes<InnerProduct> product_codes(quantizer, vectors);
    for (const float value : rabitq_decoded(quantizer, codes.code(3))) REQUIRE(std::isfinite(value));
    QueryScratch scratch;
    const RowScorer bound = quantizer.bind<SquaredL2>(vectors[17], codes.rows, scratch);
    const auto out = rabitq_distances(bound, 400);
    for (const float distance : out) REQUIRE((std::isfinite(distance) && distance >= 0.0F));
    const auto products = rabitq_distances(quantizer.bind<InnerProduct>(vectors[17], product_codes.rows, scratch), 400);
    for (const float value : products) REQUIRE(std::isfinite(value));
    if (scale < 1e-30F) return;  // they have few bits of their own
    CHECK(std::min_element(out.begin(), out.end()) - out.begin() == 17);
    CHECK(std::min_element(products.begin(), products.end()) - products.begin() == 17);
    // Where squares of lengths leave the floats, codes rank but bound nothing.
    CHECK((quantizer.trust<SquaredL2>(bound) == CodeTrust::bounded) == (scale > 1e-11F * 0.01F && scale < 1e11F));
}

TEST_CASE("RaBitQ takes rows and queries of any size, also beside others", "[quantizer][kernel]") {
    const std::uint32_t bits = GENERATE(1U, 3U, 8U);
    const float size = GENERATE(0.0F, 1e-45F, 1e-30F, 1e6F, 1e30F, std::numeric_limits<float>::max());
    Vectors vectors = normal_vectors(300, 20, 5);
    const RabitqQuantizer quantizer = trained_rabitq(vectors, bits);
    std::vector<float> odd(20, size);
    odd[3] = -size;
    std::copy(odd.begin(), odd.end(), vectors.row(7));
    const RabitqCodes<SquaredL2> codes(quantizer, vectors);
    const RabitqCodes<InnerProduct> product_codes(quantizer, vectors);
    const RabitqCodes<Cosine> unit_codes(quantizer, vectors);
    QueryScratch scratch;
    for (const VectorView query : {VectorView(odd), vectors[8]}) {
        const RowScorer bound = quantizer.bind<SquaredL2>(query, codes.rows, scratch);
        for (const float value : rabitq_distances(bound, 300)) REQUIRE((std::isfinite(value) && value >= 0.0F));
        const auto lower = quantizer.lower_bound<SquaredL2>(bound, RowId{7}, 1.0F);
        CHECK(std::isfinite(lower));
        for (const float value :
             rabitq_distances(quantizer.bind<InnerProduct>(query, product_codes.rows, scratch), 300)) {
            REQUIRE(std::isfinite(value));
        }
        for (const float value : rabitq_distances(quantizer.bind<Cosine>(query, unit_codes.rows, scratch), 300)) {
            REQUIRE(std::isfinite(value));
        }
    }
    for (const float value : rabitq_decoded(quantizer, codes.code(7))) REQUIRE(std::isfinite(value));
    if (size >= 1e30F) {
        const auto bound = quantizer.bind<SquaredL2>(odd, codes.rows, scratch);
        CHECK(quantizer.trust<SquaredL2>(bound) == CodeTrust::estimate);
    }
}

TEST_CASE("one outlier does not cost the rest its RaBitQ codes", "[quantizer][kernel]") {
    const float outlier = GENERATE(1e5F, 1e10F, 3e38F, -3e38F);
    Vectors vectors = normal_vectors(2000, 64, 11);
    const auto lost = [&](const RabitqQuantizer& quantizer) {
        double sum = 0.0;
        for (std::size_t r = 0; r < 500; ++r) {
            sum += l2(vectors[r], rabitq_decoded(quantizer, rabitq_code(quantizer, vectors[r])));
        }
        return sum / 500.0;
    };
    const double clean = lost(trained_rabitq(vectors, 4));
    vectors.row(1001)[5] = outlier;
    CHECK(lost(trained_rabitq(vectors, 4)) < 1.1 * clean);
}

TEST_CASE("constant, duplicate and few rows are coded as well as any", "[quantizer][kernel]") {
    const std::uint32_t bits = GENERATE(1U, 4U, 8U);
    QueryScratch scratch;
    SECTION("all rows are one") {
        Vectors vectors{30, std::vector<float>(200 * 30, 2.5F)};
        const RabitqQuantizer quantizer = trained_rabitq(vectors, bits);
        const RabitqCodes<SquaredL2> codes(quantizer, vectors);
        for (const float value : rabitq_decoded(quantizer, codes.code(3))) REQUIRE(value == 2.5F);
        for (const float value : rabitq_distances(quantizer.bind<SquaredL2>(vectors[0], codes.rows, scratch), 200)) {
            REQUIRE(value == 0.0F);
        }
        const std::vector<float> other(30, 3.5F);
        for (const float value : rabitq_distances(quantizer.bind<SquaredL2>(other, codes.rows, scratch), 200)) {
            REQUIRE(value == Approx(30.0F).epsilon(1e-5));
        }
    }
    SECTION("three rows, many times each") {
        const Vectors three = normal_vectors(3, 30, 77);
        Vectors vectors{30, {}};
        for (std::size_t r = 0; r < 3000; ++r) {
            vectors.values.insert(vectors.values.end(), three[r % 3].begin(), three[r % 3].end());
        }
        const RabitqQuantizer quantizer = trained_rabitq(vectors, bits);
        CHECK(quantizer.model().group_count() == 23);
        const RabitqCodes<SquaredL2> codes(quantizer, vectors);
        const auto out = rabitq_distances(quantizer.bind<SquaredL2>(three[1], codes.rows, scratch), 3000);
        for (std::size_t r = 0; r < 3000; ++r) {
            REQUIRE(out[r] == Approx(l2(three[1], vectors[r])).epsilon(1e-4).margin(1e-4));
        }
    }
    SECTION("one row, and none") {
        const Vectors one = normal_vectors(1, 30, 5);
        CHECK(trained_rabitq(one, bits).model().group_count() == 1);
        const RabitqQuantizer none = trained_rabitq({30, {}}, bits);
        CHECK(rabitq_code(none, one[0]).size() == none.code_size());
    }
}

TEST_CASE("RaBitQ training gives the same codebook with any executor and differs by seed", "[quantizer]") {
    const Vectors vectors = clustered_vectors(3000, 50, 61);
    const auto alone = trained_rabitq(vectors, 3, {.seed = 5}).save();
    ThreadPoolExecutor pool(3);
    CHECK(trained_rabitq(vectors, 3, {.seed = 5, .executor = &pool}).save() == alone);
    CHECK(trained_rabitq(vectors, 3, {.seed = 6}).save() != alone);
}

TEST_CASE("a sample that is not finite is refused, training can be stopped", "[quantizer]") {
    const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
    Vectors vectors = normal_vectors(500, 20, 5);
    vectors.row(321)[4] = bad;
    const auto refused = RabitqQuantizer::train(vectors.matrix(), {}, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid_argument);
    CHECK(refused.error().message == "row 321 of the sample has a component that is not finite");
    std::stop_source stop;
    stop.request_stop();
    const auto stopped = RabitqQuantizer::train(normal_vectors(500, 20, 5).matrix(), {}, {.stop = stop.get_token()});
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == ErrorCode::cancelled);
    CHECK_FALSE(RabitqQuantizer::train({nullptr, 0, 0, 0}, {}, {}));
}

TEST_CASE("options of RaBitQ are checked, saved and loaded", "[quantizer]") {
    CHECK(Options{}.validate());
    for (std::uint32_t bits = 1; bits <= 8; ++bits) {
        const Options options{.bits = bits};
        CHECK(options.validate());
        CHECK(Options::load(options.save()).value() == options);
    }
    CHECK(Options{}.save().empty());
    CHECK(Options::load({}).value() == Options{});
    for (const std::uint32_t bits : {0U, 9U, 257U, 0xFFFFFFFFU}) {
        const auto refused = Options{.bits = bits}.validate();
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::invalid_argument);
        CHECK(refused.error().message == "quantizer.bits is " + std::to_string(bits) + "; it must be 1 to 8");
        CHECK_FALSE(RabitqQuantizer::train(normal_vectors(9, 4, 1).matrix(), {.bits = bits}, {}));
    }
    const std::byte nine[] = {std::byte{9}};
    CHECK(Options::load(nine).error().code == ErrorCode::corruption);
    const std::byte two[] = {std::byte{2}, std::byte{0}};
    CHECK(Options::load(two).error().message.starts_with("quantizer options: 2 bytes, expected 0 or 1"));
}

TEST_CASE("a RaBitQ row has its bits, rounded up to 64 dimensions, and 12 bytes", "[quantizer]") {
    const Vectors vectors = normal_vectors(20, 70, 5);
    CHECK(trained_rabitq(vectors, 1).code_size() == 16 + 12);
    CHECK(trained_rabitq(vectors, 5).code_size() == 80 + 12);
    CHECK(RabitqQuantizer::train(vectors.matrix(), {}, {}).value().code_size() == 64 + 12);
    const std::vector<float> longest(20'000, 0.5F);
    const RabitqQuantizer wide = trained_rabitq({20'000, longest}, 2);
    std::vector<std::byte> code(wide.code_size());
    wide.encode(longest, code);
    CHECK(rabitq_decoded(wide, code) == longest);
}
