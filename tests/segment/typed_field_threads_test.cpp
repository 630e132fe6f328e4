// Appending, linking, repairing and searching at once.
#include <atomic>
#include <thread>

#include "support/catch.hpp"
#include "support/field_fixture.hpp"

using namespace sextant;
using namespace test_support;

namespace {

/// One appender, one linker, readers; the row count is published as a segment does it.
void run(const Vectors& vectors, std::uint32_t readers, std::size_t rows_per_publication) {
    const auto total = static_cast<std::uint32_t>(vectors.size());
    const TypedField<Cosine, ScalarQuantizer> field(vectors.dimension, {.m = 8, .ef_construction = 40});
    Growing growing(field, total);
    std::atomic<std::uint32_t> published{0};
    std::atomic<bool> linked_all{false};
    std::atomic<std::uint64_t> failures{0};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        for (std::uint32_t r = 0; r < total;) {
            const auto end = std::min<std::uint32_t>(total, r + static_cast<std::uint32_t>(rows_per_publication));
            if (!growing.rows->reserve_rows(end)) failures.fetch_add(1);
            for (; r < end; ++r) growing.rows->append(RowId{r}, vectors[r]);
            published.store(end, std::memory_order_release);
        }
    });
    threads.emplace_back([&] {
        ThreadPoolExecutor pool(1);
        std::vector<std::uint64_t> dead(total / 64 + 1);
        while (true) {
            const std::uint32_t rows = published.load(std::memory_order_acquire);
            const FieldLinkContext context{key_of_row, {dead.data(), total}, &pool, {}};
            if (!growing.rows->link(rows, rows == total, context)) failures.fetch_add(1);
            if (rows > 64 && rows < total / 2) {
                const RowId erased[] = {RowId{rows / 2}};
                __atomic_fetch_or(&dead[rows / 128], std::uint64_t{1} << (rows / 2 % 64), __ATOMIC_RELAXED);
                if (!growing.rows->repair(erased, context)) failures.fetch_add(1);
            }
            if (rows == total) break;
            std::this_thread::yield();
        }
        linked_all.store(true);
    });
    for (std::uint32_t t = 0; t < readers; ++t) {
        threads.emplace_back([&, t] {
            FieldScratch scratch;
            std::vector<Neighbor> out(10);
            std::vector<Neighbor> batch_out(40);
            std::vector<std::size_t> batch_found(4);
            for (std::uint32_t round = 0; !linked_all.load() || round < 20; ++round) {
                const std::uint32_t rows = published.load(std::memory_order_acquire);
                if (rows == 0) continue;
                const std::uint32_t asked = (round * 7919 + t * 104'729) % rows;
                FieldQuery query{.vector = vectors[asked], .count = 10, .ef = 40, .exact = round % 16 == 3};
                std::vector<std::uint64_t> admitted;
                if (round % 8 == 5) {
                    admitted = bits_of(rows, [&](std::size_t r) { return r % 2 == asked % 2; });
                    query.filter.admitted = {admitted.data(), rows};
                    query.admitted_count = asked % 2 == 0 ? (rows + 1) / 2 : rows / 2;
                }
                const FieldAnswer answer = growing.rows->search(query, rows, scratch, out);
                bool right =
                    answer.found == std::min<std::size_t>(10, query.filter.admits_all() ? rows : query.admitted_count);
                for (std::size_t i = 0; i < answer.found; ++i) {
                    right = right && to_index(out[i].row) < rows && query.filter(out[i].row);
                    const auto read = growing.rows->vectors().read({&out[i].row, 1}, scratch.query);
                    right = right && read &&
                            read->vector(0, vectors.dimension, nullptr)[0] == vectors[to_index(out[i].row)][0];
                }
                if (round % 32 == 9) {
                    const std::vector<FieldQuery> queries(4, {.vector = vectors[asked], .count = 10, .exact = true});
                    right = right && growing.rows->search_exact_batch(queries, rows, scratch, batch_out, batch_found) &&
                            batch_found[3] == std::min<std::size_t>(10, rows) && batch_out[0].distance < 1e-4F;
                }
                static_cast<void>(growing.rows->bytes());
                static_cast<void>(growing.rows->indexed_rows());
                if (!right) failures.fetch_add(1);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(failures.load() == 0);
    CHECK(growing.rows->indexed_rows() == total);
    growing.count = total;
    std::size_t self = 0;
    FieldScratch scratch;
    for (std::uint32_t r = 0; r < total; r += 11) {
        const auto found = found_by(*growing.rows, total, {.vector = vectors[r], .count = 1, .ef = 100}, scratch);
        self += !found.empty() && found[0].distance < 1e-5F ? 1U : 0U;
    }
    CHECK(static_cast<double>(self) >= 0.97 * (total / 11.0));
}

}  // namespace

TEST_CASE("rows are appended, linked, repaired and searched at once", "[segment][threads]") {
    run(clustered_vectors(3000, 16, 1), 2, 50);
}

TEST_CASE("codes are trained again under running searches", "[segment][threads]") {
    Vectors vectors = clustered_vectors(6000, 16, 1);
    // Under cosine the head is trained on directions: turn the later rows away from the first.
    for (std::size_t r = 1100; r < 6000; ++r) {
        for (std::size_t d = 0; d < 16; ++d) vectors.row(r)[d] = d == 3 ? vectors[r][d] * 40.0F : vectors[r][d];
    }
    run(vectors, 2, 37);
}

TEST_CASE("many readers beside one appender and one linker", "[.][soak][segment][threads]") {
    for (int round = 0; round < 5; ++round) run(clustered_vectors(20'000, 24, 3), 6, 17);
}
