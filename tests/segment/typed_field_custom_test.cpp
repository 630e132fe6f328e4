// Policies a user wrote: a metric without a kernel, a quantizer of 16 bits, a metric over unit vectors.
#include "support/catch.hpp"
#include "support/custom_policies.hpp"
#include "support/field_fixture.hpp"

using namespace sextant;
using namespace sextant::test;
using namespace test_support;

namespace {

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
