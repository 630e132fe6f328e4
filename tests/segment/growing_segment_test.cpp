#include "sextant/segment/growing_segment.hpp"

#include "segment/segment_support.hpp"
#include "support/catch.hpp"
#include "support/vector_access.hpp"

using namespace sextant;
using namespace test_support;

TEST_CASE("a growing segment holds what was appended, bit for bit", "[growing_segment]") {
    SegmentBench bench;
    for (std::uint64_t i = 0; i < 3000; ++i) bench.add(PointId{i * 3}, i % 2 == 0 ? "even" : "");
    const SegmentState state = bench.state();
    REQUIRE(state.row_count == 3000);
    for (std::uint32_t row = 0; row < 3000; ++row) {
        REQUIRE(state.ids[row] == PointId{row * 3ULL});
        REQUIRE(text(state.payload(row, bench.at())) == (row % 2 == 0 ? "even" : ""));
        const auto expected = SegmentBench::vector_of(row);
        const auto got = test_support::vector_of(state.segment->field(0), RowId{row}, 4);
        REQUIRE(std::equal(got.begin(), got.end(), expected.begin(), expected.end()));
    }
}

TEST_CASE("rows never move while a growing segment grows", "[growing_segment]") {
    SegmentBench bench;
    bench.add(PointId{0});
    const auto first = [&bench] {
        QueryScratch scratch;
        const RowId row{0};
        return bench.segment->field(0).vectors().read({&row, 1}, scratch).value().vector(0, 4, nullptr).data();
    };
    const float* const before = first();
    const std::uint64_t* ids = bench.state().ids.integers;
    for (std::uint64_t i = 1; i < 9000; ++i) bench.add(PointId{i});
    CHECK(first() == before);
    CHECK(bench.state().ids.integers == ids);
}

TEST_CASE("a growing segment that is refused memory at any point is as it was", "[growing_segment]") {
    SegmentBench bench;
    for (std::uint64_t i = 0; i < 100; ++i) bench.add(PointId{i});
    std::uint64_t refusals = 0;
    for (std::uint64_t granted = 0;; ++granted) {
        bench.account.refuse_after(granted);
        const auto reserved = bench.segment->reserve({.rows = 9'900, .payload_bytes = 1'000'000, .any_payload = true});
        if (reserved.has_value()) break;
        ++refusals;
        REQUIRE(reserved.error().code == ErrorCode::resource_exhausted);
        REQUIRE(bench.segment->row_count() == 100);
        for (std::uint64_t i = 0; i < 100; ++i)
            REQUIRE(find(bench.state(), PointId{i}) == RowId{static_cast<std::uint32_t>(i)});
    }
    CHECK(refusals >= 3);
    bench.account.refuse_after(MemoryAccount::unlimited);
    bench.add(PointId{100}, "x");
    CHECK(find(bench.state(), PointId{100}) == RowId{100});
}

TEST_CASE("a growing segment gives every byte back", "[growing_segment]") {
    SegmentBench bench;
    for (std::uint64_t i = 0; i < 2000; ++i) bench.add(PointId{i}, "payload");
    bench.kill(*bench.segment, {1, 2, 3});
    bench.change(*bench.segment, 9, "changed");
    CHECK(bench.account.used() > 2000 * 40);
    bench.segment.reset();
    CHECK(bench.account.used() == 0);
}

TEST_CASE("bytes of a growing segment add up to what is charged", "[growing_segment]") {
    SegmentBench bench;
    for (std::uint64_t i = 0; i < 5000; ++i) bench.add(PointId{i}, "payload");
    bench.kill(*bench.segment, {1});
    const SegmentBytes bytes = bench.segment->bytes();
    const std::uint64_t sum = bytes.fields.vectors + bytes.fields.codes + bytes.fields.graph + bytes.fields.other +
                              bytes.ids + bytes.versions + bytes.id_map + bytes.payloads + bytes.overlay +
                              bytes.tombstones;
    CHECK(static_cast<double>(sum) == Approx(static_cast<double>(bench.account.used())).epsilon(0.02));
}
