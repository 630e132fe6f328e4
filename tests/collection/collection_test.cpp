#include "sextant/collection/collection.hpp"

#include <cmath>

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace sextant::inline v1 {
template class Collection<SquaredL2>;
template class Collection<InnerProduct>;
template class Collection<Cosine>;
template class Collection<SquaredL2, MemoryStorage, ScalarQuantizer>;
template class Collection<InnerProduct, MemoryStorage, ScalarQuantizer>;
template class Collection<Cosine, MemoryStorage, ScalarQuantizer>;
}  // namespace sextant::inline v1

TEMPLATE_TEST_CASE("a vector comes back bit for bit, before and after sealing", "[collection]", L2, L2Codes, Angles,
                   AngleCodes, Products) {
    const Vectors vectors = normal_vectors(2500, 17, 3, 100.0F);
    auto c = TestType::open({.dimension = 17}, inline_work()).value();
    fill(c, vectors);
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < vectors.size(); ++i) {
            const auto got = c.get(PointId{i}, {.vector = true}).value().vector;
            REQUIRE(std::equal(got.begin(), got.end(), vectors[i].begin(), vectors[i].end()));
        }
        c.optimize().value();
    }
}

TEMPLATE_TEST_CASE("searches find the true neighbours, growing, linked and sealed", "[collection][kernel]", L2, L2Codes,
                   Angles, AngleCodes, Products) {
    const Vectors vectors = clustered_vectors(6000, 24, 5);
    const Vectors queries = clustered_vectors(50, 24, 6);
    auto c = TestType::open({.dimension = 24}, inline_work()).value();
    fill(c, vectors);
    const auto mean_recall = [&] {
        double sum = 0.0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const auto exact = c.search({.vector = queries[q], .k = 10, .exact = true}).value();
            REQUIRE(exact.size() == 10);
            sum += recall(c.search({.vector = queries[q], .k = 10}).value(), exact);
        }
        return sum / static_cast<double>(queries.size());
    };
    CHECK(mean_recall() > 0.95);
    c.wait_until_indexed().value();
    CHECK(c.stats().value().tail_rows == 0);
    CHECK(mean_recall() > 0.95);
    c.optimize().value();
    REQUIRE(c.stats().value().segments.size() == 1);
    CHECK(c.stats().value().segments[0].phase == SegmentPhase::sealed);
    CHECK(mean_recall() > 0.95);
    c.verify().value();
}

TEST_CASE("scores have the sign and scale of their metric", "[collection][kernel]") {
    const std::vector<float> a{3, 0};
    const std::vector<float> b{0, 4};
    const std::vector<float> query{1, 0};
    const auto scores = [&](auto& c) {
        c.upsert(PointId{1}, a).value();
        c.upsert(PointId{2}, b).value();
        std::vector<float> out;
        for (const auto& hit : c.search({.vector = query, .k = 2}).value()) out.push_back(hit.score);
        return out;
    };
    auto l2 = L2::open({.dimension = 2}).value();
    auto angles = Angles::open({.dimension = 2}).value();
    auto products = Products::open({.dimension = 2}).value();
    CHECK(scores(l2) == std::vector<float>{2.0F, std::sqrt(17.0F)});
    CHECK(scores(angles) == std::vector<float>{1.0F, 0.0F});
    CHECK(scores(products) == std::vector<float>{3.0F, 0.0F});
}

TEST_CASE("an upsert replaces the point wherever it lies", "[collection]") {
    auto c = L2::open({.dimension = 2}, inline_work()).value();
    for (std::uint64_t i = 0; i < 100; ++i) c.upsert(PointId{i}, std::vector<float>{float(i), 0}, {{"n", i}}).value();
    const bool sealed = GENERATE(false, true);
    if (sealed) c.optimize().value();
    c.upsert(PointId{5}, std::vector<float>{1000, 0}).value();
    CHECK(c.count().value() == 100);
    CHECK(c.get(PointId{5}).value().payload == Payload::object());
    CHECK(c.search({.vector = std::vector<float>{1001, 0}, .k = 1}).value()[0].id == PointId{5});
    for (const auto& hit : c.search({.vector = std::vector<float>{5, 0}, .k = 100}).value()) {
        CHECK((hit.id != PointId{5} || hit.score == 995.0F));
    }
    // Erased and inserted again: one point, with what it was last given.
    CHECK(c.erase(PointId{5}).value() == 1);
    CHECK(c.erase(PointId{5}).value() == 0);
    c.upsert(PointId{5}, std::vector<float>{-7, 0}).value();
    CHECK(c.search({.vector = std::vector<float>{-7, 0}, .k = 1}).value()[0].id == PointId{5});
    CHECK(c.count().value() == 100);
    c.verify().value();
}

