// Searching: thresholds, offsets, filters, plans, batches, stopping, and that nothing is allocated.
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>

#include "collection/collection_support.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

/// Points at 0, 1, 2 … on a line.
template <class C>
C line(std::size_t count, bool sealed, bool payload = true) {
    auto c = C::open({.dimension = 2}, inline_work()).value();
    Vectors vectors{2, std::vector<float>(count * 2)};
    for (std::size_t i = 0; i < count; ++i) vectors.row(i)[0] = static_cast<float>(i);
    fill(c, vectors, 0, payload);
    if (sealed) c.optimize().value();
    return c;
}

std::vector<PointId> range(std::uint64_t begin, std::uint64_t end) {
    std::vector<PointId> ids;
    for (std::uint64_t i = begin; i < end; ++i) ids.push_back(PointId{i});
    return ids;
}

const std::vector<float> origin{-1.0F, 0.0F};

}  // namespace

TEST_CASE("an offset skips the best and the pages fit together", "[search]") {
    const bool sealed = GENERATE(false, true);
    const auto c = line<L2>(3000, sealed);
    CHECK(ids_of(c.search({.vector = origin, .k = 10, .offset = 0}).value()) == range(0, 10));
    CHECK(ids_of(c.search({.vector = origin, .k = 10, .offset = 10}).value()) == range(10, 20));
    CHECK(ids_of(c.search({.vector = origin, .k = 10, .exact = true, .offset = 2995}).value()) == range(2995, 3000));
    CHECK(c.search({.vector = origin, .k = 10, .exact = true, .offset = 4000}).value().empty());
}

TEST_CASE("a threshold is an upper bound for distances and a lower one for similarities", "[search]") {
    const bool sealed = GENERATE(false, true);
    const auto c = line<L2Codes>(3000, sealed);
    for (const bool exact : {false, true}) {
        const auto near = c.search({.vector = origin, .k = 100, .exact = exact, .score_threshold = 20.5F}).value();
        CHECK(ids_of(near) == range(0, 20));
        CHECK(near.complete);
        const auto cut = c.search({.vector = origin, .k = 5, .exact = exact, .score_threshold = 20.5F}).value();
        CHECK(ids_of(cut) == range(0, 5));
        CHECK_FALSE(cut.complete);
        const auto just = c.search({.vector = origin, .k = 20, .exact = exact, .score_threshold = 20.5F}).value();
        CHECK(just.size() == 20);
        CHECK(just.complete);
        CHECK(c.search({.vector = origin, .k = 5, .exact = exact, .score_threshold = 0.5F}).value().empty());
        CHECK(c.search({.vector = origin, .k = 5, .exact = exact, .score_threshold = -1.0F}).value().empty());
    }
    auto angles = Angles::open({.dimension = 2}, inline_work()).value();
    for (std::uint64_t i = 0; i < 90; ++i) {
        const float a = static_cast<float>(i) * 0.0174532925F;
        angles.upsert(PointId{i}, std::vector<float>{std::cos(a), std::sin(a)}).value();
    }
    if (sealed) angles.optimize().value();
    const std::vector<float> x{1, 0};
    CHECK(ids_of(angles.search({.vector = x, .k = 90, .score_threshold = 0.5F + 1e-6F}).value()) == range(0, 60));
}

TEST_CASE("a threshold that nothing can reach gives a complete, empty answer", "[search]") {
    constexpr float beyond = std::numeric_limits<float>::infinity();
    const auto vectors = test_support::normal_vectors(50, 4, 1);
    const auto empty = [&](auto collection, float threshold) {
        test_support::fill(collection, vectors);
        const auto none = collection.search({.vector = vectors[0], .k = 10, .score_threshold = threshold}).value();
        CHECK(none.empty());
        CHECK(none.complete);
        // The other end lets everything pass, of which ten are not all.
        const auto all = collection.search({.vector = vectors[0], .k = 10, .score_threshold = -threshold}).value();
        CHECK(all.size() == 10);
        CHECK_FALSE(all.complete);
    };
    empty(Products::open({.dimension = 4}, inline_work()).value(), beyond);
    empty(Angles::open({.dimension = 4}, inline_work()).value(), beyond);
    empty(L2::open({.dimension = 4}, inline_work()).value(), -beyond);
}

