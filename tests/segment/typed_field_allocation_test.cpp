// A search that has warmed up takes no memory from the heap.
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/field_fixture.hpp"

using namespace sextant;
using namespace test_support;

TEST_CASE("warm searches allocate nothing", "[segment][kernel]") {
    const Vectors vectors = clustered_vectors(4000, 40, 1);
    const Vectors queries = clustered_vectors(50, 40, 2);
    const auto admitted = bits_of(4000, [](std::size_t r) { return r % 2 == 0; });
    const auto check = [&](const auto& field) {
        Growing growing(field, 5000);
        growing.append(vectors);
        growing.rows->link(3500, false, growing.context()).value();
        const Sealed sealed(field, vectors);
        FieldScratch scratch;
        std::vector<Neighbor> out(400);
        std::vector<std::size_t> found(8);
        std::vector<FieldQuery> batch(8, {.count = 10, .exact = true});
        for (std::size_t q = 0; q < 8; ++q) batch[q].vector = queries[q];
        const auto round = [&] {
            for (std::size_t q = 0; q < queries.size(); ++q) {
                for (const FieldRows* rows : {static_cast<const FieldRows*>(sealed.rows.get()),
                                              static_cast<const FieldRows*>(growing.rows.get())}) {
                    FieldQuery query{.vector = queries[q], .count = 10, .ef = 100};
                    if (q % 5 == 1) query.count = 40;
                    if (q % 5 == 2) query.exact = true;
                    if (q % 5 == 3) {
                        query.filter.admitted = {admitted.data(), 4000};
                        query.admitted_count = 2000;
                    }
                    if (q % 5 == 4) query.oversampling = 3.0F;
                    static_cast<void>(rows->search(query, 4000, scratch, out));
                    if (q == 0) REQUIRE(rows->search_exact_batch(batch, 4000, scratch, out, found));
                }
            }
        };
        round();
        round();
        const std::uint64_t before = allocations_of_this_thread();
        round();
        const std::uint64_t after = allocations_of_this_thread();
        CHECK(after - before == 0);
    };
    check(TypedField<SquaredL2, ScalarQuantizer>(40));
    check(TypedField<InnerProduct, ScalarQuantizer>(40));
    check(TypedField<Cosine, ScalarQuantizer>(40));
    check(TypedField<Cosine, NoQuantizer>(40));
}
