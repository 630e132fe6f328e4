// Sealed rows of half floats: what they hold, what is found among them, what they take.
#include <bit>
#include <cmath>

#include "sextant/core/half.hpp"
#include "sextant/quantizer/half_vectors.hpp"
#include "sextant/segment/field_layout.hpp"
#include "sextant/segment/field_sealed.hpp"
#include "support/catch.hpp"
#include "support/custom_policies.hpp"
#include "support/field_fixture.hpp"
#include "support/vector_access.hpp"

using namespace sextant;
using namespace test_support;
using sextant::test::Manhattan;

namespace {

constexpr HnswParams params{.m = 8, .ef_construction = 48, .seed = 7};

Vectors rounded(Vectors vectors) {
    REQUIRE(detail::round_to_halves(vectors.values, vectors.values.data()));
    return vectors;
}

bool same_bits(VectorView a, VectorView b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
        return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
    });
}

double recall_among(const VectorField& field, const FieldRows& rows, const Vectors& vectors, const Vectors& queries) {
    FieldScratch scratch;
    double recall = 0.0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        FieldQuery query{.vector = queries[q], .count = 10, .ef = 100, .admitted_count = vectors.size()};
        recall += recall_of(found_by(rows, static_cast<std::uint32_t>(vectors.size()), query, scratch),
                            oracle(field, vectors, queries[q], 10));
    }
    return recall / static_cast<double>(queries.size());
}

/// Every way to search gives distances of the rounded vectors.
void check_distances(const VectorField& field, const FieldRows& rows, const Vectors& vectors, const Vectors& queries) {
    const auto count = static_cast<std::uint32_t>(vectors.size());
    FieldScratch scratch;
    std::vector<FieldQuery> batch;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const FieldQuery query{.vector = queries[q], .count = 10, .ef = 100, .admitted_count = count};
        for (const Neighbor& found : found_by(rows, count, query, scratch)) {
            const float expected = field.distance(queries[q], vectors[to_index(found.row)]);
            REQUIRE(found.distance == Approx(expected).epsilon(1e-5).margin(1e-5));
        }
        batch.push_back(query);
        batch.back().exact = true;
        const auto exact = found_by(rows, count, batch.back(), scratch);
        CHECK(same_answer(exact, oracle(field, vectors, queries[q], 10)));
    }
    std::vector<Neighbor> out(batch.size() * 10);
    std::vector<std::size_t> found(batch.size());
    REQUIRE(rows.search_exact_batch(batch, count, scratch, out, found));
    for (std::size_t q = 0; q < batch.size(); ++q) {
        REQUIRE(found[q] == 10);
        const auto first = out.begin() + static_cast<std::ptrdiff_t>(q * 10);
        CHECK(same_answer({first, first + 10}, oracle(field, vectors, queries[q], 10)));
    }
    // Under a filter that admits few, and one that admits most.
    for (const std::size_t step : {50U, 3U}) {
        const auto admitted = bits_of(count, [step](std::size_t r) { return r % step == 0; });
        FieldQuery query{.vector = queries[0], .count = 10, .ef = 100};
        query.filter.admitted = {admitted.data(), count};
        query.admitted_count = (count + step - 1) / step;
        query.exact = true;
        CHECK(same_answer(found_by(rows, count, query, scratch), oracle(field, vectors, queries[0], 10, query.filter)));
    }
}