TEST_CASE("a filtered search returns only what passes and all of it when few pass", "[search]") {
    const bool sealed = GENERATE(false, true);
    const auto c = line<L2Codes>(5000, sealed);
    for (const bool exact : {false, true}) {
        const auto some = c.search({.vector = origin, .k = 10, .filter = field("n") >= 4000, .exact = exact}).value();
        CHECK(ids_of(some) == range(4000, 4010));
        CHECK(some.plan.filtered);
        CHECK(some.plan.admitted == 1000);
        const auto few = c.search({.vector = origin, .k = 10, .filter = field("n") >= 4997, .exact = exact}).value();
        CHECK(ids_of(few) == range(4997, 5000));
        CHECK(few.complete);
        const auto by_id = c.search({.vector = origin,
                                     .k = 10,
                                     .filter = has_id({PointId{7}, PointId{70}, PointId{9999}}),
                                     .exact = exact})
                               .value();
        CHECK(ids_of(by_id) == std::vector<PointId>{PointId{7}, PointId{70}});
        const auto none = c.search({.vector = origin, .k = 10, .filter = field("m").exists(), .exact = exact}).value();
        CHECK(none.empty());
        CHECK(none.plan.segments_skipped == 1);
    }
}

TEST_CASE("the plan says how segments were searched", "[search]") {
    auto c = line<L2Codes>(5000, true);
    const auto graph = c.search({.vector = origin, .k = 10}).value();
    CHECK(graph.plan.segments_by_graph == 1);
    CHECK_FALSE(graph.plan.filtered);
    CHECK(graph.plan.admitted == 5000);
    CHECK(graph.visited > 0);
    CHECK(graph.visited < 5000);
    const auto exact = c.search({.vector = origin, .k = 10, .exact = true}).value();
    CHECK(exact.plan.segments_scanned == 1);
    CHECK(exact.visited >= 5000);
    c.upsert(PointId{100'000}, std::vector<float>{1e6F, 0}).value();
    const auto both = c.search({.vector = origin, .k = 10}).value();
    CHECK(both.plan.segments_by_graph + both.plan.segments_scanned == 2);
}

TEST_CASE("ties rank by id, whichever segment the points lie in", "[search]") {
    auto c = L2::open({.dimension = 1}, inline_work()).value();
    const std::vector<float> one{1};
    for (const std::uint64_t id : {9U, 3U, 7U}) c.upsert(PointId{id}, one).value();
    c.optimize().value();
    for (const std::uint64_t id : {8U, 2U, 6U}) c.upsert(PointId{id}, one).value();
    CHECK(ids_of(c.search({.vector = one, .k = 6}).value()) ==
          std::vector<PointId>{PointId{2}, PointId{3}, PointId{6}, PointId{7}, PointId{8}, PointId{9}});
}

TEST_CASE("select decides what comes along", "[search]") {
    const auto c = line<L2>(10, true);
    const auto nothing = c.search({.vector = origin, .k = 1, .select = {.payload = false}}).value();
    CHECK(nothing[0].payload.is_null());
    CHECK(nothing[0].vector.empty());
    const auto all = c.search({.vector = origin, .k = 1, .select = {.payload = true, .vector = true}}).value();
    CHECK(all[0].payload == Payload{{"n", 0}});
    CHECK(all[0].vector == std::vector<float>{0, 0});
}

TEST_CASE("a batch of searches answers as each of them alone", "[search][kernel]") {
    const bool sealed = GENERATE(false, true);
    const auto c = line<L2Codes>(3000, sealed);
    const Vectors queries = normal_vectors(40, 2, 3, 1000.0F);
    const Filter shared = field("n") < 1500;
    std::vector<SearchRequest> requests;
    for (std::size_t i = 0; i < queries.size(); ++i) {
        SearchRequest request{.vector = queries[i], .k = 3 + i % 2, .exact = i % 4 != 0};
        if (i % 3 == 0) request.filter = shared;
        if (i % 5 == 0) request.score_threshold = 50.0F;
        if (i % 7 == 0) request.offset = 2;
        request.select.vector = i % 2 == 0;
        requests.push_back(request);
    }
    const auto results = c.search_batch(requests).value();
    REQUIRE(results.size() == requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto alone = c.search(requests[i]).value();
        REQUIRE(ids_of(results[i]) == ids_of(alone));
        REQUIRE(results[i].complete == alone.complete);
        for (std::size_t h = 0; h < alone.size(); ++h) {
            REQUIRE(results[i][h].score == alone[h].score);
            REQUIRE(results[i][h].payload == alone[h].payload);
            REQUIRE(results[i][h].vector == alone[h].vector);
        }
    }
    CHECK(c.search_batch({}).value().empty());
}

TEST_CASE("a search that is stopped says that it is not complete", "[search]") {
    const auto c = line<L2>(5000, GENERATE(false, true));
    std::stop_source stop;
    stop.request_stop();
    for (const bool exact : {false, true}) {
        const auto stopped =
            c.search({.vector = origin, .k = 10, .exact = exact, .stop_token = stop.get_token()}).value();
        CHECK_FALSE(stopped.complete);
    }
    const std::vector<SearchRequest> requests(3, {.vector = origin, .exact = true, .stop_token = stop.get_token()});
    for (const auto& result : c.search_batch(requests).value()) CHECK_FALSE(result.complete);
}

TEST_CASE("a request that is stopped does not cut the others of its batch short", "[search]") {
    const auto c = line<L2>(5000, GENERATE(false, true));
    std::stop_source stop;
    stop.request_stop();
    for (const bool filtered : {false, true}) {
        std::vector<SearchRequest> requests(4, {.vector = origin, .exact = true});
        if (filtered) {
            const Filter shared = field("n") >= 0;
            for (auto& request : requests) request.filter = shared;
        }
        requests[0].stop_token = stop.get_token();
        const auto results = c.search_batch(requests).value();
        CHECK_FALSE(results[0].complete);
        for (std::size_t i = 1; i < requests.size(); ++i) {
            CHECK(results[i].complete);
            CHECK(ids_of(results[i]) == range(0, 10));
        }
    }
}

TEST_CASE("a larger ef makes up for codes that are coarse where most rows lie", "[search][kernel]") {
    // One step for all rows: it is chosen by the long ones, and most rows are a tenth as long.
    Vectors vectors = normal_vectors(8000, 32, 71);
    for (std::size_t r = 0; r < vectors.size(); ++r) {
        const float length = r % 10 == 0 ? 10.0F : 0.25F;
        for (std::size_t d = 0; d < 32; ++d) vectors.row(r)[d] *= length;
    }
    auto c = L2Codes::open({.dimension = 32}, inline_work()).value();
    fill(c, vectors);
    c.optimize().value();
    double found = 0.0;
    for (std::size_t q = 1; q <= 50; ++q) {
        const auto query = vectors[q * 101];
        const auto exact = c.search({.vector = query, .k = 10, .exact = true}).value();
        found += recall(c.search({.vector = query, .k = 10, .ef = 400}).value(), exact) / 50.0;
    }
    CHECK(found >= 0.99);
}

TEMPLATE_TEST_CASE("a warm search allocates nothing", "[search]", L2, L2Codes, Angles, AngleCodes, Products) {
    auto c = TestType::open({.dimension = 16}, inline_work()).value();
    const Vectors vectors = normal_vectors(5000, 16, 4);
    fill(c, vectors);
    for (int round = 0; round < 3; ++round) {
        SearchResult result;
        const auto search_all = [&] {
            for (std::size_t i = 0; i < 100; ++i) {
                SearchRequest request{
                    .vector = vectors[i], .k = 10, .exact = i % 10 == 0, .select = {.payload = false}};
                request.select.vector = i % 2 == 0;
                if (i % 3 == 0) request.score_threshold = 0.5F;
                c.search_into(request, result).value();
            }
        };
        search_all();
        const std::uint64_t before = allocations_of_this_thread();
        search_all();
        CHECK(allocations_of_this_thread() - before == 0);
        if (round == 0) c.wait_until_indexed().value();
        if (round == 1) c.optimize().value();
    }
}
