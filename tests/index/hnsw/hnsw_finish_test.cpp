#include "sextant/index/hnsw/hnsw_finish.hpp"

#include <algorithm>
#include <cstring>
#include <stop_token>
#include <vector>

#include "index/support/test_rows.hpp"
#include "support/catch.hpp"

namespace sextant::test {
namespace {

std::uint32_t rows_missed(TestGraph& graph, const TestRows& rows, std::size_t ef) {
    std::uint32_t missed = 0;
    for (std::uint32_t r = 0; r < rows.count(); ++r) {
        const auto found = graph.search(rows.row(r), 1, ef);
        missed += found.empty() || found[0].distance > 0.0F ? 1U : 0U;
    }
    return missed;
}

/// Rows that none of the rows they link to links to.
std::vector<std::uint32_t> outsiders(const HnswIndex& index) {
    const auto bytes = index.sections().level0;
    std::vector<std::uint32_t> links(bytes.size() / 4);
    std::memcpy(links.data(), bytes.data(), bytes.size());
    const std::size_t degree = 2 * index.params().m;
    const auto list = [&](std::uint32_t row) { return std::span(links).subspan(row * degree, degree); };
    std::vector<std::uint32_t> out;
    for (std::uint32_t row = 0; row < index.linked(); ++row) {
        const bool known = std::any_of(list(row).begin(), list(row).end(), [&](std::uint32_t near) {
            return near < index.linked() && std::find(list(near).begin(), list(near).end(), row) != list(near).end();
        });
        if (!known) out.push_back(row);
    }
    return out;
}

/// Asks for a stop when it is used for the n-th time.
class StoppingExecutor final : public Executor {
public:
    explicit StoppingExecutor(std::stop_source& source) : source_(source) {}
    void stop_after(std::size_t uses) { left_ = uses; }
    void submit(std::function<void()> job) override { job(); }
    [[nodiscard]] std::size_t parallelism() const noexcept override {
        if (left_ != 0 && --left_ == 0) source_.request_stop();
        return 0;
    }

private:
    std::stop_source& source_;
    mutable std::size_t left_ = 0;
};

TEST_CASE("finishing leads searches into clusters that they missed", "[index]") {
    const TestRows rows = TestRows::clustered(12000, 24, 150, 1);
    TestGraph graph(rows, {.m = 8, .ef_construction = 40});
    REQUIRE(graph.link(rows.count()).has_value());
    const std::uint32_t before = rows_missed(graph, rows, 24);
    REQUIRE(graph.finish().has_value());
    const std::uint32_t after = rows_missed(graph, rows, 24);
    CAPTURE(before, after);
    CHECK(before > 100);  // or the data show nothing
    CHECK(after * 4 < before);
}

TEST_CASE("finishing leads back to rows that their own neighbours passed over", "[index]") {
    const TestRows rows = TestRows::clustered(6000, 64, 20, 6);  // in many dimensions some rows are nobody's closest
    TestGraph graph(rows, {.m = 4, .ef_construction = 40});
    REQUIRE(graph.link(rows.count()).has_value());
    REQUIRE(graph.finish().has_value());
    CHECK(outsiders(graph.index).size() <= 4);  // 41 without
    CHECK(rows_missed(graph, rows, 512) == 0);  // 17 without
}

TEST_CASE("finishing finds more with the same pool", "[index]") {
    const TestRows rows = TestRows::uniform(4000, 16, 2);
    const TestRows queries = TestRows::uniform(200, 16, 3);
    TestGraph graph(rows, {.m = 16, .ef_construction = 40});
    REQUIRE(graph.link(rows.count()).has_value());
    const double before = graph.recall(queries, 10, 20);
    REQUIRE(graph.finish().has_value());
    CHECK(graph.recall(queries, 10, 20) > before + 0.005);
}

TEST_CASE("finishing keeps to the rows that live, and every one stays reachable", "[index]") {
    TestRows rows = TestRows::clustered(3000, 8, 20, 4);
    rows.append(TestRows::equal(600, 8));
    Bits deleted(rows.count());
    for (std::uint32_t r = 0; r < rows.count(); r += 3) deleted.set(r);
    TestGraph graph(rows, {.m = 6, .ef_construction = 24});
    REQUIRE(graph.link(rows.count()).has_value());
    graph.deleted = deleted.view();
    REQUIRE(graph.finish().has_value());
    const auto audit = graph.index.audit(deleted.view()).value();
    CHECK(audit.reachable_live_rows == audit.live_rows);
    CHECK(audit.live_rows == 2400);
}

TEST_CASE("a finish that is stopped leaves a graph that answers", "[index]") {
    const TestRows rows = TestRows::uniform(5000, 8, 5);
    const std::size_t uses = GENERATE(0U, 1U, 2U, 5U);
    std::stop_source source;
    StoppingExecutor executor(source);
    TestGraph graph(rows, {.m = 8, .ef_construction = 40}, &executor);
    REQUIRE(graph.link(rows.count()).has_value());
    executor.stop_after(uses);
    if (uses == 0) source.request_stop();
    graph.stop = source.get_token();
    const auto finished = graph.finish();
    REQUIRE_FALSE(finished.has_value());
    CHECK(finished.error().code == ErrorCode::cancelled);
    const auto audit = graph.index.audit({}).value();
    CHECK(audit.reachable_live_rows == 5000);
    graph.stop = {};
    REQUIRE(graph.finish().has_value());
    CHECK(graph.index.audit({}).value().reachable_live_rows == 5000);
}

/// Counts how often distances from another row are asked for after a stop, which comes with the n-th time.
struct StoppingRows {
    const TestRows& rows;
    std::stop_source source = {};
    std::size_t until_stop = 0;
    std::size_t after_stop = 0;
    PairScorer inner = {};

