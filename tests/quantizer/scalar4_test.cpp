// ScalarQuantizer with 4 bits.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "quantizer/scalar_support.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/quantizer/codebook_format.hpp"
#include "support/golden.hpp"

using namespace sextant;
using scalar_test::Coded;
using scalar_test::largest_error;
using scalar_test::round_trip;
using scalar_test::trained;
using scalar_test::unit_vectors;
using test_support::Vectors;

namespace {

namespace format = codebook_format;
using Options = ScalarQuantizer::Options;

const Options four_bits{.bits = 4};

std::vector<float> scores(const RowScorer& scorer, std::size_t count) {
    std::vector<float> out(count);
    scorer.score_range(RowId{0}, out);
    return out;
}

std::vector<float> pair_scores(PairScorer pair, std::uint32_t from, std::uint32_t count) {
    std::vector<RowId> listed;
    for (std::uint32_t r = 0; r < count; ++r) listed.push_back(RowId{r});
    std::vector<float> out(count);
    pair.bind(RowId{from});
    pair.score(listed, out);
    return out;
}

const format::Header header{.quantizer = QuantizerId::scalar8,
                            .dimension = 3,
                            .step = 0.5F,
                            .row_error = 0.25F,
                            .error_slope = 2.0F,
                            .parameters = {4}};
const std::vector<float> offsets{1.0F, -2.0F, 0.0F};

}  // namespace

TEST_CASE("4 bits code ordinary data within half a step", "[quantizer][kernel]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 1, 3, 17, 65, 128, 130);
    const Vectors vectors = test_support::normal_vectors(2000, dimension, 7);
    const ScalarQuantizer quantizer = trained(vectors, {.quantile = 1.0, .bits = 4});
    CHECK(quantizer.code_size() == i4_row_size(dimension));
    CHECK(ScalarQuantizer::code_size_for(dimension, four_bits) == i4_row_size(dimension));
    CHECK(ScalarQuantizer::code_size_for(dimension, {}) == i8_row_size(dimension));
    // Medians lie on steps, so that one end of a range may lie up to half a step beyond the last one.
    CHECK(largest_error(quantizer, vectors, 0, 2000) <= 1.001 * quantizer.model().step);
    std::size_t beyond = 0;
    for (std::size_t r = 0; r < 2000; ++r) {
        const auto decoded = round_trip(quantizer, vectors[r]);
        for (std::size_t d = 0; d < dimension; ++d) {
            beyond += std::fabs(decoded[d] - vectors[r][d]) > 0.5001F * quantizer.model().step ? 1U : 0U;
        }
    }
    CHECK(static_cast<double>(beyond) < 0.001 * 2000 * static_cast<double>(dimension));
}

TEST_CASE("a row of 4-bit codes is its halves in blocks, and the two sums", "[quantizer][kernel]") {
    // Codes 0 .. 15 without loss: what each dimension must become is known.
    const ScalarQuantizer quantizer = ScalarQuantizer::load(format::write({.quantizer = QuantizerId::scalar8,
                                                                           .dimension = 137,
                                                                           .step = 1.0F,
                                                                           .row_error = 0.0F,
                                                                           .error_slope = 0.0F,
                                                                           .parameters = {4}},
                                                                          std::vector<float>(137, 8.0F)))
                                          .value();
    std::vector<float> vector(137);
    std::int32_t sum = 0;
    std::uint32_t square_sum = 0;
    for (std::size_t i = 0; i < 137; ++i) {
        const auto c = static_cast<std::uint32_t>(i * 7 % 16);
        vector[i] = static_cast<float>(c);
        sum += static_cast<std::int32_t>(c);
        square_sum += 256 * c * c;
    }
    std::vector<std::byte> code(quantizer.code_size(), std::byte{0xAA});
    quantizer.encode(vector, code);
    REQUIRE(code.size() == 64 + 8 + 8);
    const auto half = [&](std::size_t byte, bool high) {
        const auto value = std::to_integer<unsigned>(code[byte]);
        return static_cast<float>(high ? value >> 4U : value & 15U);
    };
    for (std::size_t i = 0; i < 64; ++i) {
        CHECK(half(i, false) == vector[i]);
        CHECK(half(i, true) == vector[64 + i]);
    }
    for (std::size_t i = 0; i < 8; ++i) {  // nine dimensions are left: eight in low halves, one in a high one
        CHECK(half(64 + i, false) == vector[128 + i]);
        CHECK(half(64 + i, true) == (i == 0 ? vector[136] : 0.0F));
    }
    I8Trailer trailer;
    std::memcpy(&trailer, code.data() + 72, sizeof(trailer));
    CHECK(trailer.sum == sum);
    CHECK(trailer.square_sum == square_sum);
    std::vector<float> decoded(137);
    quantizer.decode(code, decoded);
    CHECK(decoded == vector);
    // Beyond the sixteen values, and what is no number.
    std::fill(vector.begin(), vector.end(), 1e30F);
    CHECK(round_trip(quantizer, vector) == std::vector<float>(137, 15.0F));
    std::fill(vector.begin(), vector.end(), -1e30F);
    CHECK(round_trip(quantizer, vector) == std::vector<float>(137, 0.0F));
    std::fill(vector.begin(), vector.end(), std::numeric_limits<float>::quiet_NaN());
    CHECK(round_trip(quantizer, vector) == std::vector<float>(137, 0.0F));
}

