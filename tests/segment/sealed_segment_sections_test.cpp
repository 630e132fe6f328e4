// The worked example of docs/format/sections.md, section by section.
#include <array>
#include <cstring>
#include <string>

#include "segment/segment_support.hpp"
#include "sextant/segment/sealed_segment.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace sextant;
using namespace test_support;

namespace {

std::string hex_of(const void* begin, std::size_t size) { return to_hex({static_cast<const std::byte*>(begin), size}); }

std::shared_ptr<SealedSegment> seal(SegmentBench& bench) {
    InlineExecutor executor;
    const std::vector<SegmentState> sources{bench.state()};
    return SegmentSealer(sources, bench.at())
        .build({bench.fields, &bench.account, &executor, {}}, [](double) {})
        .value();
}

/// An id where the bench's counter would give it this version.
void add(SegmentBench& bench, const PointId& id, std::uint64_t version, std::string_view payload) {
    bench.lsn = version - 1;
    bench.add(id, payload);
}

}  // namespace

TEST_CASE("sections of narrow ids have the bytes of the worked example", "[sealed_segment][format]") {
    SegmentBench bench;
    add(bench, PointId{5}, 1, "ab");
    add(bench, PointId{7}, 2, "");
    add(bench, PointId{258}, 9, "c");
    const auto segment = seal(bench);
    const SegmentState state = segment->state(segment);
    REQUIRE(state.row_count == 3);
    CHECK(hex_of(state.ids.integers, 24) == "050000000000000007000000000000000201000000000000");
    CHECK(hex_of(state.versions, 24) == "010000000000000002000000000000000900000000000000");
    CHECK(hex_of(state.payloads.ends, 24) == "020000000000000002000000000000000300000000000000");
    CHECK(text(state.payload(0, bench.at())) == "ab");
    CHECK(text(state.payload(2, bench.at())) == "c");

    // r = 2 bits of row, 30 bits of hash; the first slot of an id is floor(h * 5 / 2^64), or the next that is free.
    const auto slots = state.id_table->section();
    REQUIRE(slots.size() == 5 * 4);
    std::array<std::uint32_t, 5> expected;
    expected.fill(0xFFFFFFFFU);
    const PointId ids[] = {PointId{5}, PointId{7}, PointId{258}};
    for (std::uint32_t row = 0; row < 3; ++row) {
        const std::uint64_t hash = ids[row].hash();
        const std::uint64_t low = (hash & 0xFFFFFFFFU) * 5;
        auto slot = static_cast<std::size_t>(((hash >> 32U) * 5 + (low >> 32U)) >> 32U);
        while (expected[slot] != 0xFFFFFFFFU) slot = (slot + 1) % 5;
        expected[slot] = static_cast<std::uint32_t>(hash << 2U) | row;
    }
    CHECK(to_hex(slots) == hex_of(expected.data(), sizeof expected));

    for (const void* const section :
         {static_cast<const void*>(state.ids.integers), static_cast<const void*>(state.versions),
          static_cast<const void*>(state.payloads.ends), static_cast<const void*>(slots.data())}) {
        CHECK(reinterpret_cast<std::uintptr_t>(section) % 64 == 0);
    }
}

TEST_CASE("sections of wide ids hold UUIDs as written and integers big-endian", "[sealed_segment][format]") {
    SegmentBench bench(true);
    const PointId uuid = PointId::parse("00112233-4455-6677-8899-aabbccddeeff").value();
    bench.add(uuid);
    bench.add(PointId{258});
    const auto segment = seal(bench);
    const SegmentState state = segment->state(segment);
    REQUIRE(state.ids.wide());
    CHECK(hex_of(state.ids.bytes, 32) == "00112233445566778899aabbccddeeff00000000000000000000000000000102");
    CHECK(hex_of(state.ids.kinds, 2) == "0100");
    CHECK(state.payloads.ends == nullptr);
}
