#include "sextant/quantizer/scalar_quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "quantizer/scalar_support.hpp"

using namespace sextant;
using scalar_test::Coded;
using scalar_test::largest_error;
using scalar_test::round_trip;
using scalar_test::trained;
using scalar_test::unit_vectors;
using test_support::Vectors;

static_assert(QuantizerFor<ScalarQuantizer, SquaredL2>);
static_assert(QuantizerFor<ScalarQuantizer, InnerProduct>);
static_assert(QuantizerFor<ScalarQuantizer, Cosine>);
static_assert(BoundedQuantizer<ScalarQuantizer, SquaredL2>);
static_assert(!IdentityQuantizer<ScalarQuantizer>);

TEST_CASE("ordinary data is coded within half a step", "[quantizer][kernel]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 1, 3, 17, 65, 128);
    const Vectors vectors = test_support::normal_vectors(2000, dimension, 7);
    const ScalarQuantizer quantizer = trained(vectors, {.quantile = 1.0});
    CHECK(quantizer.code_size() == i8_row_size(dimension));
    CHECK(largest_error(quantizer, vectors, 0, 2000) <= 0.5001 * quantizer.model().step);
}

TEST_CASE("a row is its values, zero padding and the two sums", "[quantizer][kernel]") {
    const Vectors vectors = test_support::normal_vectors(50, 7, 3);
    const ScalarQuantizer quantizer = trained(vectors);
    std::vector<std::byte> code(quantizer.code_size(), std::byte{0xAA});
    quantizer.encode(vectors[9], code);
    REQUIRE(code.size() == 16);
    std::int32_t sum = 0;
    std::uint32_t square_sum = 0;
    for (std::size_t i = 0; i < 7; ++i) {
        const int v = static_cast<std::int8_t>(code[i]);
        sum += v;
        square_sum += static_cast<std::uint32_t>(v * v);
    }
    I8Trailer trailer;
    std::memcpy(&trailer, code.data() + 8, sizeof(trailer));
    CHECK(code[7] == std::byte{0});
    CHECK(trailer.sum == sum);
    CHECK(trailer.square_sum == square_sum);
}

TEST_CASE("whole numbers within a byte are coded without loss", "[quantizer][kernel]") {
    SECTION("pixels, though the sample misses the brightest") {
        Vectors vectors = test_support::pixel_vectors(500, 40, 1);
        for (std::size_t r = 0; r < 400; ++r) {
            for (std::size_t d = 0; d < 40; ++d) vectors.row(r)[d] = std::min(vectors[r][d], 190.0F);
        }
        const ScalarQuantizer quantizer = ScalarQuantizer::train({vectors.values.data(), 400, 40, 40}, {}, {}).value();
        CHECK(largest_error(quantizer, vectors, 0, 500) == 0.0);
        CHECK(quantizer.model().row_error == 0.0F);
    }
    SECTION("signed bytes") {
        Vectors vectors = test_support::pixel_vectors(300, 9, 2);
        for (float& value : vectors.values) value -= 128.0F;
        CHECK(largest_error(trained(vectors), vectors, 0, 300) == 0.0);
    }
    SECTION("a byte's range that begins elsewhere") {
        Vectors vectors = test_support::pixel_vectors(300, 9, 2);
        for (float& value : vectors.values) value += 100'000.0F;
        CHECK(largest_error(trained(vectors), vectors, 0, 300) == 0.0);
    }
    SECTION("each dimension with a range of its own") {
        Vectors vectors = test_support::pixel_vectors(300, 9, 2);
        for (std::size_t r = 0; r < 300; ++r) {
            for (std::size_t d = 0; d < 9; ++d) vectors.row(r)[d] += 1000.0F * static_cast<float>(d);
        }
        CHECK(largest_error(trained(vectors), vectors, 0, 300) == 0.0);
    }
    SECTION("bits, and finer steps for what lies between them") {
        Vectors vectors = test_support::pixel_vectors(300, 9, 2);
        for (float& value : vectors.values) value = value > 50.0F ? 1.0F : 0.0F;
        const ScalarQuantizer quantizer = trained(vectors);
        CHECK(largest_error(quantizer, vectors, 0, 300) == 0.0);
        CHECK(quantizer.model().step <= 1.0F / 32.0F);
    }
}

