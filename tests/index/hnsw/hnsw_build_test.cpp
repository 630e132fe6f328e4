#include "sextant/index/hnsw/hnsw_build.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "index/support/test_rows.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1 {
namespace {

using test::Bits;
using test::TestGraph;
using test::TestRows;

std::vector<std::byte> bytes_of(const HnswIndex& index) {
    const HnswSections sections = index.sections();
    std::vector<std::byte> bytes(sections.level0.begin(), sections.level0.end());
    bytes.insert(bytes.end(), sections.upper.begin(), sections.upper.end());
    return bytes;
}

TEST_CASE("batches depend on the row alone, grow with the graph, and cover every row once", "[index]") {
    std::uint32_t row = 0;
    std::uint32_t batches = 0;
    while (row < 100000) {
        const std::uint32_t end = detail::batch_end(row);
        REQUIRE(end > row);
        REQUIRE(end - row <= std::max(1U, row / 16));
        REQUIRE(end - row <= 256);
        REQUIRE(detail::batch_end(end - 1) == end);
        row = end;
        ++batches;
    }
    CHECK(batches < 800);
}

TEST_CASE("the bytes of a graph do not depend on the number of threads", "[index]") {
    const TestRows rows = TestRows::clustered(6000, 8, 50, 3);
    TestGraph alone(rows);
    REQUIRE(alone.link(rows.count()).has_value());
    const auto linked = bytes_of(alone.index);
    REQUIRE(alone.finish().has_value());
    const auto finished = bytes_of(alone.index);
    CHECK(finished.size() > linked.size());
    for (const std::size_t threads : {1U, 2U, 8U}) {
        ThreadPoolExecutor executor(threads);
        TestGraph together(rows, {}, &executor);
        REQUIRE(together.link(rows.count()).has_value());
        CHECK(bytes_of(together.index) == linked);
        REQUIRE(together.finish().has_value());
        CHECK(bytes_of(together.index) == finished);
    }
}

TEST_CASE("linking in many calls gives the same bytes as in one", "[index]") {
    const TestRows rows = TestRows::uniform(3000, 8, 3);
    TestGraph once(rows);
    REQUIRE(once.link(rows.count()).has_value());
    TestGraph often(rows);
    for (std::uint32_t count = 0; count < rows.count(); count += 37) {
        REQUIRE(often.link(count, false).has_value());
        REQUIRE(often.index.linked() <= count);
        REQUIRE(detail::batch_end(often.index.linked()) > count);
    }
    REQUIRE(often.link(rows.count(), true).has_value());
    CHECK(bytes_of(once.index) == bytes_of(often.index));
}

TEST_CASE("another seed gives another graph, of the same quality", "[index]") {
    const TestRows rows = TestRows::uniform(2000, 8, 3);
    TestGraph one(rows, {.m = 8, .ef_construction = 60, .seed = 1});
    TestGraph two(rows, {.m = 8, .ef_construction = 60, .seed = 2});
    REQUIRE(one.link(rows.count()).has_value());
    REQUIRE(two.link(rows.count()).has_value());
    REQUIRE(one.finish().has_value());
    REQUIRE(two.finish().has_value());
    CHECK(bytes_of(one.index) != bytes_of(two.index));
    CHECK(two.recall(TestRows::uniform(50, 8, 77), 10, 100) > 0.97);
}

TEST_CASE("every row is reachable after every batch", "[index]") {
    TestRows rows = TestRows::clustered(1500, 4, 30, 3);
    rows.append(TestRows::equal(1500, 4));
    TestGraph graph(rows);
    for (std::uint32_t count = 1; count <= rows.count(); count += 31) {
        REQUIRE(graph.link(count, true).has_value());
        const auto audit = graph.index.audit({}).value();
        REQUIRE(audit.live_rows == count);
        REQUIRE(audit.reachable_live_rows == count);
    }
}

TEST_CASE("deleted rows are not linked to", "[index]") {
    const TestRows rows = TestRows::uniform(2000, 6, 3);
    Bits deleted(rows.count());
    for (std::uint32_t r = 0; r < rows.count(); r += 3) deleted.set(r);
    TestGraph graph(rows);
    graph.deleted = deleted.view();
    REQUIRE(graph.link(rows.count()).has_value());
    const auto audit = graph.index.audit(deleted.view()).value();
    CHECK(audit.live_rows == 1333);
    CHECK(audit.reachable_live_rows == 1333);
    const auto level0 = graph.index.sections().level0;
    for (std::size_t i = 0; i < level0.size(); i += 4) {
        std::uint32_t id = 0;
        std::memcpy(&id, level0.data() + i, 4);
        REQUIRE((id == to_index(no_row) || !deleted.test(id)));
    }
    CHECK(graph.recall(TestRows::uniform(50, 6, 4), 10, 100, {{}, deleted.view()}) > 0.97);
}

TEST_CASE("rows after nothing but deleted ones make a graph of their own", "[index]") {
    const TestRows rows = TestRows::uniform(600, 6, 3);
    Bits deleted(rows.count());
    for (std::uint32_t r = 0; r < 500; ++r) deleted.set(r);
    const bool after = GENERATE(false, true);  // deleted after they were linked, or before
    TestGraph graph(rows);
    if (after) REQUIRE(graph.link(500).has_value());
    graph.deleted = deleted.view();
    REQUIRE(graph.link(rows.count()).has_value());
    const auto audit = graph.index.audit(deleted.view()).value();
    CHECK(audit.live_rows == 100);
    CHECK(audit.reachable_live_rows == 100);
    CHECK(graph.recall(TestRows::uniform(20, 6, 4), 10, 100, {{}, deleted.view()}) > 0.99);
}

TEST_CASE("a build that is stopped holds whole batches and goes on where it stopped", "[index]") {
    const TestRows rows = TestRows::uniform(4000, 6, 3);
    TestGraph whole(rows);
    REQUIRE(whole.link(rows.count()).has_value());

    const std::size_t threads = GENERATE(0U, 2U);
    InlineExecutor inline_executor;
    ThreadPoolExecutor pool(std::max<std::size_t>(threads, 1));
    TestGraph graph(rows, {}, threads == 0 ? static_cast<Executor*>(&inline_executor) : &pool);
    std::stop_source source;
    const auto factory = rows.pair_factory();
    const auto key = [&](RowId row) {
        if (to_index(row) == 2500) source.request_stop();  // in the middle of the build
        return std::uint64_t{to_index(row)} * 77;
    };
    Executor* executor = threads == 0 ? static_cast<Executor*>(&inline_executor) : &pool;
    const auto stopped = graph.index.link(rows.count(), true, {factory, key, {}, executor, source.get_token()});
    REQUIRE_FALSE(stopped.has_value());
    CHECK(stopped.error().code == ErrorCode::cancelled);
    CHECK(graph.index.linked() <= 2500);
    CHECK(graph.index.linked() >= 2000);
    const auto audit = graph.index.audit({}).value();
    CHECK(audit.reachable_live_rows == graph.index.linked());
    REQUIRE(graph.link(rows.count()).has_value());
    CHECK(bytes_of(graph.index) == bytes_of(whole.index));
}

TEST_CASE("memory that is refused leaves the graph as it was", "[index]") {
    const TestRows rows = TestRows::uniform(30000, 2, 3);
    TestGraph graph(rows, {.m = 16, .ef_construction = 16}, nullptr, std::uint64_t{2} << 20U);
    const auto refused = graph.link(rows.count());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(refused.error().message.find("graph") != std::string::npos);
    const std::uint32_t linked = graph.index.linked();
    CHECK(linked > 4000);
    CHECK(linked < 16000);
    CHECK(graph.index.audit({}).value().reachable_live_rows == linked);
    CHECK(graph.account().used() <= graph.account().limit());
    const auto again = graph.link(rows.count());
    CHECK_FALSE(again.has_value());
    CHECK(graph.index.linked() == linked);
    for (std::uint32_t r = 0; r < linked; r += 97) CHECK(graph.search(rows.row(r), 1, 50)[0].row == RowId{r});
}

TEST_CASE("searches run beside the linker and see only published rows", "[index]") {
    const TestRows rows = TestRows::uniform(6000, 8, 3);
    const TestRows queries = TestRows::uniform(64, 8, 4);
    ThreadPoolExecutor executor(2);
    TestGraph graph(rows, {.m = 8, .ef_construction = 40}, &executor);
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> searches{0};
    std::atomic<std::uint64_t> failures{0};
    std::vector<std::thread> readers;
    for (int t = 0; t < 2; ++t) {
        readers.emplace_back([&, t] {
            HnswScratch scratch;
            for (std::uint32_t i = static_cast<std::uint32_t>(t); !done.load(); ++i) {
                const std::uint32_t before = graph.index.linked();
                const TestRows::State state{&rows, queries.row(i % queries.count())};
                std::vector<Neighbor> out(10);
                SearchCounters counters;
                const std::size_t found =
                    graph.index.search(TestRows::scorer(state), {}, {40, nullptr}, scratch, out, counters);
                const std::uint32_t after = graph.index.linked();
                bool good = found >= std::min<std::size_t>(before, 10) || before < 10;
                for (std::size_t j = 0; j < found; ++j) good = good && to_index(out[j].row) < after;
                for (std::size_t j = 1; j < found; ++j) good = good && out[j - 1] < out[j];
                failures += good ? 0 : 1;
                ++searches;
            }
        });
    }
    for (std::uint32_t count = 500; count <= rows.count(); count += 500) {
        REQUIRE(graph.link(count, true).has_value());
        std::vector<RowId> erased;
        for (std::uint32_t r = count - 500; r < count; r += 50) erased.push_back(RowId{r});
        REQUIRE(graph.repair(erased).has_value());
    }
    while (searches.load() < 10) std::this_thread::yield();
    done = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(failures.load() == 0);
}

}  // namespace
}  // namespace sextant::inline v1
