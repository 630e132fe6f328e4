#include "sextant/quantizer/product_quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "quantizer/product_support.hpp"
#include "support/custom_policies.hpp"

using namespace sextant;
using namespace test_support;

static_assert(QuantizerFor<ProductQuantizer, SquaredL2>);
static_assert(QuantizerFor<ProductQuantizer, InnerProduct>);
static_assert(QuantizerFor<ProductQuantizer, Cosine>);
static_assert(QuantizerFor<ProductQuantizer, sextant::test::Manhattan>);
static_assert(BoundedQuantizer<ProductQuantizer, SquaredL2>);
static_assert(StorableOptions<ProductQuantizer::Options>);
static_assert(!IdentityQuantizer<ProductQuantizer>);

namespace {

using Options = ProductQuantizer::Options;

/// Every shape that the tests of scores go through: bits, rotation, dimension, sub-vectors.
struct Shape {
    std::size_t dimension;
    Options options;
};

Shape any_shape() {
    return GENERATE(Shape{16, {}}, Shape{17, {.subvectors = 5}}, Shape{24, {.subvectors = 24}},
                    Shape{10, {.subvectors = 7, .bits = 4}}, Shape{32, {.subvectors = 16, .bits = 4}},
                    Shape{3, {.subvectors = 1}}, Shape{20, {.subvectors = 6, .rotation = ProductRotation::opq}},
                    Shape{18, {.subvectors = 9, .bits = 4, .rotation = ProductRotation::opq}});
}

/// Every distance of `bound`, by range; REQUIREs that a list gives the same.
std::vector<float> all_distances(const RowScorer& bound, std::size_t count) {
    std::vector<float> ranged(count);
    bound.score_range(RowId{0}, ranged);
    std::vector<RowId> listed;
    for (std::size_t r = 0; r < count; ++r) listed.push_back(RowId{static_cast<std::uint32_t>(count - 1 - r)});
    std::vector<float> out(count);
    bound.score(listed, out);
    for (std::size_t r = 0; r < count; ++r) REQUIRE(out[count - 1 - r] == ranged[r]);
    return ranged;
}

/// Distances of codes are those to the decoded rows, for a query and for a row that takes its place.
template <class M, class Distance>
void agrees_with_decoded(const Shape& shape, const Vectors& given, Distance distance_of) {
    const Vectors sample = M::unit_length ? unit_vectors(given) : given;
    const ProductQuantizer quantizer = trained(sample, shape.options);
    const ProductCodes<M> codes(quantizer, given);
    QueryScratch scratch;
    const auto out = all_distances(quantizer.bind<M>(given[7], codes.rows, scratch), given.size());
    const auto query = M::unit_length ? unit_of(given[7]) : std::vector<float>(given[7].begin(), given[7].end());
    for (std::size_t r = 0; r < given.size(); ++r) {
        const auto row = decoded(quantizer, codes.code(r));
        const double size = dot(query, query) + dot(row, row);
        REQUIRE(double{out[r]} == Approx(distance_of(query, row)).margin(1e-5 * size));
    }
    PairScorer pair = quantizer.between<M>(codes.rows, scratch);
    pair.bind(RowId{11});
    pair.bind(RowId{7});
    std::vector<RowId> all;
    for (std::uint32_t r = 0; r < given.size(); ++r) all.push_back(RowId{r});
    std::vector<float> paired(given.size());
    pair.score(all, paired);
    const auto from = decoded(quantizer, codes.code(7));
    for (std::size_t r = 0; r < given.size(); ++r) {
        const auto row = decoded(quantizer, codes.code(r));
        const double size = dot(from, from) + dot(row, row);
        REQUIRE(double{paired[r]} == Approx(distance_of(from, row)).margin(2e-5 * size));
    }
}

std::vector<float> l2_distances(const ProductQuantizer& quantizer, const ProductCodes<SquaredL2>& codes,
                                std::size_t count, VectorView query) {
    QueryScratch scratch;
    std::vector<float> out(count);
    quantizer.bind<SquaredL2>(query, codes.rows, scratch).score_range(RowId{0}, out);
    return out;
}

}  // namespace