TEST_CASE("sixteen whole numbers are coded in 4 bits without loss", "[quantizer][kernel]") {
    Vectors vectors = test_support::pixel_vectors(300, 9, 2);
    const float spread = GENERATE(1.0F, 7.0F, 15.0F);
    const bool apart = GENERATE(false, true);
    for (std::size_t r = 0; r < 300; ++r) {
        for (std::size_t d = 0; d < 9; ++d) {
            float& value = vectors.row(r)[d];
            value = std::floor(value / 256.0F * (spread + 1.0F)) + (apart ? 1000.0F * static_cast<float>(d) : -3.0F);
        }
    }
    const ScalarQuantizer quantizer = trained(vectors, four_bits);
    CHECK(largest_error(quantizer, vectors, 0, 300) == 0.0);
    const Coded<SquaredL2> coded(quantizer, vectors);
    QueryScratch scratch;
    const RowScorer bound = quantizer.bind<SquaredL2>(vectors[3], coded.rows, scratch);
    REQUIRE(quantizer.trust<SquaredL2>(bound) == CodeTrust::exact);
    const auto out = scores(bound, 300);
    for (std::size_t r = 0; r < 300; ++r) {
        REQUIRE(out[r] == static_cast<float>(test_support::l2(vectors[3], vectors[r])));
    }
}

