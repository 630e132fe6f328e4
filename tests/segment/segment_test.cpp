#include "sextant/segment/segment.hpp"

#include "segment/segment_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

TEST_CASE("a state finds a point that was written again after it", "[segment]") {
    SegmentBench bench;
    for (std::uint64_t i = 0; i < 100; ++i) bench.add(PointId{i});
    const SegmentState before = bench.state();
    bench.add(PointId{42});
    bench.kill(*bench.segment, {42});
    const SegmentState after = bench.state();
    CHECK(find(before, PointId{42}) == RowId{42});
    CHECK(find(after, PointId{42}) == RowId{100});
    CHECK(before.live_count == 100);
    CHECK(after.live_count == 100);
}

TEST_CASE("a state does not find a point that came after it or was erased before it", "[segment]") {
    SegmentBench bench;
    for (std::uint64_t i = 0; i < 10; ++i) bench.add(PointId{i});
    bench.kill(*bench.segment, {3});
    const SegmentState before = bench.state();
    bench.add(PointId{3});
    bench.add(PointId{77});
    CHECK(find(before, PointId{3}) == no_row);
    CHECK(find(before, PointId{77}) == no_row);
    CHECK(find(bench.state(), PointId{3}) == RowId{10});
    CHECK_FALSE(before.alive(3));
    CHECK_FALSE(before.alive(10));
    CHECK(before.dead_count() == 1);
}

TEST_CASE("payload and version are those of the reader's own version", "[segment]") {
    SegmentBench bench;
    bench.add(PointId{1}, "row");
    const SegmentState first = bench.state();
    const Lsn first_at = bench.at();
    bench.change(*bench.segment, 0, "changed");
    const SegmentState second = bench.state();
    const Lsn second_at = bench.at();
    bench.change(*bench.segment, 0, "");
    const SegmentState third = bench.state();
    CHECK(text(first.payload(0, first_at)) == "row");
    CHECK(first.version(0, first_at) == Lsn{1});
    CHECK(text(second.payload(0, second_at)) == "changed");
    CHECK(second.version(0, second_at) == Lsn{2});
    CHECK(text(third.payload(0, bench.at())).empty());
    CHECK(third.version(0, bench.at()) == Lsn{3});
}
