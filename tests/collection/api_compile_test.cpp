// The public interface as a program uses it: names, shapes and conversions that must never change within a major version.
#include <sextant/sextant.hpp>
#include <type_traits>
#include <vector>

#include "sextant/fwd.hpp"
#include "support/catch.hpp"

namespace sx = sextant;

namespace {

using Photos = sx::Collection<sx::Cosine, sx::MemoryStorage, sx::ScalarQuantizer>;
using Cache = sx::Collection<sx::SquaredL2>;

static_assert(std::is_same_v<Cache, sx::Collection<sx::SquaredL2, sx::MemoryStorage, sx::NoQuantizer>>);
static_assert(std::is_nothrow_move_constructible_v<Photos> && std::is_nothrow_move_assignable_v<Photos>);
static_assert(!std::is_copy_constructible_v<Photos> && std::is_nothrow_destructible_v<Photos>);

// A PointId is made on purpose only.
static_assert(!std::is_convertible_v<std::uint64_t, sx::PointId> &&
              std::is_constructible_v<sx::PointId, std::uint64_t>);

// Value types are aggregates whose every member has a default.
static_assert(std::is_aggregate_v<sx::Hit> && std::is_aggregate_v<sx::Record> && std::is_aggregate_v<sx::Select>);
static_assert(std::is_aggregate_v<sx::Error> && std::is_aggregate_v<sx::SearchRequest> &&
              std::is_aggregate_v<sx::SearchResult>);
static_assert(std::is_aggregate_v<Photos::Options> && std::is_aggregate_v<sx::OpenOptions> &&
              std::is_aggregate_v<sx::ScrollRequest>);

// value() && gives a value, so that a range-for over a temporary result is safe.
static_assert(std::is_same_v<decltype(std::declval<sx::Result<sx::SearchResult>>().value()), sx::SearchResult>);
static_assert(std::is_same_v<decltype(std::declval<sx::Result<sx::SearchResult>&>().value()), sx::SearchResult&>);

std::vector<float> some_vector(float x) { return {x, 1.0F, 2.0F, 3.0F}; }

}  // namespace

TEST_CASE("the example of the first page compiles and does what it says", "[api]") {
    auto opened = Photos::open({.dimension = 4});
    REQUIRE(opened.has_value());
    Photos photos = std::move(opened).value();

    const std::vector<float> embedding = some_vector(1.0F);
    photos.upsert(sx::PointId{42}, embedding, {{"year", 2024}, {"place", {{"lat", 48.85}, {"lon", 2.35}}}}).value();

    sx::WriteBatch batch;
    const std::vector<float> v = some_vector(2.0F);
    const sx::Payload payload = {{"year", 2021}, {"tags", {"beach", "sun"}}};
    batch.upsert(sx::PointId{43}, v, payload);
    batch.erase(sx::PointId{7});
    photos.write(std::move(batch)).value();

    const std::vector<float> query = some_vector(2.1F);
    auto hits =
        photos
            .search(
                {.vector = query, .k = 10, .filter = sx::field("year") >= 2020 && sx::field("tags").matches("beach")})
            .value();
    REQUIRE(hits.size() == 1);
    for (const sx::Hit& hit : hits) {
        CHECK(hit.id == sx::PointId{43});
        CHECK(hit.score == Approx(1.0F).margin(0.01));
        CHECK(hit.payload == payload);
    }

    auto cache = sx::Collection<sx::SquaredL2>::open({.dimension = 128}).value();
    CHECK(cache.count().value() == 0);
}

TEST_CASE("every call can be written the short way", "[api]") {
    Cache cache =
        Cache::open({.dimension = 4, .index = {.m = 8, .ef_construction = 50, .seed = 7}, .deterministic = true})
            .value();
    const std::vector<float> v = some_vector(1.0F);
    const float plain[4] = {1, 2, 3, 4};

    const sx::Lsn first = cache.upsert(sx::PointId{1}, v).value();
    cache.upsert(sx::PointId{2}, plain, {{"a", 1}}).value();
    cache.upsert(sx::PointId::from_name("three"), std::span<const float>(v), sx::Payload()).value();
    const sx::Lsn second = cache.upsert_if(first, sx::PointId{1}, v, {{"a", 2}}).value();
    CHECK(second > first);

    const sx::Record record = cache.get(sx::PointId{1}).value();
    CHECK(record.version == second);
    CHECK(record.payload.at("a") == 2);
    CHECK(record.vector.empty());
    CHECK(cache.get(sx::PointId{1}, {.payload = false, .vector = true}).value().vector == v);
    const std::vector<sx::PointId> ids{sx::PointId{2}, sx::PointId{9}, sx::PointId{1}};
    CHECK(cache.get(ids).value().size() == 2);

    CHECK(cache.count(sx::field("a") == 1).value() == 1);
    CHECK(cache.count(sx::field("a") != 1).value() == 2);
    CHECK(cache.count(!(sx::field("a").matches(true))).value() == 3);
    CHECK(cache.set_payload(sx::PointId{1}, {{"b", "x"}}).value() == 1);
    CHECK(cache.overwrite_payload(ids, {{"c", nullptr}}).value() == 2);
    CHECK(cache.delete_payload_keys(sx::field("c").is_null(), {"c"}).value() == 2);
    CHECK(cache.clear_payload(sx::Filter::all()).value() == 3);

    const sx::ScrollPage page = cache.scroll({.limit = 2, .select = {.payload = false}}).value();
    CHECK(page.points.size() == 2);
    REQUIRE(page.next.has_value());
    CHECK(cache.scroll({.after = page.next}).value().points.size() == 1);

    for (const auto& hit : cache.search({.vector = v, .k = 3, .ef = 50, .select = {.vector = true}}).value()) {
        CHECK(hit.vector.size() == 4);
    }
    const std::vector<sx::SearchRequest> requests{{.vector = v, .k = 1}, {.vector = plain, .k = 2, .exact = true}};
    CHECK(cache.search_batch(requests).value().size() == 2);
    sx::SearchResult reused;
    cache.search_into({.vector = v, .k = 2, .score_threshold = 100.0F, .stop_token = {}}, reused).value();
    CHECK(reused[0].id == sx::PointId{1});
    CHECK_FALSE(reused.empty());

    sx::Task task = cache.start_optimize().value();
    task.wait().value();
    CHECK(task.progress() == 1.0);
    cache.wait_until_indexed().value();
    cache.verify(sx::Depth::full).value();
    CHECK(cache.stats().value().live_rows == 3);
    CHECK(Cache::estimate(1000, {.dimension = 4}).value().steady > 16'000);
    CHECK(cache.erase(sx::PointId{2}).value() == 1);
    CHECK(cache.erase(ids).value() == 1);
    CHECK(cache.erase(sx::Filter::all()).value() == 1);
    cache.flush().value();
    cache.close().value();
    CHECK(cache.count().error().code == sx::ErrorCode::closed);
}

TEST_CASE("errors can be returned, tested and thrown", "[api]") {
    const auto inner = []() -> sx::Result<std::uint64_t> {
        SEXTANT_TRY_ASSIGN(auto cache, Cache::open({.dimension = 4}));
        SEXTANT_TRY(cache.upsert(sx::PointId{1}, some_vector(0.0F)));
        return cache.count();
    };
    CHECK(inner().value() == 1);
    const auto refused = Cache::open({});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == sx::ErrorCode::invalid_argument);
    try {
        Cache::open({.dimension = 0}).value();
        FAIL("should have thrown");
    } catch (const sx::Error& error) {
        CHECK(error.message.find("dimension") != std::string::npos);
    }
}
