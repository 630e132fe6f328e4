// Growing rows: codes that appear, catch up and are trained again; memory that is refused.
#include "support/catch.hpp"
#include "support/field_fixture.hpp"
#include "support/vector_access.hpp"

using namespace sextant;
using namespace test_support;

namespace {

bool same_vector(VectorView a, VectorView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

double recall_over(const VectorField& field, const Growing& growing, const Vectors& vectors, std::size_t first) {
    FieldScratch scratch;
    double recall = 0.0;
    for (std::size_t q = 0; q < 20; ++q) {
        const VectorView query = vectors[first + q * 7];
        recall += recall_of(found_by(*growing.rows, growing.count, {.vector = query, .count = 10, .ef = 100}, scratch),
                            oracle(field, vectors, query, 10)) /
                  20.0;
    }
    return recall;
}

}  // namespace

TEST_CASE("vectors come back bit for bit, under cosine too", "[segment]") {
    const std::size_t dimension = GENERATE(as<std::size_t>{}, 1, 3, 17, 65, 100);
    const Vectors vectors = normal_vectors(1500, dimension, 5, 7.0F);
    const TypedField<Cosine, ScalarQuantizer> field(dimension);
    Growing growing(field, 2000);
    growing.append(vectors);
    growing.link();
    MemoryAccount account("sealed");
    const auto sealed = try_seal(field, *growing.rows, growing.count, account).value();
    for (std::uint32_t r = 0; r < 1500; ++r) {
        REQUIRE(same_vector(vector_of(*growing.rows, RowId{r}, vectors.dimension), vectors[r]));
        REQUIRE(same_vector(vector_of(*sealed, RowId{r}, vectors.dimension), vectors[r]));
    }
}

TEST_CASE("codes are trained by the linker from 1,024 rows on and kept by appends", "[segment][kernel]") {
    const Vectors vectors = clustered_vectors(3000, 24, 1);
    const TypedField<SquaredL2, NoQuantizer> field(24);
    Growing growing(field, 4000);
    growing.append(vectors, 0, 1023);
    growing.link();
    CHECK(growing.inner().trained_count() == 0);
    CHECK(growing.rows->bytes().codes == 0);
    CHECK(growing.rows->indexed_rows() == 1023);
    growing.append(vectors, 1023, 1024);
    CHECK(growing.inner().trained_count() == 0);
    growing.link();
    CHECK(growing.inner().trained_count() == 1);
    CHECK(growing.rows->bytes().codes > 0);
    growing.append(vectors, 1024, 3000);
    FieldScratch scratch;
    FieldAnswer answer;
    static_cast<void>(
        found_by(*growing.rows, growing.count, {.vector = vectors[2999], .count = 5, .ef = 20}, scratch, &answer));
    CHECK(answer.plan == FieldPlan::graph_and_tail);
    CHECK(recall_over(field, growing, vectors, 2800) > 0.95);
    growing.link();
    CHECK(growing.inner().trained_count() == 1);  // rows like the first ones need no new codes
    CHECK(recall_over(field, growing, vectors, 0) > 0.95);
    CHECK(growing.rows->verify(growing.count, {}));
}

TEST_CASE("a first batch unlike the rest is trained over, and found before and after", "[segment][kernel]") {
    const float scale = GENERATE(30.0F, 0.02F);  // at 0.02 no step suits both: the field does without codes
    const Vectors first = clustered_vectors(1024, 16, 1);
    Vectors vectors = clustered_vectors(12'000, 16, 2);
    for (float& value : vectors.values) value = value * scale + 5.0F;
    std::copy(first.values.begin(), first.values.end(), vectors.values.begin());
    const TypedField<SquaredL2, ScalarQuantizer> field(16);
    Growing growing(field, 16'000);
    growing.append(vectors, 0, 1024);
    growing.link();
    CHECK(growing.inner().trained_count() == 1);
    growing.append(vectors, 1024, 6000);
    growing.link();
    growing.append(vectors, 6000, 12'000);
    growing.link();
    CHECK(growing.inner().trained_count() >= 2);
    CHECK(growing.inner().trained_count() <= 4);
    CHECK((growing.rows->bytes().codes >= 12'000 * 24) == (scale > 1.0F));
    CAPTURE(scale);
    CHECK(recall_over(field, growing, vectors, 9000) > 0.9);
    CHECK(growing.rows->verify(growing.count, {}));
}

TEST_CASE("a refused reservation leaves the field as it was", "[segment]") {
    const Vectors vectors = clustered_vectors(3000, 64, 1);
    const TypedField<Cosine, ScalarQuantizer> field(64);
    for (const bool with_codes : {false, true}) {
        Growing growing(field, 200'000, std::uint64_t{12} << 20U);
        growing.append(vectors, 0, with_codes ? 3000 : 500);
        growing.link();
        REQUIRE(growing.inner().trained_count() == (with_codes ? 1 : 0));
        const FieldBytes before = growing.rows->bytes();
        const std::uint64_t used = growing.account.used();
        const auto refused = growing.rows->reserve_rows(150'000);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::resource_exhausted);
        CHECK(growing.account.used() <= used);
        CHECK(growing.rows->bytes().vectors == before.vectors);
        CHECK(growing.rows->bytes().codes == before.codes);
        FieldScratch scratch;
        const auto found = found_by(*growing.rows, growing.count, {.vector = vectors[44], .count = 3}, scratch);
        REQUIRE(found.size() == 3);
        CHECK(found[0].row == RowId{44});
        growing.append(vectors, growing.count, growing.count + (with_codes ? 0U : 100U));
        CHECK(growing.rows->verify(growing.count, {}));
    }
}

TEST_CASE("every refused byte of growth is survived", "[segment]") {
    // The limit moves through the whole of what a field takes, so each allocation is refused once.
    const Vectors vectors = clustered_vectors(2500, 32, 1);
    const TypedField<Cosine, ScalarQuantizer> field(32, {.m = 8, .ef_construction = 40});
    for (std::uint64_t limit = 0; limit < (std::uint64_t{5} << 20U); limit += 96U << 10U) {
        MemoryAccount account("tight", limit);
        InlineExecutor executor;
        auto made = field.make_growing(4000, account);
        if (!made) {
            CHECK(made.error().code == ErrorCode::resource_exhausted);
            continue;
        }
        auto rows = std::move(made).value();
        std::uint32_t count = 0;
        for (; count < 2500; ++count) {
            if (count % 500 == 0) {
                const auto linked = rows->link(count, true, {key_of_row, {}, &executor, {}});
                if (!linked) CHECK(linked.error().code == ErrorCode::resource_exhausted);
            }
            if (!rows->reserve_rows(count + 1)) break;
            rows->append(RowId{count}, vectors[count]);
        }
        FieldScratch scratch;
        for (std::uint32_t r = 0; r < count; r += 97) {
            const auto found = found_by(*rows, count, {.vector = vectors[r], .count = 1, .ef = 50}, scratch);
            REQUIRE(found.size() == 1);
            CHECK(found[0].distance <= 1e-5F);
        }
        CHECK(rows->verify(count, {}));
        MemoryAccount sealed_account("sealed", limit);
        const auto sealed = try_seal(field, *rows, count, sealed_account);
        if (!sealed) {
            CHECK(sealed.error().code == ErrorCode::resource_exhausted);
            CHECK(sealed_account.used() == 0);
        }
    }
}

TEST_CASE("erased rows are healed around and stay out of answers", "[segment][kernel]") {
    const Vectors vectors = clustered_vectors(4000, 16, 1);
    const TypedField<SquaredL2, ScalarQuantizer> field(16);
    Growing growing(field, 5000);
    growing.append(vectors);
    growing.link();
    const auto bits = bits_of(5000, [](std::size_t r) { return r % 3 == 0; });
    const BitmapView deleted{bits.data(), 5000};
    std::vector<RowId> erased;
    for (std::uint32_t r = 0; r < 4000; r += 3) erased.push_back(RowId{r});
    growing.rows->repair(erased, growing.context(deleted)).value();
    CHECK(growing.rows->verify(growing.count, deleted));
    FieldScratch scratch;
    const RowFilter filter{.admitted = {}, .deleted = deleted};
    double recall = 0.0;
    for (std::uint32_t q = 0; q < 50; ++q) {
        const auto found = found_by(
            *growing.rows, growing.count,
            {.vector = vectors[q], .count = 10, .ef = 60, .filter = filter, .admitted_count = 4000 - erased.size()},
            scratch);
        const auto expected = oracle(field, vectors, vectors[q], 10, filter);
        REQUIRE(found.size() == 10);
        for (const Neighbor& neighbor : found) REQUIRE(to_index(neighbor.row) % 3 != 0);
        recall += recall_of(found, expected) / 50.0;
    }
    CHECK(recall > 0.9);
}