TEST_CASE("a code names the nearest centroid of each sub-vector, two to a byte with 4 bits", "[quantizer][kernel]") {
    const Shape shape = GENERATE(Shape{16, {}}, Shape{17, {.subvectors = 5}}, Shape{10, {.subvectors = 7, .bits = 4}},
                                 Shape{8, {.subvectors = 4, .bits = 4}});
    const Vectors vectors = clustered_vectors(800, shape.dimension, 3);
    const ProductQuantizer quantizer = trained(vectors, shape.options);
    const ProductModel& model = quantizer.model();
    const std::size_t width = model.sub_dimension();
    const std::size_t columns = model.centroid_count();
    for (std::size_t r = 0; r < 50; ++r) {
        std::vector<float> padded(vectors[r].begin(), vectors[r].end());
        padded.resize(model.padded_dimension(), 0.0F);
        const auto code = code_of(quantizer, vectors[r]);
        for (std::size_t s = 0; s < model.subvectors; ++s) {
            std::size_t best = 0;
            double least = std::numeric_limits<double>::infinity();
            for (std::size_t c = 0; c < columns; ++c) {
                double distance = 0.0;
                for (std::size_t j = 0; j < width; ++j) {
                    const double apart = double{padded[s * width + j]} - double{model.centroids_of(s)[j * columns + c]};
                    distance += apart * apart;
                }
                if (distance < least * (1.0 - 1e-6)) {
                    least = distance;
                    best = c;
                }
            }
            const auto byte = static_cast<std::size_t>(code[model.bits == 8 ? s : s / 2]);
            REQUIRE((model.bits == 8 ? byte : (s % 2 == 0 ? byte & 15U : byte >> 4U)) == best);
        }
        if (model.bits == 4 && model.subvectors % 2 == 1) REQUIRE((code.back() >> 4U) == std::byte{0});
    }
}

TEST_CASE("sizes of codes follow from dimension and options", "[quantizer]") {
    const auto size_of = [](std::size_t dimension, const Options& options) {
        return trained(normal_vectors(40, dimension, 1), options).code_size();
    };
    CHECK(size_of(16, {}) == 4);
    CHECK(size_of(17, {}) == 5);
    CHECK(size_of(1, {}) == 1);
    CHECK(size_of(16, {.subvectors = 16}) == 16);
    CHECK(size_of(16, {.bits = 4}) == 2);
    CHECK(size_of(17, {.bits = 4}) == 3);
    CHECK(size_of(10, {.subvectors = 7, .bits = 4}) == 4);
    CHECK(trained(normal_vectors(40, 10, 1), {.subvectors = 7}).model().padded_dimension() == 14);
}

TEST_CASE("product distances are those to decoded rows, for every metric and shape", "[quantizer][kernel]") {
    const Shape shape = any_shape();
    const Vectors vectors = clustered_vectors(300, shape.dimension, 9);
    CAPTURE(shape.dimension);
    SECTION("squared Euclidean") { agrees_with_decoded<SquaredL2>(shape, vectors, l2); }
    SECTION("inner product") {
        agrees_with_decoded<InnerProduct>(shape, vectors, [](VectorView a, VectorView b) { return -dot(a, b); });
    }
    SECTION("cosine, by half the squared distance of unit vectors") {
        agrees_with_decoded<Cosine>(shape, vectors, [](VectorView a, VectorView b) { return l2(a, b) / 2.0; });
    }
    SECTION("a metric of the user's") {
        agrees_with_decoded<sextant::test::Manhattan>(shape, vectors, [](VectorView a, VectorView b) {
            return double{sextant::test::Manhattan::distance(a.data(), b.data(), a.size())};
        });
    }
    SECTION("a metric of the user's over directions") {
        agrees_with_decoded<sextant::test::DirectionGap>(shape, vectors, [](VectorView a, VectorView b) {
            return double{sextant::test::DirectionGap::distance(a.data(), b.data(), a.size())};
        });
    }
}

