// What a search of a field promises, for growing and sealed rows, every shipped metric and quantizer.
#include <cmath>

#include "sextant/segment/field_sealed.hpp"
#include "support/catch.hpp"
#include "support/field_fixture.hpp"
#include "support/vector_access.hpp"

using namespace sextant;
using namespace test_support;

namespace {

template <class M, class Q>
struct Policy {
    using Metric = M;
    using Quantizer = Q;
};

template <class P>
double growing_recall(const Vectors& vectors, const Vectors& queries, std::size_t linked, const FieldQuery& like,
                      const RowFilter& filter = {}, std::uint64_t admitted = 0) {
    const TypedField<typename P::Metric, typename P::Quantizer> field(vectors.dimension,
                                                                      {.m = 16, .ef_construction = 100});
    Growing growing(field, 1U << 14U);
    growing.append(vectors, 0, linked);
    growing.link();
    growing.append(vectors, linked, vectors.size());
    FieldScratch scratch;
    double sum = 0.0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        FieldQuery query = like;
        query.vector = queries[q];
        query.filter = filter;
        query.admitted_count = admitted;
        const auto found = found_by(*growing.rows, growing.count, query, scratch);
        const auto expected = oracle(field, vectors, queries[q], query.count, filter);
        REQUIRE(found.size() == expected.size());
        for (const Neighbor& neighbor : found) REQUIRE(filter(neighbor.row));
        if (like.exact) REQUIRE(same_answer(found, expected));
        sum += recall_of(found, expected);
    }
    return sum / static_cast<double>(queries.size());
}

}  // namespace

TEMPLATE_TEST_CASE("growing rows are found, linked or not", "[segment][kernel]", (Policy<SquaredL2, ScalarQuantizer>),
                   (Policy<InnerProduct, ScalarQuantizer>), (Policy<Cosine, ScalarQuantizer>)) {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 3, 17, 65);
    const Vectors vectors = clustered_vectors(3000, dimension, 1);
    const Vectors queries = clustered_vectors(20, dimension, 2);
    for (const std::size_t linked : {0UL, 500UL, 2000UL, 3000UL}) {
        CAPTURE(dimension, linked);
        CHECK(growing_recall<TestType>(vectors, queries, linked, {.count = 10, .ef = 200}) > 0.9);
        CHECK(growing_recall<TestType>(vectors, queries, linked, {.count = 10, .exact = true}) > 0.98);
    }
}

TEMPLATE_TEST_CASE("sealed rows are found", "[segment][kernel]", (Policy<SquaredL2, ScalarQuantizer>),
                   (Policy<SquaredL2, NoQuantizer>), (Policy<InnerProduct, ScalarQuantizer>),
                   (Policy<InnerProduct, NoQuantizer>), (Policy<Cosine, ScalarQuantizer>),
                   (Policy<Cosine, NoQuantizer>)) {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 1, 17, 65);
    const Vectors vectors = clustered_vectors(2500, dimension, 1);
    const Vectors queries = clustered_vectors(20, dimension, 2);
    const TypedField<typename TestType::Metric, typename TestType::Quantizer> field(dimension,
                                                                                    {.m = 16, .ef_construction = 100});
    const Sealed sealed(field, vectors);
    FieldScratch scratch;
    double recall = 0.0;
    FieldAnswer answer;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const auto expected = oracle(field, vectors, queries[q], 10);
        const auto found =
            found_by(*sealed.rows, sealed.count, {.vector = queries[q], .count = 10, .ef = 120}, scratch, &answer);
        CHECK(answer.plan == FieldPlan::graph);
        CHECK(answer.more_within_bound);
        recall += recall_of(found, expected) / static_cast<double>(queries.size());
        CHECK(same_answer(
            found_by(*sealed.rows, sealed.count, {.vector = queries[q], .count = 10, .exact = true}, scratch, &answer),
            expected));
        CHECK(answer.plan == FieldPlan::scan_raw);
        CHECK(answer.counters.scored == vectors.size());
    }
    CHECK(recall > (dimension == 1 ? 0.5 : 0.9));  // one dimension: hundreds of points within a rounding error of codes
    CHECK(sealed.rows->verify(sealed.count, {}));
}