TEST_CASE("one outlier does not cost the rest its resolution", "[quantizer][kernel]") {
    const float outlier = GENERATE(1e3F, 1e10F, 3e38F, -3e38F);
    const std::size_t rows = GENERATE(as<std::size_t>{}, 20, 1024, 5000);
    Vectors vectors = test_support::normal_vectors(rows, 24, 11);
    const float clean = trained(vectors).model().step;
    vectors.row(rows / 2)[5] = outlier;
    const ScalarQuantizer quantizer = trained(vectors);
    CAPTURE(outlier, rows);
    CHECK(quantizer.model().step <= 4.0F * clean);
    CHECK(std::fabs(quantizer.model().offset[5]) < 10.0F);
    for (std::size_t r = 0; r < rows; ++r) {
        if (r == rows / 2) continue;
        const auto decoded = round_trip(quantizer, vectors[r]);
        REQUIRE(test_support::l2(decoded, vectors[r]) < 0.05 * 24);
    }
}

TEST_CASE("data with no spread, with one row, or with none, trains", "[quantizer][kernel]") {
    SECTION("constant rows") {
        Vectors vectors{5, std::vector<float>(500, 2.5F)};
        CHECK(largest_error(trained(vectors), vectors, 0, 100) == 0.0);
    }
    SECTION("all zero") {
        Vectors vectors{5, std::vector<float>(500, 0.0F)};
        CHECK(largest_error(trained(vectors), vectors, 0, 100) == 0.0);
    }
    SECTION("one row") {
        const Vectors vectors = test_support::normal_vectors(1, 8, 3);
        CHECK(largest_error(trained(vectors), vectors, 0, 1) == 0.0);
    }
    SECTION("no row") {
        const ScalarQuantizer quantizer = ScalarQuantizer::train({nullptr, 0, 6, 6}, {}, {}).value();
        CHECK(quantizer.dimension() == 6);
        CHECK(round_trip(quantizer, std::vector<float>(6, 0.0F)) == std::vector<float>(6, 0.0F));
    }
}

TEST_CASE("denormal and huge data give finite distances in the right order", "[quantizer][kernel]") {
    const float scale = GENERATE(1e-44F, 1e-40F, 1e-30F, 1e30F, 1e38F);
    const Vectors vectors = test_support::normal_vectors(300, 20, 5, scale / 4.0F);
    const ScalarQuantizer quantizer = trained(vectors);
    CHECK(std::isfinite(quantizer.model().step));
    CHECK(quantizer.model().step > 0.0F);
    const Coded<SquaredL2> coded(quantizer, vectors);
    QueryScratch scratch;
    std::vector<float> out(300);
    quantizer.bind<SquaredL2>(vectors[17], coded.rows, scratch).score_range(RowId{0}, out);
    for (const float distance : out) REQUIRE(std::isfinite(distance));
    CHECK(*std::min_element(out.begin(), out.end()) == out[17]);
    if (scale >= 1e-30F) {
        const auto nearest = std::min_element(out.begin() + 18, out.end()) - out.begin();
        std::size_t closer = 0;
        const double distance = detail::l2_in_double(vectors[17].data(), vectors[std::size_t(nearest)].data(), 20);
        for (std::size_t r = 18; r < 300; ++r) {
            closer += detail::l2_in_double(vectors[17].data(), vectors[r].data(), 20) < distance ? 1U : 0U;
        }
        CHECK(closer <= 2);
    }
    quantizer.bind<InnerProduct>(vectors[17], coded.rows, scratch).score_range(RowId{0}, out);
    for (const float value : out) REQUIRE(std::isfinite(value));
}

