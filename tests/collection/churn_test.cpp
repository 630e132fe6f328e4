// Churn: half of the points erased, a third of the rest written again; every live point must find itself.
#include <set>

#include "collection/collection_support.hpp"
#include "support/catch.hpp"
#include "support/sanitized.hpp"

using namespace sextant;
using namespace test_support;

namespace {

/// Ids that a search with the point's own vector does not bring back.
template <class C>
std::vector<std::uint64_t> lost(const C& c, const std::vector<std::uint64_t>& live, const Vectors& vectors,
                                std::size_t ef, std::size_t& walked) {
    std::vector<std::uint64_t> out;
    SearchResult result;
    for (const std::uint64_t i : live) {
        c.search_into({.vector = vectors[i], .k = 10, .ef = ef, .select = {.payload = false}}, result).value();
        walked += result.plan.segments_by_graph > 0 ? 1U : 0U;
        const auto ids = ids_of(result);
        if (std::find(ids.begin(), ids.end(), PointId{i}) == ids.end()) out.push_back(i);
    }
    return out;
}

template <class C>
void churn(std::size_t count, std::size_t dimension, const OpenOptions& open) {
    Vectors vectors = clustered_vectors(count, dimension, 21);
    const Vectors others = clustered_vectors(count, dimension, 22);
    auto c = C::open({.dimension = dimension, .index = {.ef_construction = 100}}, open).value();
    fill(c, vectors);
    const bool sealed_first = GENERATE(false, true);
    if (sealed_first) c.optimize().value();
    Random random(23);
    std::set<std::uint64_t> live;
    for (std::uint64_t i = 0; i < count; ++i) live.insert(i);
    while (live.size() > count / 2) {
        const std::uint64_t i = random.below(count);
        if (live.erase(i) != 0) REQUIRE(c.erase(PointId{i}).value() == 1);
    }
    for (const std::uint64_t i : live) {
        if (random.below(10) >= 3) continue;
        std::copy(others[i].begin(), others[i].end(), vectors.row(i));
        c.upsert(PointId{i}, vectors[i]).value();
    }
    const std::vector<std::uint64_t> all(live.begin(), live.end());
    std::vector<std::uint64_t> thorough;  // looked for with a large ef, which takes time
    for (std::size_t i = 0; i < all.size(); i += sanitized ? 4 : 1) thorough.push_back(all[i]);
    REQUIRE(c.count().value() == all.size());
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round, sealed_first);
        std::size_t scanned = 0;
        CHECK(lost(c, thorough, vectors, 1024, scanned) == std::vector<std::uint64_t>{});
        std::size_t walked = 0;
        CHECK(lost(c, all, vectors, 100, walked).size() <= all.size() / 2000);  // 99.95 %
        // While half of the rows are dead, so few are scanned instead.
        if (round == 2 || all.size() > 4000) CHECK(walked == all.size());
        c.verify().value();
        if (round == 0) c.wait_until_indexed().value();
        if (round == 1) c.optimize().value();
    }
    CHECK(c.stats().value().dead_rows == 0);
}

}  // namespace

TEST_CASE("every live point finds itself after churn", "[churn]") { churn<L2>(4000, 16, inline_work()); }

TEST_CASE("every live point finds itself after churn, codes in sealed segments", "[churn]") {
    churn<AngleCodes>(8500, 16, inline_work());
}

TEST_CASE("every live point finds itself after churn with threads behind", "[churn][threads]") {
    churn<L2Codes>(3000, 16, threads(2));
}

TEST_CASE("every live point finds itself after churn, large", "[.][soak]") { churn<L2Codes>(100'000, 64, threads(2)); }

TEST_CASE("a point erased and inserted again is found", "[churn]") {
    auto c = L2::open({.dimension = 8}, inline_work()).value();
    const Vectors vectors = normal_vectors(2000, 8, 1);
    fill(c, vectors);
    for (std::uint64_t round = 0; round < 3; ++round) {
        for (std::uint64_t i = 0; i < 2000; i += 3) c.erase(PointId{i}).value();
        for (std::uint64_t i = 0; i < 2000; i += 3) c.upsert(PointId{i}, vectors[i]).value();
        for (std::uint64_t i = 0; i < 2000; ++i) {
            REQUIRE(c.search({.vector = vectors[i], .k = 1}).value()[0].id == PointId{i});
        }
    }
}