TEST_CASE("rescored distances are those of raw vectors, closest first", "[segment][kernel]") {
    const Vectors vectors = clustered_vectors(2000, 30, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(30);
    const Sealed sealed(field, vectors);
    FieldScratch scratch;
    const FieldQuery query{.vector = vectors[7], .count = 20, .ef = 100};
    const auto found = found_by(*sealed.rows, sealed.count, query, scratch);
    REQUIRE(found.size() == 20);
    CHECK(found[0].row == RowId{7});
    CHECK(found[0].distance == 0.0F);
    CHECK(std::is_sorted(found.begin(), found.end()));
    for (const Neighbor& neighbor : found) {
        CHECK(neighbor.distance == Approx(field.distance(vectors[7], vectors[to_index(neighbor.row)])).epsilon(1e-6));
    }

    FieldQuery raw_codes = query;
    raw_codes.rescore = false;
    const auto unscored = found_by(*sealed.rows, sealed.count, raw_codes, scratch);
    REQUIRE(unscored.size() == 20);
    std::size_t different = 0;
    for (const Neighbor& neighbor : unscored) {
        const float exact = field.distance(vectors[7], vectors[to_index(neighbor.row)]);
        different += std::fabs(neighbor.distance - exact) > 1e-5F * exact ? 1U : 0U;
    }
    CHECK(different > 0);
    FieldQuery wide = query;
    wide.oversampling = 4.0F;
    CHECK(recall_of(found_by(*sealed.rows, sealed.count, wide, scratch), oracle(field, vectors, vectors[7], 20)) >=
          0.95);
}

TEST_CASE("vectors may be read elsewhere than they lie, and may fail to be", "[segment][kernel]") {
    const Vectors vectors = clustered_vectors(2000, 30, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(30);
    const Sealed sealed(field, vectors);
    FieldScratch scratch;
    const FieldQuery query{.vector = vectors[7], .count = 20, .ef = 100};
    const auto found = found_by(*sealed.rows, sealed.count, query, scratch);
    detail::FieldView view = dynamic_cast<const detail::SealedRows&>(*sealed.rows).view();
    std::vector<Neighbor> out(20);

    const CopyingReader copies(vectors);
    view.vectors = &copies;
    FieldAnswer answer = detail::search_field(view, query, sealed.count, scratch, out);
    REQUIRE(answer.found == 20);
    CHECK_FALSE(answer.failure.has_value());
    for (std::size_t i = 0; i < 20; ++i) {
        CHECK(out[i].row == found[i].row);
        CHECK(out[i].distance == Approx(found[i].distance));
    }
    for (const std::size_t readable : {std::size_t{0}, std::size_t{20}}) {
        const CopyingReader fails(vectors, readable);
        view.vectors = &fails;
        answer = detail::search_field(view, query, sealed.count, scratch, out);
        CHECK(answer.found == 0);
        REQUIRE(answer.failure.has_value());
        CHECK(answer.failure->code == ErrorCode::io_error);
        CHECK(answer.failure->message == "vectors: offset 77: unreadable");
    }
}

TEST_CASE("lossless codes need no raw vector, and give the same answer", "[segment][kernel]") {
    const Vectors vectors = pixel_vectors(2000, 20, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(20);
    const Sealed sealed(field, vectors);
    FieldScratch scratch;
    FieldAnswer with;
    FieldAnswer without;
    const FieldQuery query{.vector = vectors[3], .count = 10, .ef = 100};
    FieldQuery unscored = query;
    unscored.rescore = false;
    CHECK(found_by(*sealed.rows, sealed.count, query, scratch, &with) ==
          found_by(*sealed.rows, sealed.count, unscored, scratch, &without));
    CHECK(with.counters.scored == without.counters.scored);
    CHECK(same_answer(found_by(*sealed.rows, sealed.count, query, scratch), oracle(field, vectors, vectors[3], 10)));
    std::vector<float> between(vectors[3].begin(), vectors[3].end());
    between[0] += 0.25F;  // a query that is no code: rescored
    static_cast<void>(
        found_by(*sealed.rows, sealed.count, {.vector = between, .count = 10, .ef = 100}, scratch, &with));
    CHECK(with.counters.scored > without.counters.scored);
}

TEST_CASE("a filter is kept by every plan and the answer is never short", "[segment][kernel]") {
    const Vectors vectors = clustered_vectors(6000, 16, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(16, {.m = 8, .ef_construction = 60});
    const Sealed sealed(field, vectors);
    Growing growing(field, 1U << 13U);
    growing.append(vectors);
    growing.rows->link(5000, false, growing.context()).value();
    FieldScratch scratch;
    const std::size_t every = GENERATE(as<std::size_t>{}, 1, 2, 3, 10, 100, 3000);
    const auto admitted = bits_of(6000, [&](std::size_t r) { return r % every == every - 1; });
    const auto deleted = bits_of(1U << 13U, [](std::size_t r) { return r % 50 == 7; });
    const RowFilter filter{.admitted = {admitted.data(), 6000}, .deleted = {deleted.data(), 1U << 13U}};
    std::uint64_t count = 0;
    for (std::uint32_t r = 0; r < 6000; ++r) count += filter(RowId{r}) ? 1U : 0U;
    double recall = 0.0;
    for (std::size_t q = 0; q < 10; ++q) {
        const FieldQuery query{.vector = vectors[q], .count = 10, .ef = 20, .filter = filter, .admitted_count = count};
        const auto expected = oracle(field, vectors, vectors[q], 10, filter);
        for (const FieldRows* rows :
             {static_cast<const FieldRows*>(sealed.rows.get()), static_cast<const FieldRows*>(growing.rows.get())}) {
            const auto found = found_by(*rows, 6000, query, scratch);
            REQUIRE(found.size() == expected.size());
            for (const Neighbor& neighbor : found) REQUIRE(filter(neighbor.row));
            recall += recall_of(found, expected) / 20.0;
            FieldQuery exact = query;
            exact.exact = true;
            REQUIRE(same_answer(found_by(*rows, 6000, exact, scratch), expected));
        }
    }
    CAPTURE(every);
    CHECK(recall > 0.8);
}

TEST_CASE("a filter that only the far side of the data passes still fills the answer", "[segment][kernel]") {
    Vectors vectors = clustered_vectors(8000, 12, 1);
    for (std::size_t r = 4000; r < 8000; ++r) vectors.row(r)[0] += 100.0F;
    const TypedField<SquaredL2, ScalarQuantizer> field(12, {.m = 8, .ef_construction = 60});
    const Sealed sealed(field, vectors);
    const auto admitted = bits_of(8000, [](std::size_t r) { return r >= 4000; });
    const RowFilter filter{.admitted = {admitted.data(), 8000}, .deleted = {}};
    FieldScratch scratch;
    const auto found =
        found_by(*sealed.rows, 8000,
                 {.vector = vectors[5], .count = 25, .ef = 25, .filter = filter, .admitted_count = 4000}, scratch);
    REQUIRE(found.size() == 25);
    for (const Neighbor& neighbor : found) CHECK(to_index(neighbor.row) >= 4000);
}

TEST_CASE("a bound cuts after rescoring and tells whether more lie within", "[segment][kernel]") {
    const Vectors vectors = clustered_vectors(2000, 24, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(24);
    const Sealed sealed(field, vectors);
    FieldScratch scratch;
    const auto truth = oracle(field, vectors, vectors[11], 31);
    for (const bool exact : {false, true}) {
        FieldAnswer answer;
        FieldQuery query{.vector = vectors[11], .count = 30, .ef = 300, .exact = exact, .bound = truth[19].distance};
        auto found = found_by(*sealed.rows, 2000, query, scratch, &answer);
        CHECK(found.size() == 20);
        CHECK_FALSE(answer.more_within_bound);
        query.bound = truth[30].distance;
        found = found_by(*sealed.rows, 2000, query, scratch, &answer);
        CHECK(found.size() == 30);
        CHECK(answer.more_within_bound);
        query.bound = -1.0F;
        CHECK(found_by(*sealed.rows, 2000, query, scratch).empty());
    }
}

TEST_CASE("rows past the caller's row count are never seen, linked or not", "[segment][kernel]") {
    const Vectors vectors = clustered_vectors(4000, 16, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(16);
    Growing growing(field, 1U << 13U);
    growing.append(vectors);
    growing.link();
    REQUIRE(growing.rows->indexed_rows() == 4000);
    FieldScratch scratch;
    for (const std::uint32_t visible : {0U, 1U, 2U, 700U, 2500U, 3999U}) {
        for (std::size_t q = 0; q < 10; ++q) {
            const auto found =
                found_by(*growing.rows, visible, {.vector = vectors[3990 - q], .count = 10, .ef = 50}, scratch);
            REQUIRE(found.size() == std::min<std::size_t>(10, visible));
            for (const Neighbor& neighbor : found) REQUIRE(to_index(neighbor.row) < visible);
            const auto admitted = bits_of(visible, [](std::size_t r) { return r % 2 == 0; });
            const RowFilter filter{.admitted = {admitted.data(), visible}, .deleted = {}};
            const auto even = found_by(*growing.rows, visible,
                                       {.vector = vectors[3990 - q],
                                        .count = 10,
                                        .ef = 50,
                                        .filter = filter,
                                        .admitted_count = (visible + 1U) / 2},
                                       scratch);
            REQUIRE(even.size() == std::min<std::size_t>(10, (visible + 1U) / 2));
        }
    }
}

TEST_CASE("tiny fields answer with what exists", "[segment][kernel]") {
    const std::size_t rows = GENERATE(as<std::size_t>{}, 0, 1, 2, 3);
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 1, 3, 17, 65);
    const Vectors vectors = normal_vectors(rows, dimension, 5);
    const Vectors queries = normal_vectors(3, dimension, 6);
    const TypedField<Cosine, ScalarQuantizer> field(dimension);
    const Sealed sealed(field, vectors);
    Growing growing(field, 10);
    growing.append(vectors);
    growing.link();
    FieldScratch scratch;
    for (std::size_t q = 0; q < 3; ++q) {
        const FieldQuery query{.vector = queries[q], .count = 5};
        const auto expected = oracle(field, vectors, queries[q], 5);
        CHECK(same_answer(found_by(*sealed.rows, sealed.count, query, scratch), expected));
        CHECK(same_answer(found_by(*growing.rows, growing.count, query, scratch), expected));
    }
    CHECK(sealed.rows->verify(sealed.count, {}));
    CHECK(growing.rows->verify(growing.count, {}));
}

TEST_CASE("duplicates and zero vectors are found and bounded in work", "[segment][kernel]") {
    Vectors vectors = clustered_vectors(3000, 20, 1);
    for (std::size_t r = 0; r < 3000; r += 3) std::copy_n(vectors.row(1), 20, vectors.row(r));
    for (std::size_t r = 2; r < 3000; r += 30) std::fill_n(vectors.row(r), 20, 0.0F);
    const TypedField<Cosine, ScalarQuantizer> field(20);
    const Sealed sealed(field, vectors);
    FieldScratch scratch;
    FieldAnswer answer;
    const auto found = found_by(*sealed.rows, 3000, {.vector = vectors[1], .count = 50, .ef = 100}, scratch, &answer);
    REQUIRE(found.size() == 50);
    for (const Neighbor& neighbor : found) CHECK(neighbor.distance == Approx(0.0).margin(1e-5));
    CHECK(answer.counters.scored <= 3100);
    const std::vector<float> zero(20, 0.0F);
    const auto from_zero = found_by(*sealed.rows, 3000, {.vector = zero, .count = 10, .ef = 100}, scratch);
    REQUIRE(from_zero.size() == 10);
    for (const Neighbor& neighbor : from_zero) CHECK(neighbor.distance == 1.0F);
    CHECK(field.distance(vectors[2], vectors[1]) == 1.0F);
}

TEST_CASE("a search that is told to stop says so", "[segment]") {
    const Vectors vectors = clustered_vectors(5000, 8, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(8);
    const Sealed sealed(field, vectors);
    std::stop_source source;
    source.request_stop();
    const std::stop_token token = source.get_token();
    FieldScratch scratch;
    for (const bool exact : {false, true}) {
        FieldAnswer answer;
        static_cast<void>(found_by(
            *sealed.rows, 5000, {.vector = vectors[0], .count = 10, .exact = exact, .stop = &token}, scratch, &answer));
        CHECK(answer.counters.stopped);
    }
}

TEST_CASE("a batch of exact queries answers as each alone", "[segment][kernel]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 3, 100);
    const Vectors vectors = clustered_vectors(1500, dimension, 1);
    const Vectors queries = clustered_vectors(71, dimension, 2);
    const auto check = [&](const auto& field, const RowFilter& filter, std::uint64_t admitted) {
        Growing growing(field, 2000);
        growing.append(vectors);
        FieldScratch scratch;
        std::vector<FieldQuery> batch;
        for (std::size_t q = 0; q < 71; ++q) {
            batch.push_back(
                {.vector = queries[q], .count = 7, .exact = true, .filter = filter, .admitted_count = admitted});
        }
        // Between two rows: a batch may round a distance other than a search alone does.
        const auto fifth = oracle(field, vectors, queries[5], 7, filter);
        batch[5].bound = (fifth[2].distance + fifth[3].distance) / 2;
        std::vector<Neighbor> out(71 * 7);
        std::vector<std::size_t> found(71);
        REQUIRE(growing.rows->search_exact_batch(batch, growing.count, scratch, out, found));
        for (std::size_t q = 0; q < 71; ++q) {
            REQUIRE(found[q] == (q == 5 ? 3U : 7U));
            const auto alone = oracle(field, vectors, queries[q], found[q], filter);
            for (std::size_t i = 0; i < found[q]; ++i) {
                REQUIRE(out[q * 7 + i].distance == Approx(alone[i].distance).margin(1e-4));
            }
        }
    };
    const auto admitted = bits_of(1500, [](std::size_t r) { return r % 5 == 0; });
    const auto few = bits_of(1500, [](std::size_t r) { return r % 100 == 0; });
    check(TypedField<SquaredL2, NoQuantizer>(dimension), {}, 0);
    check(TypedField<InnerProduct, NoQuantizer>(dimension), {}, 0);
    check(TypedField<Cosine, NoQuantizer>(dimension), {.admitted = {admitted.data(), 1500}, .deleted = {}}, 300);
    check(TypedField<SquaredL2, NoQuantizer>(dimension), {.admitted = {few.data(), 1500}, .deleted = {}}, 15);
}