TEST_CASE("code distances are near the true ones for every metric", "[quantizer][kernel]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 3, 17, 100);
    const Vectors vectors = test_support::clustered_vectors(600, dimension, 9);
    QueryScratch scratch;
    std::vector<float> out(600);
    std::vector<RowId> listed;
    for (std::uint32_t r = 0; r < 600; ++r) listed.push_back(RowId{599 - r});
    SECTION("squared Euclidean") {
        const ScalarQuantizer quantizer = trained(vectors);
        const Coded<SquaredL2> coded(quantizer, vectors);
        quantizer.bind<SquaredL2>(vectors[5], coded.rows, scratch).score(listed, out);
        PairScorer pair = quantizer.between<SquaredL2>(coded.rows, scratch);
        pair.bind(RowId{5});
        std::vector<float> paired(600);
        pair.score(listed, paired);
        const double allowed = 6.0 * quantizer.model().row_error;
        for (std::size_t i = 0; i < 600; ++i) {
            const double root = std::sqrt(test_support::l2(vectors[5], vectors[599 - i]));
            REQUIRE(std::sqrt(double{out[i]}) == Approx(root).margin(allowed));
            REQUIRE(paired[i] == out[i]);
        }
    }
    SECTION("inner product") {
        const ScalarQuantizer quantizer = trained(vectors);
        const Coded<InnerProduct> coded(quantizer, vectors);
        quantizer.bind<InnerProduct>(vectors[5], coded.rows, scratch).score(listed, out);
        PairScorer pair = quantizer.between<InnerProduct>(coded.rows, scratch);
        pair.bind(RowId{5});
        std::vector<float> paired(600);
        pair.score(listed, paired);
        for (std::size_t i = 0; i < 600; ++i) {
            const double lengths = std::sqrt(test_support::dot(vectors[5], vectors[5])) *
                                   std::sqrt(test_support::dot(vectors[599 - i], vectors[599 - i]));
            REQUIRE(out[i] == Approx(-test_support::dot(vectors[5], vectors[599 - i])).margin(0.05 * lengths));
            REQUIRE(paired[i] == Approx(out[i]).margin(0.05 * lengths));
        }
    }
    SECTION("cosine") {
        const ScalarQuantizer quantizer = trained(unit_vectors(vectors));
        const Coded<Cosine> coded(quantizer, vectors);
        quantizer.bind<Cosine>(vectors[5], coded.rows, scratch).score(listed, out);
        for (std::size_t i = 0; i < 600; ++i) {
            REQUIRE(out[i] == Approx(test_support::cosine_distance(vectors[5], vectors[599 - i])).margin(0.03));
        }
    }
}

TEST_CASE("ranges and lists of codes give identical distances", "[quantizer][kernel]") {
    const Vectors vectors = test_support::normal_vectors(70, 33, 21);
    const ScalarQuantizer quantizer = trained(vectors);
    const Coded<SquaredL2> coded(quantizer, vectors);
    QueryScratch scratch;
    std::vector<RowId> listed;
    for (std::uint32_t r = 0; r < 70; ++r) listed.push_back(RowId{r});
    std::vector<float> list(70);
    std::vector<float> range(70);
    for (const bool dot : {false, true}) {
        const RowScorer scorer = dot ? quantizer.bind<InnerProduct>(vectors[3], coded.rows, scratch)
                                     : quantizer.bind<SquaredL2>(vectors[3], coded.rows, scratch);
        scorer.score(listed, list);
        scorer.score_range(RowId{0}, range);
        CHECK(list == range);
    }
}