TEST_CASE("in 4 bits, most values of pixels that are mostly black stay what they are", "[quantizer][kernel]") {
    Vectors vectors = test_support::pixel_vectors(1000, 20, 3);
    for (std::size_t i = 0; i < vectors.values.size(); ++i) {
        if (i % 5 < 3) vectors.values[i] = 0.0F;
    }
    const ScalarQuantizer quantizer = trained(vectors, four_bits);
    std::size_t kept = 0;
    for (std::size_t r = 0; r < 1000; ++r) {
        const auto decoded = round_trip(quantizer, vectors[r]);
        for (std::size_t d = 0; d < 20; ++d) kept += vectors[r][d] == 0.0F && decoded[d] == 0.0F ? 1U : 0U;
    }
    CHECK(kept >= 12'000);
}

TEST_CASE("one outlier does not cost the rest its resolution in 4 bits", "[quantizer][kernel]") {
    const float outlier = GENERATE(1e3F, 1e10F, 3e38F, -3e38F);
    const std::size_t rows = GENERATE(as<std::size_t>{}, 20, 1024, 5000);
    Vectors vectors = test_support::normal_vectors(rows, 24, 11);
    const float clean = trained(vectors, four_bits).model().step;
    vectors.row(rows / 2)[5] = outlier;
    const ScalarQuantizer quantizer = trained(vectors, four_bits);
    CAPTURE(outlier, rows);
    CHECK(quantizer.model().step <= 4.0F * clean);
    CHECK(std::fabs(quantizer.model().offset[5]) < 10.0F);
}

TEST_CASE("data with no spread, with one row, or with none, trains 4 bits", "[quantizer][kernel]") {
    SECTION("constant rows") {
        const Vectors vectors{5, std::vector<float>(500, 2.5F)};
        CHECK(largest_error(trained(vectors, four_bits), vectors, 0, 100) == 0.0);
    }
    SECTION("all zero") {
        const Vectors vectors{5, std::vector<float>(500, 0.0F)};
        CHECK(largest_error(trained(vectors, four_bits), vectors, 0, 100) == 0.0);
    }
    SECTION("one row") {
        const Vectors vectors = test_support::normal_vectors(1, 8, 3);
        CHECK(largest_error(trained(vectors, four_bits), vectors, 0, 1) == 0.0);
    }
    SECTION("no row") {
        const ScalarQuantizer quantizer = ScalarQuantizer::train({nullptr, 0, 6, 6}, four_bits, {}).value();
        CHECK(quantizer.dimension() == 6);
        CHECK(quantizer.model().bits == 4);
        CHECK(round_trip(quantizer, std::vector<float>(6, 0.0F)) == std::vector<float>(6, 0.0F));
    }
}

TEST_CASE("denormal and huge data in 4 bits give finite distances", "[quantizer][kernel]") {
    const float scale = GENERATE(1e-44F, 1e-40F, 1e-30F, 1e30F, 1e38F);
    const Vectors vectors = test_support::normal_vectors(300, 20, 5, scale / 4.0F);
    const ScalarQuantizer quantizer = trained(vectors, four_bits);
    CHECK(std::isfinite(quantizer.model().step));
    CHECK(quantizer.model().step > 0.0F);
    const Coded<SquaredL2> coded(quantizer, vectors);
    QueryScratch scratch;
    const auto out = scores(quantizer.bind<SquaredL2>(vectors[17], coded.rows, scratch), 300);
    for (const float distance : out) REQUIRE((std::isfinite(distance) && distance >= 0.0F));
    CHECK(*std::min_element(out.begin(), out.end()) == out[17]);
    for (const float value : scores(quantizer.bind<InnerProduct>(vectors[17], coded.rows, scratch), 300)) {
        REQUIRE(std::isfinite(value));
    }
}

TEST_CASE("distances of 4-bit codes are those of decoded rows, for every metric", "[quantizer][kernel]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 3, 17, 100, 129, 200);
    const Vectors given = test_support::clustered_vectors(600, dimension, 9);
    const Vectors vectors = unit_vectors(given);
    const ScalarQuantizer quantizer = trained(vectors, four_bits);
    Vectors decoded{dimension, {}};
    for (std::size_t r = 0; r < 600; ++r) {
        const auto row = round_trip(quantizer, vectors[r]);
        decoded.values.insert(decoded.values.end(), row.begin(), row.end());
    }
    const Coded<SquaredL2> coded(quantizer, vectors);
    QueryScratch scratch;
    const auto l2 = scores(quantizer.bind<SquaredL2>(vectors[5], coded.rows, scratch), 600);
    const auto l2_pairs = pair_scores(quantizer.between<SquaredL2>(coded.rows, scratch), 5, 600);
    const auto dot = scores(quantizer.bind<InnerProduct>(vectors[5], coded.rows, scratch), 600);
    const auto dot_pairs = pair_scores(quantizer.between<InnerProduct>(coded.rows, scratch), 5, 600);
    const auto cosine = scores(quantizer.bind<Cosine>(given[5], coded.rows, scratch), 600);
    const auto cosine_pairs = pair_scores(quantizer.between<Cosine>(coded.rows, scratch), 5, 600);
    // The query as its 8 bits say it.
    const ScalarModel& model = quantizer.model();
    const float query_step = model.step / 16.0F;
    std::vector<float> query(dimension);
    for (std::size_t d = 0; d < dimension; ++d) {
        const float steps = std::nearbyint((vectors[5][d] - model.offset[d]) / query_step);
        query[d] = model.offset[d] + query_step * std::clamp(steps, -128.0F, 127.0F);
    }
    for (std::size_t i = 0; i < 600; ++i) {
        REQUIRE(l2[i] == Approx(test_support::l2(query, decoded[i])).epsilon(1e-4).margin(1e-5));
        REQUIRE(cosine[i] == Approx(l2[i] / 2.0F).margin(1e-6));
        const double paired = test_support::l2(decoded[5], decoded[i]);
        REQUIRE(l2_pairs[i] == Approx(paired).margin(1e-6));
        REQUIRE(cosine_pairs[i] == Approx(paired / 2.0).margin(1e-6));
        // A query of an inner product has steps of 1/127 of its largest component.
        const double dot_margin = std::sqrt(static_cast<double>(dimension)) / 127.0;
        REQUIRE(dot[i] == Approx(-test_support::dot(vectors[5], decoded[i])).margin(dot_margin));
        REQUIRE(dot_pairs[i] == Approx(-test_support::dot(decoded[5], decoded[i])).margin(dot_margin));
    }
}

TEST_CASE("lists and ranges of 4-bit codes give identical distances", "[quantizer][kernel]") {
    const Vectors vectors = test_support::normal_vectors(70, 133, 21);
    const ScalarQuantizer quantizer = trained(vectors, four_bits);
    const Coded<SquaredL2> coded(quantizer, vectors);
    QueryScratch scratch;
    std::vector<RowId> listed;
    for (std::uint32_t r = 0; r < 70; ++r) listed.push_back(RowId{r});
    std::vector<float> list(70);
    for (const bool dot : {false, true}) {
        const RowScorer scorer = dot ? quantizer.bind<InnerProduct>(vectors[3], coded.rows, scratch)
                                     : quantizer.bind<SquaredL2>(vectors[3], coded.rows, scratch);
        scorer.score(listed, list);
        CHECK(list == scores(scorer, 70));
    }
}

TEST_CASE("a zero vector under cosine is near 1 from everything, by 4-bit codes too", "[quantizer][kernel]") {
    Vectors vectors = test_support::clustered_vectors(200, 48, 2);
    for (float& value : vectors.values) value += 2.0F;  // far from centred: the hard case
    const ScalarQuantizer quantizer = trained(unit_vectors(vectors), four_bits);
    for (const std::size_t zero : {std::size_t{7}, std::size_t{90}}) std::fill_n(vectors.row(zero), 48, 0.0F);
    const Coded<Cosine> coded(quantizer, vectors);
    QueryScratch scratch;
    const auto near = scores(quantizer.bind<Cosine>(vectors[0], coded.rows, scratch), 200);
    CHECK(near[7] == Approx(1.0).margin(0.2));  // sixteen values around the mean are all that zero can be coded with
    CHECK(near[7] > near[1]);
    CHECK(near[90] == near[7]);
    CHECK(scores(quantizer.bind<Cosine>(vectors[7], coded.rows, scratch), 200) == std::vector<float>(200, 1.0F));
    const auto pairs = pair_scores(quantizer.between<Cosine>(coded.rows, scratch), 7, 200);
    CHECK(pairs[0] == Approx(1.0).margin(0.2));
    CHECK(pairs[90] == Approx(1.0).margin(0.001));
}

TEST_CASE("lower bounds of 4-bit codes hold for all but one in a thousand near neighbours", "[quantizer][kernel]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 16, 100);
    const Vectors all = test_support::clustered_vectors(3200, dimension, 4);
    const ScalarQuantizer quantizer =
        ScalarQuantizer::train({all.values.data(), 3000, dimension, dimension}, four_bits, {}).value();
    const Coded<SquaredL2> coded(quantizer, all);
    QueryScratch scratch;
    std::size_t near = 0;
    std::size_t broken = 0;
    double slack = 0.0;
    for (std::size_t q = 3000; q < 3200; ++q) {  // queries the training never saw
        const RowScorer scorer = quantizer.bind<SquaredL2>(all[q], coded.rows, scratch);
        if (quantizer.trust<SquaredL2>(scorer) != CodeTrust::bounded) continue;
        const auto out = scores(scorer, 3000);
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
    CHECK(slack / static_cast<double>(near) < 0.9);  // a bound of -infinity would hold too
}

TEST_CASE("trust and misfits of 4-bit codes tell strangers from usual vectors", "[quantizer][kernel]") {
    const Vectors vectors = test_support::normal_vectors(1024, 30, 6);
    const ScalarQuantizer quantizer = trained(vectors, four_bits);
    const Coded<SquaredL2> codes(quantizer, vectors);
    QueryScratch scratch;
    CHECK(quantizer.trust<SquaredL2>(quantizer.bind<SquaredL2>(vectors[3], codes.rows, scratch)) == CodeTrust::bounded);
    const std::vector<float> stranger(30, 50.0F);
    CHECK(quantizer.trust<SquaredL2>(quantizer.bind<SquaredL2>(stranger, codes.rows, scratch)) == CodeTrust::estimate);
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

TEST_CASE("training 4 bits is deterministic and a saved codebook is the same quantizer", "[quantizer][kernel]") {
    const Vectors vectors = test_support::clustered_vectors(900, 21, 6);
    const ScalarQuantizer quantizer = trained(vectors, four_bits);
    CHECK(quantizer.save() == trained(vectors, four_bits).save());
    const ScalarQuantizer loaded = ScalarQuantizer::load(quantizer.save()).value();
    CHECK(loaded.save() == quantizer.save());
    CHECK(loaded.code_size() == quantizer.code_size());
    const Coded<SquaredL2> coded(quantizer, vectors);
    QueryScratch scratch;
    CHECK(scores(loaded.bind<SquaredL2>(vectors[1], coded.rows, scratch), 900) ==
          scores(quantizer.bind<SquaredL2>(vectors[1], coded.rows, scratch), 900));
    for (std::size_t r = 0; r < 50; ++r) CHECK(round_trip(loaded, vectors[r]) == round_trip(quantizer, vectors[r]));
}

TEST_CASE("8 bits by name are what they are by default", "[quantizer][kernel]") {
    const Vectors vectors = test_support::clustered_vectors(900, 21, 6);
    CHECK(trained(vectors, {.bits = 8}).save() == trained(vectors).save());
    CHECK(ScalarQuantizer::train8(vectors.matrix(), {}).value().save() == trained(vectors).save());
}

TEST_CASE("bits other than 4 and 8 are refused by name", "[quantizer]") {
    const Vectors vectors = test_support::normal_vectors(10, 2, 1);
    for (const std::uint32_t bad : {0U, 1U, 3U, 5U, 7U, 9U, 16U, 0xFFFFFFFFU}) {
        const auto valid = Options{.bits = bad}.validate();
        REQUIRE_FALSE(valid);
        CHECK(valid.error().code == ErrorCode::invalid_argument);
        CHECK(valid.error().message == "quantizer.bits is " + std::to_string(bad) + "; it must be 4 or 8");
        CHECK_FALSE(ScalarQuantizer::train(vectors.matrix(), {.bits = bad}, {}));
    }
    CHECK(Options{.bits = 4}.validate());
    CHECK(Options{.bits = 8}.validate());
}

TEST_CASE("bits among the options are read as they were written, and others refused", "[quantizer]") {
    for (const Options& options : {Options{.bits = 4}, Options{.bits = 8}, Options{.quantile = 0.99, .bits = 4}}) {
        const auto saved = options.save();
        CHECK(saved.size() == 12);
        const auto loaded = Options::load(saved);
        REQUIRE(loaded);
        CHECK(*loaded == options);
        CHECK(loaded->save() == saved);
    }
    for (const std::size_t size : {std::size_t{1}, std::size_t{11}, std::size_t{13}, std::size_t{16}}) {
        const auto refused = Options::load(std::vector<std::byte>(size));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::corruption);
        CHECK(refused.error().message.find("expected 0, 8 or 12") != std::string::npos);
    }
    const auto refusal_of = [](double quantile, std::uint32_t bits) {
        std::vector<std::byte> saved(12);
        std::memcpy(saved.data(), &quantile, sizeof(quantile));
        std::memcpy(saved.data() + 8, &bits, sizeof(bits));
        const auto loaded = Options::load(saved);
        if (loaded) return std::string();
        CHECK(loaded.error().code == ErrorCode::corruption);
        return loaded.error().message;
    };
    CHECK(refusal_of(0.0, 4).empty());
    CHECK(refusal_of(0.0, 5).find("quantizer.bits is 5") != std::string::npos);
    CHECK(refusal_of(0.0, 0).find("quantizer.bits is 0") != std::string::npos);
    CHECK(refusal_of(-0.0, 4).find("quantizer.quantile") != std::string::npos);
    CHECK(refusal_of(2.0, 4).find("quantizer.quantile") != std::string::npos);
    CHECK(refusal_of(std::numeric_limits<double>::quiet_NaN(), 4).find("quantizer.quantile") != std::string::npos);
}

TEST_CASE("bits of a scalar codebook are read as the page says, and others refused", "[quantizer][format]") {
    const auto bytes = format::write(header, offsets);
    const ScalarQuantizer quantizer = ScalarQuantizer::load(bytes).value();
    CHECK(quantizer.save() == bytes);
    CHECK(quantizer.model().bits == 4);
    CHECK(quantizer.code_size() == 12);
    const std::byte code[12] = {std::byte{0xF0}, std::byte{0x0B}, std::byte{0x08}};
    std::vector<float> decoded(3);
    quantizer.decode(code, decoded);
    CHECK(decoded == std::vector<float>{1.0F - 4.0F, -2.0F + 1.5F, 0.0F});
    const auto refusal_of = [](std::size_t index, std::uint32_t value) {
        format::Header changed = header;
        changed.parameters[index] = value;
        const auto loaded = ScalarQuantizer::load(format::write(changed, offsets));
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().code == ErrorCode::corruption);
        return loaded.error().message;
    };
    CHECK(refusal_of(0, 8) == "codebook: offset 36: bits is 8, expected 0 (which is 8) or 4");
    CHECK(refusal_of(0, 3).find("offset 36: bits is 3") != std::string::npos);
    CHECK(refusal_of(1, 1) == "codebook: offset 40: unused field is 1, expected 0");
    CHECK(refusal_of(4, 7) == "codebook: offset 52: unused field is 7, expected 0");
}

TEST_CASE("a scalar codebook of 4 bits cut short anywhere, or with a flipped bit, is refused", "[quantizer][format]") {
    const auto whole = format::write(header, offsets);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto loaded = ScalarQuantizer::load(std::span(whole).first(size));
        REQUIRE_FALSE(loaded);
        REQUIRE(loaded.error().code == ErrorCode::corruption);
        REQUIRE(loaded.error().message.find("offset") != std::string::npos);
    }
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto bytes = whole;
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        REQUIRE_FALSE(ScalarQuantizer::load(bytes));
    }
}

