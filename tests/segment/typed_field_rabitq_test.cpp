// Sealed fields of codes too coarse to link by: what they are linked by, what a search reads, what building takes.
#include <algorithm>
#include <stop_token>

#include "sextant/segment/field_layout.hpp"
#include "sextant/segment/typed_field.hpp"
#include "support/catch.hpp"
#include "support/field_fixture.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 96;
constexpr HnswParams params{.m = 8, .ef_construction = 60, .seed = 7};

template <class M>
using Rabitq = TypedField<M, RabitqQuantizer>;

/// The bytes of level 0.
std::vector<std::byte> graph_of(const SealedField& field) {
    const auto sections = field.sections();
    return {sections.graph[0].begin(), sections.graph[0].end()};
}

double recall_over(const VectorField& field, const Sealed& sealed, const Vectors& vectors, const Vectors& queries,
                   std::size_t ef, std::size_t* scored = nullptr) {
    FieldScratch scratch;
    double sum = 0.0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        FieldAnswer answer;
        FieldQuery query;
        query.vector = queries[q];
        query.count = 10;
        query.ef = ef;
        const auto found = found_by(*sealed.rows, sealed.count, query, scratch, &answer);
        sum += recall_of(found, oracle(field, vectors, queries[q], 10));
        if (scored != nullptr) *scored += answer.counters.scored;
    }
    return sum / static_cast<double>(queries.size());
}

}  // namespace

TEMPLATE_TEST_CASE("sealed rows of RaBitQ codes are found by their graph", "[segment]", SquaredL2, InnerProduct,
                   Cosine) {
    const std::uint32_t bits = GENERATE(1U, 2U, 4U, 8U);
    const Vectors vectors = clustered_vectors(4000, dimension, 1);
    const Vectors queries = clustered_vectors(40, dimension, 2);
    const Rabitq<TestType> field(dimension, params, {.bits = bits});
    const Sealed sealed(field, vectors);
    CHECK(sealed.rows->verify(sealed.count, {}));
    const std::size_t codes = 4000 * detail::code_stride(packed_row_size(128, bits));
    CHECK(sealed.rows->bytes().codes >= codes);
    CHECK(sealed.rows->bytes().codes < codes + 4096);
    CHECK(recall_over(field, sealed, vectors, queries, 100) > 0.95);
}

TEST_CASE("the graph of coarse codes is that of finer ones: they are linked by 8-bit codes", "[segment]") {
    const Vectors vectors = clustered_vectors(3000, dimension, 1);
    const auto fine = graph_of(*Sealed(TypedField<SquaredL2, ScalarQuantizer>(dimension, params), vectors).rows);
    CHECK(graph_of(*Sealed(Rabitq<SquaredL2>(dimension, params, {.bits = 1}), vectors).rows) == fine);
    CHECK(graph_of(*Sealed(Rabitq<SquaredL2>(dimension, params, {.bits = 8}), vectors).rows) == fine);
    using Product = TypedField<SquaredL2, ProductQuantizer>;
    CHECK(graph_of(*Sealed(Product(dimension, params, {.subvectors = 24}), vectors).rows) == fine);
    CHECK_FALSE(graph_of(*Sealed(Product(dimension, params, {.subvectors = 48}), vectors).rows) == fine);
}

TEST_CASE("bounds of rows keep most candidates from being read", "[segment]") {
    const Vectors vectors = clustered_vectors(4000, dimension, 1);
    const Vectors queries = clustered_vectors(40, dimension, 2);
    const Rabitq<SquaredL2> field(dimension, params, {.bits = 8});
    const Sealed sealed(field, vectors);
    FieldScratch scratch;
    std::size_t bounded = 0;
    std::size_t asked_for = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        FieldQuery query;
        query.vector = queries[q];
        query.count = 10;
        query.ef = 200;
        FieldAnswer answer;
        const auto found = found_by(*sealed.rows, sealed.count, query, scratch, &answer);
        bounded += answer.counters.scored;
        query.oversampling = 20.0F;  // all 200 candidates are read
        const auto all = found_by(*sealed.rows, sealed.count, query, scratch, &answer);
        asked_for += answer.counters.scored;
        CHECK(same_answer(found, all));
    }
    CHECK(asked_for - bounded > 40 * 150);
}

TEST_CASE("codes to link by are foreseen, and done without where there is no room for them", "[segment]") {
    const Vectors vectors = clustered_vectors(12'000, dimension, 1);
    const Vectors queries = clustered_vectors(20, dimension, 2);
    const Rabitq<SquaredL2> field(dimension, {.m = 8, .ef_construction = 40}, {.bits = 4});
    Growing growing(field, 12'001);
    growing.append(vectors);
    MemoryAccount account("sealed");
    const auto sealed = try_seal(field, *growing.rows, growing.count, account).value();
    const FieldBytes forecast = field.estimate(12'000);
    CHECK(static_cast<double>(forecast.peak) == Approx(static_cast<double>(account.peak())).epsilon(0.10));
    CHECK(forecast.linking > 12'000 * dimension);
    CHECK(account.used() + forecast.linking / 2 < account.peak());
    MemoryAccount tight("tight", account.peak() - forecast.linking / 2);
    const auto raw_linked = try_seal(field, *growing.rows, growing.count, tight);
    REQUIRE(raw_linked);
    FieldScratch scratch;
    double recall = 0.0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        FieldQuery query;
        query.vector = queries[q];
        query.count = 10;
        query.ef = 100;
        recall += recall_of(found_by(**raw_linked, 12'000, query, scratch), oracle(field, vectors, queries[q], 10));
    }
    CHECK(recall / static_cast<double>(queries.size()) > 0.9);
}

TEST_CASE("sealing with codes to link by can be cancelled", "[segment]") {
    const Vectors vectors = clustered_vectors(3000, dimension, 1);
    const Rabitq<Cosine> field(dimension, params, {.bits = 2});
    Growing growing(field, 3001);
    growing.append(vectors);
    MemoryAccount account("sealed");
    std::stop_source stop;
    stop.request_stop();
    const auto cancelled = try_seal(field, *growing.rows, growing.count, account, {.stop = stop.get_token()});
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().code == ErrorCode::cancelled);
    CHECK(account.used() == 0);
}