TEST_CASE("a zero vector under cosine is near 1 from everything, by codes too", "[quantizer][kernel]") {
    Vectors vectors = test_support::clustered_vectors(200, 48, 2);
    for (float& value : vectors.values) value += 2.0F;  // far from centred: the hard case
    const ScalarQuantizer quantizer = trained(unit_vectors(vectors));
    for (const std::size_t zero : {std::size_t{7}, std::size_t{90}}) std::fill_n(vectors.row(zero), 48, 0.0F);
    const Coded<Cosine> coded(quantizer, vectors);
    QueryScratch scratch;
    std::vector<float> out(200);
    quantizer.bind<Cosine>(vectors[0], coded.rows, scratch).score_range(RowId{0}, out);
    CHECK(out[7] == Approx(1.0).margin(0.05));
    CHECK(out[90] == Approx(1.0).margin(0.05));
    CHECK(out[1] < 0.9F);
    quantizer.bind<Cosine>(vectors[7], coded.rows, scratch).score_range(RowId{0}, out);
    CHECK(out == std::vector<float>(200, 1.0F));
    PairScorer pair = quantizer.between<Cosine>(coded.rows, scratch);
    pair.bind(RowId{7});
    const RowId listed[] = {RowId{0}, RowId{90}};
    pair.score(listed, out);
    CHECK(out[0] == Approx(1.0).margin(0.05));
    CHECK(out[1] == Approx(1.0).margin(0.05));
}

TEST_CASE("lower bounds hold for all but one in a thousand near neighbours", "[quantizer][kernel]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 16, 100);
    const Vectors all = test_support::clustered_vectors(3200, dimension, 4);
    const ScalarQuantizer quantizer =
        ScalarQuantizer::train({all.values.data(), 3000, dimension, dimension}, {}, {}).value();
    const Coded<SquaredL2> coded(quantizer, all);
    QueryScratch scratch;
    std::vector<float> out(3000);
    std::size_t near = 0;
    std::size_t broken = 0;
    double slack = 0.0;
    for (std::size_t q = 3000; q < 3200; ++q) {  // queries the training never saw
        const RowScorer scorer = quantizer.bind<SquaredL2>(all[q], coded.rows, scratch);
        REQUIRE(quantizer.trust<SquaredL2>(scorer) != CodeTrust::exact);
        if (quantizer.trust<SquaredL2>(scorer) != CodeTrust::bounded) continue;
        scorer.score_range(RowId{0}, out);
        std::vector<float> sorted = out;
        std::nth_element(sorted.begin(), sorted.begin() + 50, sorted.end());
        for (std::size_t r = 0; r < 3000; ++r) {
            if (out[r] > sorted[50]) continue;
            const double exact = test_support::l2(all[q], all[r]);
            ++near;
            broken += exact < double{quantizer.lower_bound<SquaredL2>(out[r])} ? 1U : 0U;
            slack += (exact - double{quantizer.lower_bound<SquaredL2>(out[r])}) / exact;
        }
    }
    CHECK(near > 8000);
    CHECK(broken * 1000 <= near);
    CHECK(slack / static_cast<double>(near) < 0.25);  // a bound of -infinity would hold too
}

TEST_CASE("trust tells exact queries, usual ones and strangers apart", "[quantizer][kernel]") {
    const Vectors pixels = test_support::pixel_vectors(400, 30, 6);
    const ScalarQuantizer exact = trained(pixels);
    const Coded<SquaredL2> coded(exact, pixels);
    QueryScratch scratch;
    const RowScorer bound = exact.bind<SquaredL2>(pixels[3], coded.rows, scratch);
    REQUIRE(exact.trust<SquaredL2>(bound) == CodeTrust::exact);
    std::vector<float> out(400);
    bound.score_range(RowId{0}, out);
    for (std::size_t r = 0; r < 400; ++r) REQUIRE(out[r] == static_cast<float>(test_support::l2(pixels[3], pixels[r])));

    const Vectors vectors = test_support::normal_vectors(500, 30, 6);
    const ScalarQuantizer quantizer = trained(vectors);
    const Coded<SquaredL2> codes(quantizer, vectors);
    CHECK(quantizer.trust<SquaredL2>(quantizer.bind<SquaredL2>(vectors[3], codes.rows, scratch)) == CodeTrust::bounded);
    const std::vector<float> stranger(30, 50.0F);
    CHECK(quantizer.trust<SquaredL2>(quantizer.bind<SquaredL2>(stranger, codes.rows, scratch)) == CodeTrust::estimate);
    CHECK(quantizer.trust<InnerProduct>(quantizer.bind<InnerProduct>(vectors[3], codes.rows, scratch)) ==
          CodeTrust::estimate);
}