template <class M, class Q>
void check_field(const typename Q::Options& options, std::size_t dimension) {
    const TypedField<M, Q> halves(dimension, params, options, RawPrecision::F16);
    const TypedField<M, Q> floats(dimension, params, options);
    CHECK(halves.raw_precision() == RawPrecision::F16);
    CHECK(floats.raw_precision() == RawPrecision::F32);
    const Vectors vectors = rounded(clustered_vectors(3000, dimension, 21));
    const Vectors queries = clustered_vectors(25, dimension, 22);
    const Sealed sealed(halves, vectors);
    const Sealed reference(floats, vectors);
    REQUIRE(sealed.count == 3000);
    for (std::uint32_t r = 0; r < 3000; ++r) {
        REQUIRE(same_bits(vector_of(*sealed.rows, RowId{r}, dimension), vectors[r]));
    }
    check_distances(halves, *sealed.rows, vectors, queries);
    CHECK(sealed.rows->verify(3000, {}));
    CHECK(recall_among(halves, *sealed.rows, vectors, queries) >=
          recall_among(floats, *reference.rows, vectors, queries) - 0.02);
    const FieldSections sections = sealed.rows->sections();
    CHECK(sections.raw == RawPrecision::F16);
    CHECK(sections.vector_stride == detail::raw_stride(dimension, RawPrecision::F16));
    // What they are made with are the same floats.
    const FieldSections same = reference.rows->sections();
    CHECK(sections.codebook == same.codebook);
    CHECK(sections.lossless == same.lossless);
    REQUIRE(sections.codes.size() == same.codes.size());
    if (!same.codes.empty()) CHECK(std::ranges::equal(sections.codes[0], same.codes[0]));
    if (sections.vectors.size() == 2) CHECK(std::ranges::equal(sections.vectors[1], same.vectors[1]));
    CHECK(sealed.rows->bytes().vectors < reference.rows->bytes().vectors * 6 / 10);
    // A further seal, of halves, changes none of them.
    const auto dropped = bits_of(3000, [](std::size_t r) { return r % 3 == 1; });
    MemoryAccount account("again");
    const auto again = try_seal(halves, *sealed.rows, 3000, account, {.dropped = {dropped.data(), 3000}}).value();
    for (std::uint32_t r = 0; r < 1000; ++r) {
        REQUIRE(same_bits(vector_of(*again, RowId{2 * r}, dimension), vectors[3 * r]));
    }
    CHECK(again->verify(2000, {}));
}

template <class M>
void check_quantizers() {
    check_field<M, NoQuantizer>({}, 21);
    check_field<M, ScalarQuantizer>({}, 32);
    check_field<M, ScalarQuantizer>({.bits = 4}, 30);
    check_field<M, ProductQuantizer>({.subvectors = 16}, 32);
    check_field<M, RabitqQuantizer>({}, 40);
}

}  // namespace

TEST_CASE("sealed rows of half floats answer as their floats do: squared Euclidean", "[segment][kernel]") {
    check_quantizers<SquaredL2>();
}

TEST_CASE("sealed rows of half floats answer as their floats do: inner product", "[segment]") {
    check_quantizers<InnerProduct>();
}

TEST_CASE("sealed rows of half floats answer as their floats do: cosine", "[segment][kernel]") {
    check_quantizers<Cosine>();
}

TEST_CASE("sealed rows of half floats answer as their floats do: a metric of the user's", "[segment]") {
    check_field<Manhattan, NoQuantizer>({}, 12);
    check_field<Manhattan, ScalarQuantizer>({}, 12);
}

TEST_CASE("codes that decode to whole numbers are lossless over half floats too", "[segment]") {
    const Vectors vectors = pixel_vectors(2000, 24, 5);
    const TypedField<SquaredL2, ScalarQuantizer> field(24, params, {}, RawPrecision::F16);
    const TypedField<SquaredL2, ScalarQuantizer> floats(24, params);
    const Sealed sealed(field, vectors);
    const Sealed reference(floats, vectors);
    CHECK(reference.rows->sections().lossless);
    CHECK(sealed.rows->sections().lossless);
    CHECK(sealed.rows->verify(2000, {}));
}

TEST_CASE("a seal of half floats rounds what nobody rounded, and refuses what no half is near to", "[segment]") {
    Vectors vectors = clustered_vectors(600, 9, 3);
    const TypedField<Cosine, ScalarQuantizer> field(9, params, {}, RawPrecision::F16);
    {
        const Sealed sealed(field, vectors);
        const Vectors expected = rounded(vectors);
        for (std::uint32_t r = 0; r < 600; ++r) {
            REQUIRE(same_bits(vector_of(*sealed.rows, RowId{r}, 9), expected[r]));
        }
        CHECK(sealed.rows->verify(600, {}));  // norms are those of the rounded vectors
    }
    vectors.row(417)[8] = -65'520.0F;
    Growing growing(field, 601);
    growing.append(vectors);
    MemoryAccount account("sealed");
    const auto refused = try_seal(field, *growing.rows, 600, account);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid_argument);
    CHECK(refused.error().message.find("row 417") != std::string::npos);
    CHECK(account.used() == 0);
}