TEST_CASE("codes find most of the true neighbours", "[quantizer][kernel]") {
    const Vectors rows = clustered_vectors(3000, 32, 21);
    const Vectors queries = clustered_vectors(40, 32, 22);
    const auto recall_of = [&](const Options& options) {
        const ProductQuantizer quantizer = trained(rows, options);
        const ProductCodes<SquaredL2> codes(quantizer, rows);
        return recall(rows, queries, 10,
                      [&](VectorView query) { return l2_distances(quantizer, codes, rows.size(), query); });
    };
    // Ten rows of 3,000 found by chance: 0.003; ten of the query's cluster: 0.1.
    const double fine = recall_of({.subvectors = 16});
    const double usual = recall_of({});
    const double coarse = recall_of({.subvectors = 12, .bits = 4});
    CAPTURE(fine, usual, coarse);
    CHECK(fine > 0.70);
    CHECK(usual > 0.45);
    CHECK(coarse > 0.20);
    CHECK(fine > usual);
    CHECK(usual > coarse);
}

TEST_CASE("more bits and more sub-vectors lose less", "[quantizer][kernel]") {
    const Vectors vectors = normal_vectors(2000, 24, 5);
    const auto error = [&](const Options& options) { return trained(vectors, options).reconstruction_error(); };
    const double usual = error({});
    CHECK(error({.bits = 4}) > 1.5 * usual);
    CHECK(error({.subvectors = 12}) < 0.7 * usual);
    CHECK(error({.subvectors = 24}) < 0.1 * usual);
    CHECK(usual < 24.0);  // what no code at all would lose
}

TEST_CASE("a learned rotation loses less where dimensions are unequal and entangled", "[quantizer][kernel]") {
    const Vectors vectors = slanted_vectors(3000, 32, 5);
    const ProductQuantizer plain = trained(vectors);
    const ProductQuantizer rotated = trained(vectors, {.rotation = ProductRotation::opq});
    CHECK(plain.model().rotation.empty());
    CHECK(rotated.reconstruction_error() < 0.85 * plain.reconstruction_error());
    SECTION("and is one: lengths and angles stay") {
        const ProductModel& model = rotated.model();
        for (std::size_t a = 0; a < 32; ++a) {
            for (std::size_t b = 0; b < 32; ++b) {
                const VectorView left(model.rotation.data() + a * model.rotation_stride(), 32);
                const VectorView right(model.rotation.data() + b * model.rotation_stride(), 32);
                REQUIRE(dot(left, right) == Approx(a == b ? 1.0 : 0.0).margin(1e-3));
            }
        }
    }
}

TEST_CASE("where each row has a centroid of its own no rotation is sought", "[quantizer][kernel]") {
    const ProductModel model = trained(normal_vectors(200, 9, 3), {.rotation = ProductRotation::opq}).model();
    for (std::size_t a = 0; a < 9; ++a) {
        for (std::size_t b = 0; b < model.padded_dimension(); ++b) {
            REQUIRE(model.rotation[a * model.rotation_stride() + b] == (a == b ? 1.0F : 0.0F));
        }
    }
}

TEST_CASE("the zero vector is at distance 1 from everything under cosine", "[quantizer][kernel]") {
    const Shape shape = any_shape();
    Vectors given = clustered_vectors(300, shape.dimension, 13);
    std::fill_n(given.row(5), shape.dimension, 0.0F);
    const ProductQuantizer quantizer = trained(unit_vectors(given), shape.options);
    const ProductCodes<Cosine> codes(quantizer, given);
    QueryScratch scratch;
    for (std::size_t q = 10; q < 40; ++q) {
        const auto out = all_distances(quantizer.bind<Cosine>(given[q], codes.rows, scratch), given.size());
        REQUIRE(out[5] == Approx(1.0).margin(1e-5));
    }
    for (const float distance : all_distances(quantizer.bind<Cosine>(given[5], codes.rows, scratch), given.size())) {
        REQUIRE(distance == 1.0F);
    }
    PairScorer pair = quantizer.between<Cosine>(codes.rows, scratch);
    const RowId both[] = {RowId{5}, RowId{10}};
    float out[2];
    pair.bind(RowId{5});
    pair.score(both, out);
    CHECK(out[0] == 1.0F);
    CHECK(out[1] == 1.0F);
    pair.bind(RowId{10});
    pair.score(both, out);
    CHECK(out[0] == Approx(1.0).margin(1e-5));
    CHECK(out[1] == Approx(0.0).margin(1e-5));
}