TEST_CASE("the largest numbers of a 4-bit codebook decode and score finitely", "[quantizer][format][kernel]") {
    constexpr float most = std::numeric_limits<float>::max();
    const float step = GENERATE(0x1.0p-120F, 1.0F, most / 256.0F);
    const ScalarQuantizer quantizer =
        ScalarQuantizer::load(format::write({.quantizer = QuantizerId::scalar8,
                                             .dimension = 2,
                                             .step = step,
                                             .row_error = most,
                                             .error_slope = most,
                                             .parameters = {4}},
                                            std::vector<float>{most / 2.0F, -most / 2.0F}))
            .value();
    std::vector<std::byte> code(quantizer.code_size());
    std::vector<float> decoded(2);
    QueryScratch scratch;
    for (const float value : {0.0F, most, -most}) {
        quantizer.encode(std::vector<float>{value, -value}, code);
        quantizer.decode(code, decoded);
        CHECK(std::isfinite(decoded[0]));
        CHECK(std::isfinite(decoded[1]));
        const RowSource rows{code.data(), code.size(), nullptr};
        for (const float query : {0.0F, most, -most}) {
            const std::vector<float> vector(2, query);
            CHECK(std::isfinite(scores(quantizer.bind<SquaredL2>(vector, rows, scratch), 1)[0]));
            CHECK(std::isfinite(scores(quantizer.bind<InnerProduct>(vector, rows, scratch), 1)[0]));
            CHECK(std::isfinite(scores(quantizer.bind<Cosine>(vector, rows, scratch), 1)[0]));
        }
    }
    quantizer.encode_zero<Cosine>(code);
    quantizer.decode(code, decoded);
    CHECK(std::isfinite(decoded[0]));
}