TEST_CASE("zero vectors and subnormal halves keep their meaning under cosine", "[segment][kernel]") {
    Vectors vectors = rounded(normal_vectors(400, 16, 8));
    std::fill_n(vectors.row(5), 16, 0.0F);
    std::fill_n(vectors.row(6), 16, -0.0F);
    std::fill_n(vectors.row(7), 16, 0x1.0p-24F);
    std::fill_n(vectors.row(8), 16, 65'504.0F);
    const TypedField<Cosine, NoQuantizer> field(16, params, {}, RawPrecision::F16);
    const Sealed sealed(field, vectors);
    for (const std::uint32_t row : {5U, 6U, 7U, 8U}) {
        CHECK(same_bits(vector_of(*sealed.rows, RowId{row}, 16), vectors[row]));
    }
    CHECK(sealed.rows->verify(400, {}));
    FieldScratch scratch;
    const std::vector<float> ones(16, 1.0F);
    const FieldQuery query{.vector = ones, .count = 400, .exact = true, .admitted_count = 400};
    const auto found = found_by(*sealed.rows, 400, query, scratch);
    REQUIRE(found.size() == 400);
    for (const Neighbor& neighbor : found) {
        const std::uint32_t row = to_index(neighbor.row);
        if (row == 5 || row == 6) CHECK(neighbor.distance == 1.0F);
        if (row == 7 || row == 8) CHECK(neighbor.distance == Approx(0.0F).margin(1e-6));
    }
    // A query whose products with rows are no floats.
    const std::vector<float> huge(16, 3e37F);
    check_distances(TypedField<InnerProduct, NoQuantizer>(16),
                    *Sealed(TypedField<InnerProduct, NoQuantizer>(16, params, {}, RawPrecision::F16), vectors).rows,
                    vectors, Vectors{16, huge});
}

TEST_CASE("a forecast of half floats is within 5 % of what they take, and its peak within 10 %", "[segment]") {
    const auto check = [](const VectorField& field, std::size_t dimension, std::uint32_t rows) {
        CAPTURE(dimension, rows);
        const Vectors vectors = rounded(clustered_vectors(rows, dimension, 1));
        Growing growing(field, rows + 1);
        growing.append(vectors);
        MemoryAccount account("sealed");
        const auto sealed = try_seal(field, *growing.rows, rows, account).value();
        const FieldBytes forecast = field.estimate(rows);
        const FieldBytes real = sealed->bytes();
        CHECK(static_cast<double>(forecast.vectors) == Approx(static_cast<double>(real.vectors)).epsilon(0.05));
        CHECK(static_cast<double>(forecast.vectors + forecast.codes + forecast.graph + forecast.other) ==
              Approx(static_cast<double>(account.used())).epsilon(0.05));
        CHECK(static_cast<double>(forecast.peak) == Approx(static_cast<double>(account.peak())).epsilon(0.10));
    };
    check(TypedField<SquaredL2, ScalarQuantizer>(100, {}, {}, RawPrecision::F16), 100, 6000);
    check(TypedField<Cosine, NoQuantizer>(128, {}, {}, RawPrecision::F16), 128, 5000);
}

TEST_CASE("rows of half floats lie half as far apart, but for the padding of lines", "[segment]") {
    using detail::raw_stride;
    CHECK(raw_stride(784, RawPrecision::F16) == 1600);
    CHECK(raw_stride(100, RawPrecision::F16) == 200);
    CHECK(raw_stride(128, RawPrecision::F16) == 256);
    CHECK(raw_stride(3, RawPrecision::F16) == 6);
    CHECK(raw_stride(1, RawPrecision::F16) == 2);
    CHECK(raw_stride(784, RawPrecision::F32) == detail::float_stride(784));
}
