#include "sextant/collection/stats.hpp"

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

TEST_CASE("stats count live and dead rows by segment", "[stats]") {
    auto c = L2::open({.dimension = 8}, inline_work()).value();
    fill(c, normal_vectors(600, 8, 1));
    c.optimize().value();
    const Vectors more = normal_vectors(700, 8, 1);
    fill(c, more, 600);
    c.erase(PointId{1}).value();
    c.upsert(PointId{2}, more[0]).value();
    const Stats stats = c.stats().value();
    CHECK(stats.live_rows == 699);
    CHECK(stats.dead_rows == 2);
    REQUIRE(stats.segments.size() == 2);
    CHECK(stats.segments[0].phase == SegmentPhase::sealed);
    CHECK(stats.segments[0].live_rows == 598);
    CHECK(stats.segments[0].dead_rows == 2);
    CHECK(stats.segments[0].indexed_rows == 600);
    CHECK(stats.segments[1].phase == SegmentPhase::growing);
    CHECK(stats.segments[1].live_rows == 101);
    CHECK(stats.tail_rows == 101);
    CHECK_FALSE(stats.background_error.has_value());
}

TEMPLATE_TEST_CASE("parts add up to what the account was charged", "[stats]", L2, L2Codes, AngleCodes) {
    MemoryAccount memory("test");
    auto c =
        TestType::open({.dimension = 32}, {.executor = std::make_shared<InlineExecutor>(), .memory = &memory}).value();
    fill(c, normal_vectors(6000, 32, 1), 0, true);
    for (int round = 0; round < 2; ++round) {
        const Stats stats = c.stats().value();
        CHECK(stats.memory_used == memory.used());
        CHECK(stats.memory_peak == memory.peak());
        CHECK(static_cast<double>(stats.bytes.total()) == Approx(static_cast<double>(memory.used())).epsilon(0.02));
        c.optimize().value();
    }
}

TEMPLATE_TEST_CASE("an estimate is within 5 % of the steady state and 10 % of the peak", "[stats]", L2, L2Codes, Angles,
                   AngleCodes) {
    const auto [points, dimension] =
        GENERATE(table<std::size_t, std::size_t>({{20'000, 16}, {8'000, 200}, {12'000, 96}}));
    CAPTURE(points, dimension);
    const RawPrecision raw = dimension == 200 ? GENERATE(RawPrecision::F32, RawPrecision::F16) : RawPrecision::F32;
    CAPTURE(static_cast<int>(raw));
    MemoryAccount memory("test");
    const typename TestType::Options options{
        .dimension = dimension, .index = {.m = 16, .ef_construction = 24}, .raw = raw};
    const MemoryEstimate estimate = TestType::estimate(points, options).value();
    auto c = TestType::open(options, {.executor = std::make_shared<InlineExecutor>(), .memory = &memory}).value();
    fill(c, clustered_vectors(points, dimension, 1));
    c.optimize().value();
    CHECK(static_cast<double>(estimate.steady) == Approx(static_cast<double>(memory.used())).epsilon(0.05));
    CHECK(static_cast<double>(estimate.peak) == Approx(static_cast<double>(memory.peak())).epsilon(0.10));
    CHECK(estimate.parts.total() == estimate.steady);
}

TEST_CASE("a collection that is rewritten again and again stays small", "[stats]") {
    MemoryAccount memory("test");
    auto c = L2::open({.dimension = 32, .index = {.m = 8, .ef_construction = 16}},
                      {.executor = std::make_shared<InlineExecutor>(), .memory = &memory})
                 .value();
    const Vectors vectors = normal_vectors(3000, 32, 1);
    fill(c, vectors);
    c.optimize().value();
    const std::uint64_t fresh = memory.used();
    for (int cycle = 0; cycle < 12; ++cycle) fill(c, vectors);
    CHECK(c.count().value() == 3000);
    CHECK(c.stats().value().seals + c.stats().value().merges > 3);
    c.optimize().value();
    CHECK(memory.used() <= fresh + fresh / 10);
    c.verify().value();
}

TEST_CASE("what an empty collection is estimated at is nothing", "[stats]") {
    CHECK(L2::estimate(0, {.dimension = 4}).value().steady == 0);
}

TEST_CASE("an estimate whose bytes fit no number is refused", "[stats]") {
    CHECK(L2::estimate(std::uint64_t{1} << 40U, {.dimension = 1024}).value().steady > std::uint64_t{1} << 52U);
    for (const std::uint64_t points : {std::uint64_t{1} << 52U, ~std::uint64_t{0}}) {
        const auto refused = L2Codes::estimate(points, {.dimension = 1024});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::invalid_argument);
        CHECK(mentions(refused.error(), "points"));
    }
}

TEST_CASE("what is kept for searches is charged, and given up where the account has no room", "[stats]") {
    const Vectors vectors = normal_vectors(20'000, 8, 1);
    MemoryAccount memory("test");
    auto c = L2::open({.dimension = 8}, {.executor = std::make_shared<InlineExecutor>(), .memory = &memory}).value();
    fill(c, vectors);
    c.optimize().value();
    const std::uint64_t before = memory.used();
    CHECK(c.stats().value().bytes.scratch == 0);
    c.search({.vector = vectors[5], .k = 10, .ef = 2000}).value();
    const std::uint64_t scratch = c.stats().value().bytes.scratch;
    CHECK(scratch > 2000 * 8 + 20'000 / 8);
    CHECK(memory.used() == before + scratch);
    c.search({.vector = vectors[6], .k = 10, .ef = 2000}).value();
    CHECK(memory.used() == before + scratch);
    CHECK(c.get(PointId{5}, {.payload = true, .vector = true}).value().vector.size() == 8);
    CHECK(c.stats().value().bytes.scratch == scratch);

    memory.refuse_after(0);
    const auto found = c.search({.vector = vectors[5], .k = 10, .ef = 40'000, .offset = 20'000}).value();
    CHECK(found.size() == 0);
    CHECK(found.complete);
    CHECK(memory.used() == before);
    CHECK(ids_of(c.search({.vector = vectors[5], .k = 1}).value()) == std::vector{PointId{5}});
    memory.refuse_after(MemoryAccount::unlimited);
    c.search({.vector = vectors[5], .k = 10}).value();
    CHECK(memory.used() > before);
    c.close().value();
    CHECK(memory.used() == 0);
}
