#include "sextant/collection/scroll_request.hpp"

#include <set>

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

std::vector<PointId> scroll_all(const L2& c, ScrollRequest request) {
    std::vector<PointId> ids;
    while (true) {
        const auto page = c.scroll(request).value();
        REQUIRE(page.points.size() <= request.limit);
        for (const Record& record : page.points) ids.push_back(record.id);
        if (!page.next.has_value()) return ids;
        REQUIRE(page.points.size() == request.limit);
        request.after = page.next;
    }
}

}  // namespace

TEST_CASE("a scroll sees every point once, in the order of ids, over all segments", "[scroll]") {
    auto c = L2::open({.dimension = 1}, inline_work()).value();
    std::set<PointId> expected;
    const std::vector<float> v{1};
    for (std::uint64_t i = 0; i < 900; ++i) {
        const PointId id = i % 5 == 0 ? PointId::from_name(std::to_string(i)) : PointId{mix64(i)};
        c.upsert(id, v, {{"n", i}}).value();
        expected.insert(id);
        if (i == 500) c.optimize().value();
        if (i % 10 == 3) {
            c.erase(id).value();
            expected.erase(id);
        }
    }
    const std::vector<PointId> in_order(expected.begin(), expected.end());
    for (const std::size_t limit :
         {std::size_t{1}, std::size_t{7}, std::size_t{100}, in_order.size(), std::size_t{5000}}) {
        CHECK(scroll_all(c, {.limit = limit}) == in_order);
    }
    const auto filtered = scroll_all(c, {.limit = 10, .filter = field("n") < 100});
    CHECK(filtered.size() == 90);
    CHECK(std::is_sorted(filtered.begin(), filtered.end()));
    CHECK(scroll_all(c, {.after = in_order.back()}).empty());
}

TEST_CASE("a scroll goes on where it was, though points come and go", "[scroll]") {
    auto c = L2::open({.dimension = 1}, inline_work()).value();
    const std::vector<float> v{1};
    for (std::uint64_t i = 0; i < 100; ++i) c.upsert(PointId{i * 10}, v).value();
    auto page = c.scroll({.limit = 50}).value();
    c.erase(*page.next).value();
    c.upsert(PointId{5}, v).value();    // behind
    c.upsert(PointId{495}, v).value();  // ahead
    c.optimize().value();
    page = c.scroll({.after = page.next, .limit = 1000}).value();
    CHECK(page.points.size() == 51);
    CHECK(page.points[0].id == PointId{495});
    CHECK_FALSE(page.next.has_value());
}

TEST_CASE("a scroll brings what is selected", "[scroll]") {
    auto c = L2::open({.dimension = 1}, inline_work()).value();
    c.upsert(PointId{1}, std::vector<float>{7}, {{"a", 1}}).value();
    const auto both = c.scroll({.select = {.payload = true, .vector = true}}).value().points.at(0);
    CHECK(both.payload == Payload{{"a", 1}});
    CHECK(both.vector == std::vector<float>{7});
    CHECK(both.version == Lsn{1});
    CHECK(c.scroll({.select = {.payload = false}}).value().points.at(0).payload.is_null());
}

TEST_CASE("pages of a large collection are right while it grows and is rebuilt", "[scroll]") {
    auto c = L2::open({.dimension = 1, .index = {.m = 4, .ef_construction = 4}}, inline_work()).value();
    const auto id_of = [](std::uint64_t i) { return PointId{mix64(i)}; };
    const auto add = [&](std::uint64_t begin, std::uint64_t end) {
        WriteBatch batch;
        for (std::uint64_t i = begin; i < end; ++i) batch.upsert(id_of(i), std::vector<float>{float(i)});
        c.write(std::move(batch)).value();
    };
    std::set<PointId> expected;
    const auto check = [&] {
        CHECK(scroll_all(c, {.limit = 999}) == std::vector<PointId>(expected.begin(), expected.end()));
    };
    for (std::uint64_t i = 0; i < 6'000; ++i) expected.insert(id_of(i));
    add(0, 6'000);
    check();
    for (std::uint64_t i = 6'000; i < 8'000; ++i) expected.insert(id_of(i));
    add(5'000, 8'000);  // a thousand of them again
    check();
    for (std::uint64_t i = 0; i < 8'000; i += 3) {
        expected.erase(id_of(i));
        c.erase(id_of(i)).value();
    }
    check();
    c.optimize().value();
    check();
    for (std::uint64_t i = 20'000; i < 26'000; ++i) expected.insert(id_of(i));
    add(20'000, 26'000);
    check();
}

TEST_CASE("a scroll without memory for an order is slower and just as right", "[scroll]") {
    MemoryAccount memory("test");
    auto c = L2::open({.dimension = 1, .index = {.m = 4, .ef_construction = 4}},
                      {.executor = std::make_shared<InlineExecutor>(), .memory = &memory})
                 .value();
    WriteBatch batch;
    for (std::uint64_t i = 0; i < 6'000; ++i) batch.upsert(PointId{i * 7 % 6'000}, std::vector<float>{1});
    c.write(std::move(batch)).value();
    memory.refuse_after(0);
    const auto page = c.scroll({.limit = 3}).value();
    REQUIRE(page.points.size() == 3);
    CHECK(page.points[2].id == PointId{2});
}