TEST_CASE("integers and UUIDs live in one collection", "[collection]") {
    auto c = L2::open({.dimension = 2}, inline_work()).value();
    for (std::uint64_t i = 0; i < 300; ++i) {
        const PointId id = i % 2 == 0 ? PointId{i} : PointId::from_name(std::to_string(i));
        c.upsert(id, std::vector<float>{float(i), 0}, {{"n", i}}).value();
    }
    for (int round = 0; round < 2; ++round) {
        for (std::uint64_t i = 0; i < 300; ++i) {
            const PointId id = i % 2 == 0 ? PointId{i} : PointId::from_name(std::to_string(i));
            REQUIRE(c.get(id).value().payload.at("n") == i);
        }
        CHECK_FALSE(c.get(PointId{1}).has_value());
        c.optimize().value();
    }
    c.upsert(PointId{7}, std::vector<float>{0, 0}).value();
    CHECK(c.count().value() == 301);
    c.verify().value();
}

TEST_CASE("versions rise with every effect and serve compare-and-set", "[collection]") {
    auto c = L2::open({.dimension = 1}, inline_work()).value();
    const std::vector<float> v{1};
    const Lsn a = c.upsert_if(Lsn{}, PointId{1}, v).value();
    const Lsn b = c.upsert(PointId{2}, v).value();
    CHECK(static_cast<std::uint64_t>(b) == static_cast<std::uint64_t>(a) + 1);
    CHECK(c.get(PointId{1}).value().version == a);
    c.set_payload(PointId{1}, {{"x", 1}}).value();
    const Lsn changed = c.get(PointId{1}).value().version;
    CHECK(changed > b);
    CHECK_FALSE(c.upsert_if(a, PointId{1}, v).has_value());
    c.optimize().value();
    CHECK(c.get(PointId{1}).value().version == changed);
    CHECK(c.upsert_if(changed, PointId{1}, v).value() > changed);
    CHECK(c.erase(PointId{77}).value() == 0);  // no effect, no version
    CHECK(c.stats().value().version == c.get(PointId{1}).value().version);
}

TEST_CASE("a closed collection says so to every call and gives its memory back", "[collection]") {
    MemoryAccount memory("test");
    auto c = L2::open({.dimension = 4}, {.memory = &memory}).value();
    fill(c, normal_vectors(3000, 4, 1));
    CHECK(memory.used() > 0);
    c.close().value();
    c.close().value();
    CHECK(memory.used() == 0);
    const std::vector<float> v{1, 2, 3, 4};
    const auto closed = [](const auto& result) { return result.error().code == ErrorCode::closed; };
    CHECK(closed(c.upsert(PointId{1}, v)));
    CHECK(closed(c.erase(PointId{1})));
    CHECK(closed(c.erase(Filter::all())));
    CHECK(closed(c.write(WriteBatch{})));
    CHECK(closed(c.set_payload(PointId{1}, {})));
    CHECK(closed(c.get(PointId{1})));
    CHECK(closed(c.scroll({})));
    CHECK(closed(c.count()));
    CHECK(closed(c.search({.vector = v})));
    CHECK(closed(c.search_batch({})));
    CHECK(closed(c.stats()));
    CHECK(closed(c.verify()));
    CHECK(closed(c.start_optimize()));
    CHECK(closed(c.optimize()));
    CHECK(closed(c.wait_until_indexed()));
    CHECK(closed(c.flush()));
}

TEST_CASE("a collection can be moved", "[collection]") {
    auto a = L2::open({.dimension = 1}).value();
    a.upsert(PointId{1}, std::vector<float>{1}).value();
    L2 b = std::move(a);
    CHECK(b.count().value() == 1);
    auto d = L2::open({.dimension = 1}).value();
    d = std::move(b);
    CHECK(d.count().value() == 1);
}

TEST_CASE("two collections with the same options and writes are the same in deterministic mode", "[collection]") {
    const Vectors vectors = clustered_vectors(3000, 16, 9);
    const auto build = [&](std::size_t thread_count) {
        auto c = L2Codes::open({.dimension = 16, .deterministic = true}, threads(thread_count)).value();
        fill(c, vectors);
        for (std::uint64_t i = 0; i < 3000; i += 7) c.erase(PointId{i}).value();
        c.optimize().value();
        return c;
    };
    auto one = build(1);
    auto two = build(2);
    const Vectors queries = clustered_vectors(100, 16, 10);
    for (std::size_t q = 0; q < queries.size(); ++q) {
        // A small ef: where the graphs differ, so do the answers and the ways to them.
        const SearchRequest request{.vector = queries[q], .k = 5, .ef = 8};
        const auto a = one.search(request).value();
        const auto b = two.search(request).value();
        REQUIRE(ids_of(a) == ids_of(b));
        REQUIRE(a.visited == b.visited);
    }
}