TEST_CASE("no row that has a direction is coded as the zero vector", "[quantizer][kernel]") {
    for (const std::uint32_t bits : {4U, 8U}) {
        const Vectors vectors = unit_vectors(normal_vectors(3000, 6, 2));
        const ProductQuantizer quantizer = trained(vectors, {.subvectors = 3, .bits = bits});
        for (std::size_t r = 0; r < vectors.size(); ++r) {
            const auto first = static_cast<unsigned>(code_of(quantizer, vectors[r])[0]);
            REQUIRE((bits == 8 ? first : first & 15U) != (bits == 8 ? 255U : 15U));
        }
    }
}

TEST_CASE("product codes of denormal and huge data give finite distances in the right order", "[quantizer][kernel]") {
    const float scale = GENERATE(1e-44F, 1e-40F, 1e-30F, 1e-12F, 1e12F, 1e30F, 1e38F);
    const Options options = GENERATE(Options{}, Options{.bits = 4}, Options{.rotation = ProductRotation::opq});
    const Vectors vectors = normal_vectors(200, 12, 5, scale / 4.0F);
    const ProductQuantizer quantizer = trained(vectors, options);
    for (const float value : round_trip(quantizer, vectors[3])) REQUIRE(std::isfinite(value));
    const ProductCodes<SquaredL2> codes(quantizer, vectors);
    QueryScratch scratch;
    const auto l2s = all_distances(quantizer.bind<SquaredL2>(vectors[17], codes.rows, scratch), 200);
    for (const float distance : l2s) REQUIRE((std::isfinite(distance) && distance >= 0.0F));
    const auto products = all_distances(quantizer.bind<InnerProduct>(vectors[17], codes.rows, scratch), 200);
    for (const float value : products) REQUIRE(std::isfinite(value));
    if (scale >= 1e-30F) {  // smaller ones have few bits of their own
        const auto decoded_of = [&](std::size_t r) { return decoded(quantizer, codes.code(r)); };
        const auto nearest = static_cast<std::size_t>(std::min_element(l2s.begin(), l2s.end()) - l2s.begin());
        const double least = detail::l2_in_double(vectors[17].data(), decoded_of(nearest).data(), 12);
        for (std::size_t r = 0; r < 200; ++r) {
            REQUIRE(detail::l2_in_double(vectors[17].data(), decoded_of(r).data(), 12) >= 0.999 * least);
        }
    }
}

TEST_CASE("queries of any size give finite distances", "[quantizer][kernel]") {
    const float size = GENERATE(0.0F, 1e-45F, 1e-30F, 1e30F, std::numeric_limits<float>::max());
    const Options options = GENERATE(Options{}, Options{.bits = 4}, Options{.rotation = ProductRotation::opq});
    const Vectors vectors = normal_vectors(300, 12, 5);
    const ProductQuantizer quantizer = trained(vectors, options);
    const ProductCodes<SquaredL2> codes(quantizer, vectors);
    std::vector<float> query(12, size);
    query[3] = -size;
    QueryScratch scratch;
    for (const float value : all_distances(quantizer.bind<SquaredL2>(query, codes.rows, scratch), 300)) {
        REQUIRE((std::isfinite(value) && value >= 0.0F));
    }
    for (const float value : all_distances(quantizer.bind<InnerProduct>(query, codes.rows, scratch), 300)) {
        REQUIRE(std::isfinite(value));
    }
    for (const float value : all_distances(quantizer.bind<Cosine>(query, codes.rows, scratch), 300)) {
        REQUIRE(std::isfinite(value));
    }
    for (const float value : round_trip(quantizer, query)) REQUIRE(std::isfinite(value));
}

TEST_CASE("one outlier does not cost the rest its centroids", "[quantizer][kernel]") {
    const float outlier = GENERATE(1e3F, 1e10F, 3e38F, -3e38F);
    const Options options = GENERATE(Options{}, Options{.rotation = ProductRotation::opq});
    Vectors vectors = normal_vectors(2000, 16, 11);
    const double clean = trained(vectors, options).reconstruction_error();
    vectors.row(1001)[5] = outlier;
    const ProductQuantizer quantizer = trained(vectors, options);
    double lost = 0.0;
    for (std::size_t r = 0; r < 1000; ++r) lost += l2(vectors[r], round_trip(quantizer, vectors[r]));
    CHECK(lost / 1000.0 < 1.3 * clean);
}

