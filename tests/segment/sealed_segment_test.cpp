#include "sextant/segment/sealed_segment.hpp"

#include "segment/segment_support.hpp"
#include "support/catch.hpp"
#include "support/vector_access.hpp"

using namespace sextant;
using namespace test_support;

namespace {

struct Sealed {
    explicit Sealed(SegmentBench& bench) : sources{bench.state()}, sealer(sources, bench.at()) {
        segment = sealer.build({bench.fields, &bench.account, &executor, {}}, [](double) {}).value();
    }
    [[nodiscard]] SegmentState state() const { return segment->state(segment); }

    InlineExecutor executor;
    std::vector<SegmentState> sources;
    SegmentSealer sealer;
    std::shared_ptr<SealedSegment> segment;
};

}  // namespace

TEST_CASE("sealing keeps every live row with its id, version, payload and vector", "[sealed_segment]") {
    const bool wide = GENERATE(false, true);
    SegmentBench bench(wide);
    for (std::uint64_t i = 0; i < 1500; ++i) {
        bench.add(wide && i % 2 == 1 ? PointId::from_name(std::to_string(i)) : PointId{i}, i % 3 == 0 ? "third" : "");
    }
    bench.kill(*bench.segment, {0, 63, 64, 700, 1499});
    bench.change(*bench.segment, 10, "changed");
    const SegmentState before = bench.state();
    Sealed sealed(bench);
    const SegmentState after = sealed.state();
    REQUIRE(after.row_count == 1495);
    REQUIRE(after.live_count == 1495);
    std::uint32_t next = 0;
    for (std::uint32_t row = 0; row < 1500; ++row) {
        if (!before.alive(row)) continue;
        REQUIRE(after.ids[next] == before.ids[row]);
        REQUIRE(find(after, before.ids[row]) == RowId{next});
        REQUIRE(after.version(next, bench.at()) == before.version(row, bench.at()));
        REQUIRE(text(after.payload(next, bench.at())) == text(before.payload(row, bench.at())));
        const auto old_vector = vector_of(before.segment->field(0), RowId{row}, 4);
        const auto new_vector = vector_of(after.segment->field(0), RowId{next}, 4);
        REQUIRE(old_vector == new_vector);
        ++next;
    }
    CHECK(after.ids.wide() == wide);
    CHECK(sealed.segment->field(0).indexed_rows() == 1495);
}

TEST_CASE("sealing drops wide ids when no UUID is left", "[sealed_segment]") {
    SegmentBench bench(true);
    bench.add(PointId{1});
    bench.add(PointId::from_name("gone"));
    bench.add(PointId{2});
    bench.kill(*bench.segment, {1});
    CHECK_FALSE(Sealed(bench).state().ids.wide());
}

TEST_CASE("what happened during a build is carried over", "[sealed_segment]") {
    SegmentBench bench;
    for (std::uint64_t i = 0; i < 200; ++i) bench.add(PointId{i}, "old");
    bench.kill(*bench.segment, {5, 100});
    bench.change(*bench.segment, 7, "before");
    Sealed sealed(bench);
    bench.kill(*bench.segment, {6, 199});
    bench.change(*bench.segment, 8, "during");
    bench.change(*bench.segment, 6, "of a dead row");
    SegmentSealer::LateChanges late;
    sealed.sealer.collect_late_changes(0, bench.state(), bench.at(), late);
    CHECK(late.dead == std::vector<std::uint32_t>{5, 197});
    REQUIRE(late.payloads.size() == 1);
    CHECK(late.payloads[0].row == 7);
    CHECK(text(late.payloads[0].change->blob()) == "during");
}

TEST_CASE("a sealed segment of which every row is kept gives its fields to the next", "[sealed_segment]") {
    SegmentBench bench;
    for (std::uint64_t i = 0; i < 500; ++i) bench.add(PointId{i}, "first");
    Sealed first(bench);
    bench.change(*first.segment, 7, "changed");
    bench.kill(*first.segment, {3, 499});
    const SegmentState state = first.state();
    const auto build = [&](const SegmentState& source) {
        const SegmentSealer sealer({&source, 1}, bench.at());
        auto built = sealer.build({bench.fields, &bench.account, &first.executor, {}}, [](double) {}).value();
        SegmentSealer::LateChanges late;
        sealer.collect_late_changes(0, state, bench.at(), late);
        return std::pair(built, late);
    };
    SegmentState whole = state;
    whole.deleted.reset();
    whole.live_count = whole.row_count;
    const auto [same, died] = build(whole);
    CHECK(&same->field(0) == &first.segment->field(0));
    CHECK(died.dead == std::vector<std::uint32_t>{3, 499});
    CHECK(died.payloads.empty());
    const SegmentState now = same->state(same);
    CHECK(text(now.payload(7, bench.at())) == "changed");
    CHECK(text(now.payload(8, bench.at())) == "first");
    CHECK(find(now, PointId{499}) == RowId{499});
    // Rows that are dropped change the numbers of those behind them.
    const auto [other, late] = build(state);
    CHECK(&other->field(0) != &first.segment->field(0));
    CHECK(late.dead.empty());
    const SegmentState fewer = other->state(other);
    CHECK(find(fewer, PointId{4}) == RowId{3});
    CHECK(vector_of(other->field(0), RowId{3}, 4) == vector_of(first.segment->field(0), RowId{4}, 4));
}

TEST_CASE("a build that is stopped or refused memory leaves nothing behind", "[sealed_segment]") {
    SegmentBench bench;
    for (std::uint64_t i = 0; i < 5000; ++i) bench.add(PointId{i}, "payload");
    const std::uint64_t used = bench.account.used();
    InlineExecutor executor;
    const std::vector<SegmentState> sources{bench.state()};
    const SegmentSealer sealer(sources, bench.at());
    SECTION("stopped") {
        std::stop_source stop;
        stop.request_stop();
        const auto built = sealer.build({bench.fields, &bench.account, &executor, stop.get_token()}, [](double) {});
        REQUIRE_FALSE(built.has_value());
        CHECK(built.error().code == ErrorCode::cancelled);
    }
    SECTION("refused at each charge in turn") {
        std::uint64_t granted = 0;
        for (;; ++granted) {
            bench.account.refuse_after(granted);
            const auto built = sealer.build({bench.fields, &bench.account, &executor, {}}, [](double) {});
            if (built.has_value()) break;
            REQUIRE(built.error().code == ErrorCode::resource_exhausted);
            REQUIRE(bench.account.used() == used);
        }
        CHECK(granted >= 6);
    }
    CHECK(bench.account.used() == used);
}