    PairScorer scorer(QueryScratch& scratch) {
        inner = rows.pair_factory()(scratch);
        const auto bind = [](void* state, RowId from) noexcept {
            auto* self = static_cast<StoppingRows*>(state);
            self->inner.bind(from);
            if (self->until_stop == 0) ++self->after_stop;
            if (self->until_stop != 0 && --self->until_stop == 0) self->source.request_stop();
        };
        const auto score = [](const void* state, const RowId* list, std::size_t count, float* out) noexcept {
            static_cast<const StoppingRows*>(state)->inner.score({list, count}, {out, count});
        };
        return {this, bind, score, [](const void*, RowId) noexcept {}};
    }
};

TEST_CASE("a finish and a copy end a few lists after a stop", "[index]") {
    const TestRows rows = TestRows::uniform(5000, 8, 5);
    InlineExecutor executor;
    MemoryAccount account("test");
    std::vector<std::uint32_t> numbers(rows.count(), to_index(no_row));
    std::uint32_t kept = 0;
    for (std::uint32_t r = 0; r < rows.count(); ++r) {
        if (r % 5 != 0) numbers[r] = kept++;
    }
    const bool copies = GENERATE(false, true);
    const std::size_t stop_at = GENERATE(1U, 100U, 3000U, 10'000U, 15'000U);
    CAPTURE(copies, stop_at);
    TestGraph graph(rows, {.m = 8, .ef_construction = 40});
    REQUIRE(graph.link(rows.count()).has_value());
    StoppingRows stopping{.rows = rows, .until_stop = stop_at};
    const auto scorers = [&](QueryScratch& scratch) { return stopping.scorer(scratch); };
    const auto key = [](RowId row) { return std::uint64_t{to_index(row)} * 77; };
    const HnswBuild build{scorers, key, {}, &executor, stopping.source.get_token()};
    const auto done = copies
                          ? HnswIndex::from_rows(graph.index, numbers, kept, rows.count(), account, build).error().code
                          : graph.index.finish(build).error().code;
    CHECK(stopping.until_stop == 0);
    CHECK(done == ErrorCode::cancelled);
    CHECK(stopping.after_stop <= 300);  // of 16 lists: the row itself and those it chooses among
}

}  // namespace
}  // namespace sextant::test