TEST_CASE("misfits are rows unlike the sample", "[quantizer][kernel]") {
    const Vectors vectors = test_support::normal_vectors(1024, 30, 6);
    const ScalarQuantizer quantizer = trained(vectors);
    const auto share = [&](const Vectors& rows) {
        std::size_t misfits = 0;
        for (std::size_t r = 0; r < rows.size(); ++r) {
            const auto lost = static_cast<float>(test_support::l2(rows[r], round_trip(quantizer, rows[r])));
            misfits += quantizer.misfit(lost) ? 1U : 0U;
        }
        return static_cast<double>(misfits) / static_cast<double>(rows.size());
    };
    CHECK(share(test_support::normal_vectors(500, 30, 7)) < 0.05);
    CHECK(share(test_support::normal_vectors(500, 30, 7, 10.0F)) > 0.9);
}

TEST_CASE("training is deterministic and a saved codebook is the same quantizer", "[quantizer][kernel]") {
    const Vectors vectors = test_support::clustered_vectors(900, 21, 6);
    const ScalarQuantizer quantizer = trained(vectors);
    CHECK(quantizer.save() == trained(vectors).save());
    const ScalarQuantizer loaded = ScalarQuantizer::load(quantizer.save()).value();
    CHECK(loaded.save() == quantizer.save());
    for (std::size_t r = 0; r < 50; ++r) CHECK(round_trip(loaded, vectors[r]) == round_trip(quantizer, vectors[r]));
}

TEST_CASE("options outside their range are refused by name, and training can be cancelled", "[quantizer]") {
    for (const double bad : {0.5, 0.0, -1.0, 1.0001, std::numeric_limits<double>::quiet_NaN()}) {
        const auto valid = ScalarQuantizer::Options{.quantile = bad}.validate();
        REQUIRE_FALSE(valid);
        CHECK(valid.error().code == ErrorCode::invalid_argument);
        CHECK(valid.error().message.find("quantizer.quantile") == 0);
        const Vectors vectors = test_support::normal_vectors(10, 2, 1);
        CHECK_FALSE(ScalarQuantizer::train(vectors.matrix(), {.quantile = bad}, {}));
    }
    CHECK(ScalarQuantizer::Options{.quantile = 0.99}.validate());
    std::stop_source stop;
    stop.request_stop();
    const Vectors vectors = test_support::normal_vectors(10, 2, 1);
    const auto cancelled = ScalarQuantizer::train(vectors.matrix(), {}, {.seed = 0, .stop = stop.get_token()});
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().code == ErrorCode::cancelled);
}

TEST_CASE("a quantile asked for is the range that is kept", "[quantizer][kernel]") {
    const Vectors vectors = test_support::normal_vectors(4000, 10, 1);
    const float narrow = trained(vectors, {.quantile = 0.9}).model().step;
    const float wide = trained(vectors, {.quantile = 1.0}).model().step;
    CHECK(narrow * 127.0F == Approx(1.645).epsilon(0.03));
    CHECK(wide > 2.0F * narrow);
}

TEST_CASE("options of a quantizer are read as they were written, and others refused", "[quantizer]") {
    using Options = ScalarQuantizer::Options;
    CHECK(Options{}.save().empty());
    for (const Options& options : {Options{}, Options{.quantile = 0.99}, Options{.quantile = 1.0}}) {
        const auto loaded = Options::load(options.save());
        REQUIRE(loaded);
        CHECK(*loaded == options);
    }
    auto saved = Options{.quantile = 0.99}.save();
    CHECK(saved.size() == 8);
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{9}}) {
        std::vector<std::byte> other(size);
        const auto refused = Options::load(other);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::corruption);
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    std::memcpy(saved.data(), &nan, sizeof(nan));
    const auto refused = Options::load(saved);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::corruption);
}
