#include "sextant/quantizer/no_quantizer.hpp"

#include <algorithm>

#include "sextant/metric/metrics.hpp"
#include "sextant/quantizer/vector_math.hpp"
#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

using namespace sextant;

static_assert(QuantizerFor<NoQuantizer, SquaredL2>);
static_assert(QuantizerFor<NoQuantizer, InnerProduct>);
static_assert(QuantizerFor<NoQuantizer, Cosine>);
static_assert(!BoundedQuantizer<NoQuantizer, SquaredL2>);

TEST_CASE("a code of no quantizer is the vector, bit for bit", "[quantizer]") {
    const auto vectors = test_support::normal_vectors(4, 7, 3);
    const NoQuantizer quantizer = NoQuantizer::train(vectors.matrix(), {}, {}).value();
    CHECK(quantizer.dimension() == 7);
    REQUIRE(quantizer.code_size() == 28);
    std::vector<std::byte> code(28);
    std::vector<float> decoded(7);
    quantizer.encode(vectors[2], code);
    quantizer.decode(code, decoded);
    CHECK(std::equal(decoded.begin(), decoded.end(), vectors[2].begin()));
    CHECK(NoQuantizer::Options{}.validate());
}

TEST_CASE("no quantizer binds queries to raw rows", "[quantizer][kernel]") {
    const auto vectors = test_support::normal_vectors(9, 21, 4);
    const NoQuantizer quantizer = NoQuantizer::train(vectors.matrix(), {}, {}).value();
    std::vector<float> norms;
    for (std::size_t r = 0; r < 9; ++r) norms.push_back(detail::inverse_norm(vectors[r]));
    const RowSource rows{reinterpret_cast<const std::byte*>(vectors.values.data()), 21 * sizeof(float), norms.data()};
    QueryScratch scratch;
    std::vector<float> out(9);
    const RowScorer bound = quantizer.bind<SquaredL2>(vectors[0], rows, scratch);
    bound.score_range(RowId{0}, out);
    CHECK(quantizer.trust<SquaredL2>(bound) == CodeTrust::exact);
    for (std::size_t r = 0; r < 9; ++r) CHECK(out[r] == Approx(test_support::l2(vectors[0], vectors[r])).margin(1e-4));
    PairScorer pair = quantizer.between<Cosine>(rows, scratch);
    pair.bind(RowId{3});
    const RowId listed[] = {RowId{8}, RowId{3}};
    pair.score(listed, out);
    CHECK(out[0] == Approx(test_support::cosine_distance(vectors[3], vectors[8])).margin(1e-5));
    CHECK(out[1] == Approx(0.0).margin(1e-5));
}

TEST_CASE("no quantizer is saved as its dimension and refuses other codebooks", "[quantizer]") {
    const auto vectors = test_support::normal_vectors(1, 300, 3);
    const NoQuantizer quantizer = NoQuantizer::train(vectors.matrix(), {}, {}).value();
    auto saved = quantizer.save();
    CHECK(saved.size() == 72);
    CHECK(NoQuantizer::load(saved).value().dimension() == 300);
    saved[13] = std::byte{9};
    CHECK(NoQuantizer::load(saved).error().code == ErrorCode::corruption);
    CHECK(NoQuantizer::load({}).error().code == ErrorCode::corruption);
}