TEST_CASE("the lower bound of a product distance holds for all but one in a thousand near rows",
          "[quantizer][kernel]") {
    const std::uint32_t bits = GENERATE(8U, 4U);
    const bool rotates = GENERATE(false, true);
    Options options{.subvectors = 12, .bits = bits};
    if (rotates) options.rotation = ProductRotation::opq;
    const Vectors sample = clustered_vectors(4000, 24, 9);
    const Vectors rows = clustered_vectors(4000, 24, 10);
    const Vectors queries = clustered_vectors(100, 24, 11);
    const ProductQuantizer quantizer = trained(sample, options);
    const ProductCodes<SquaredL2> codes(quantizer, rows);
    std::size_t below = 0;
    std::size_t useful = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const auto out = l2_distances(quantizer, codes, rows.size(), queries[q]);
        std::vector<std::size_t> order(rows.size());
        for (std::size_t r = 0; r < order.size(); ++r) order[r] = r;
        std::partial_sort(order.begin(), order.begin() + 100, order.end(),
                          [&](std::size_t a, std::size_t b) { return out[a] < out[b]; });
        for (std::size_t i = 0; i < 100; ++i) {
            const float bound = quantizer.lower_bound<SquaredL2>(out[order[i]]);
            REQUIRE(bound <= out[order[i]]);
            below += l2(queries[q], rows[order[i]]) < double{bound} ? 1U : 0U;
            useful += bound > 0.0F ? 1U : 0U;
        }
    }
    CHECK(below < 10);  // of 10,000
    CHECK(useful > 1000);
    CHECK(quantizer.lower_bound<InnerProduct>(1.0F) == std::numeric_limits<float>::lowest());
}

TEST_CASE("trust in product codes tells usual queries and strangers apart", "[quantizer][kernel]") {
    const Vectors vectors = normal_vectors(2000, 24, 6);
    const ProductQuantizer quantizer = trained(vectors);
    const ProductCodes<SquaredL2> codes(quantizer, vectors);
    QueryScratch scratch;
    const Vectors queries = normal_vectors(50, 24, 7);
    std::size_t bounded = 0;
    for (std::size_t q = 0; q < 50; ++q) {
        const auto bound = quantizer.bind<SquaredL2>(queries[q], codes.rows, scratch);
        bounded += quantizer.trust<SquaredL2>(bound) == CodeTrust::bounded ? 1U : 0U;
    }
    CHECK(bounded >= 47);
    const std::vector<float> stranger(24, 50.0F);
    CHECK(quantizer.trust<SquaredL2>(quantizer.bind<SquaredL2>(stranger, codes.rows, scratch)) == CodeTrust::estimate);
    CHECK(quantizer.trust<InnerProduct>(quantizer.bind<InnerProduct>(vectors[3], codes.rows, scratch)) ==
          CodeTrust::estimate);
    const ProductQuantizer small = trained(normal_vectors(1023, 24, 6));
    CHECK(small.trust<SquaredL2>(small.bind<SquaredL2>(queries[0], codes.rows, scratch)) == CodeTrust::estimate);
    CHECK(small.lower_bound<SquaredL2>(1.0F) == std::numeric_limits<float>::lowest());
}

TEST_CASE("rows unlike the sample are misfits of product codes", "[quantizer][kernel]") {
    const ProductQuantizer quantizer = trained(normal_vectors(4096, 24, 6));
    const auto share = [&](const Vectors& rows) {
        std::size_t misfits = 0;
        for (std::size_t r = 0; r < rows.size(); ++r) {
            misfits += quantizer.misfit(static_cast<float>(l2(rows[r], round_trip(quantizer, rows[r])))) ? 1U : 0U;
        }
        return static_cast<double>(misfits) / static_cast<double>(rows.size());
    };
    CHECK(share(normal_vectors(500, 24, 7)) < 0.05);
    CHECK(share(normal_vectors(500, 24, 7, 10.0F)) > 0.9);
}

TEST_CASE("the error a product quantizer states is that of rows it has not seen", "[quantizer][kernel]") {
    const ProductQuantizer quantizer = trained(normal_vectors(4096, 24, 6));
    const Vectors rows = normal_vectors(1000, 24, 77);
    double lost = 0.0;
    for (std::size_t r = 0; r < 1000; ++r) lost += l2(rows[r], round_trip(quantizer, rows[r]));
    CHECK(quantizer.reconstruction_error() == Approx(lost / 1000.0).epsilon(0.05));
}