// Written by version 1; never written again.
TEST_CASE("4-bit codebooks of version 1 are trained, read and written as ever", "[quantizer][format][kernel]") {
    auto golden = test_support::golden_lines("scalar4_codebook.txt");
    // Without log and cos, whose last bits are the C library's.
    Vectors plain{5, std::vector<float>(500 * 5)};
    Random random(7);
    for (float& value : plain.values) {
        value = (static_cast<float>(random.below(4096)) + static_cast<float>(random.below(4096)) - 4095.0F) / 3.0F;
    }
    const auto pixels = test_support::pixel_vectors(500, 5, 7);
    Vectors few = pixels;
    for (float& value : few.values) value = std::floor(value / 16.0F);
    const auto same = [&](const std::string& name, const ScalarQuantizer& quantizer) {
        INFO(name);
        CHECK(test_support::to_hex(quantizer.save()) == golden[name]);
        const auto loaded = ScalarQuantizer::load(test_support::from_hex(golden[name]));
        REQUIRE(loaded);
        CHECK(test_support::to_hex(loaded->save()) == golden[name]);
        golden.erase(name);
    };
    same("fractions", trained(plain, four_bits));
    same("pixels", trained(pixels, four_bits));
    same("sixteen whole numbers", trained(few, four_bits));
    same("a quantile", trained(plain, {.quantile = 0.9, .bits = 4}));
    CHECK(golden.empty());
}
