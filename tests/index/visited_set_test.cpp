#include "sextant/index/visited_set.hpp"

#include <set>
#include <span>
#include <vector>

#include "sextant/core/random.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1 {
namespace {

TEST_CASE("collect returns each id once, in list order, and stops at the padding", "[index]") {
    VisitedSet visited;
    visited.reserve(100);
    const std::vector<std::uint32_t> list{5, 99, 5, 64, 63, to_index(no_row), 7, 8};
    auto fresh = visited.collect(list.data(), list.size(), 100);
    CHECK(std::vector<RowId>(fresh.begin(), fresh.end()) ==
          std::vector<RowId>{RowId{5}, RowId{99}, RowId{64}, RowId{63}});
    CHECK(visited.collect(list.data(), list.size(), 100).empty());
    CHECK_FALSE(visited.mark(64));
    CHECK(visited.mark(7));
    visited.clear();
    CHECK(visited.mark(64));
}

TEST_CASE("collect passes over ids at or past the limit and goes on", "[index]") {
    VisitedSet visited;
    visited.reserve(100);
    const std::vector<std::uint32_t> list{50, 10, 49, 0xFFFFFFFEU};
    const auto fresh = visited.collect(list.data(), list.size(), 50);
    CHECK(std::vector<RowId>(fresh.begin(), fresh.end()) == std::vector<RowId>{RowId{10}, RowId{49}});
}

TEST_CASE("several lists are collected as one: each ends at its own padding, and an id of two lists comes once",
          "[index]") {
    VisitedSet visited;
    visited.reserve(100);
    const std::uint32_t end = to_index(no_row);
    const std::vector<std::uint32_t> a{5, 99, 64, end, 1};
    const std::vector<std::uint32_t> b{end, 2, 2, 2, 2};
    const std::vector<std::uint32_t> c{64, 3, 98, 5, 4};
    const std::vector<const std::uint32_t*> lists{a.data(), b.data(), c.data()};
    const auto fresh = visited.collect(lists, a.size(), 99);
    CHECK(std::vector<RowId>(fresh.begin(), fresh.end()) ==
          std::vector<RowId>{RowId{5}, RowId{64}, RowId{3}, RowId{98}, RowId{4}});
    CHECK(visited.mark(99));
    CHECK_FALSE(visited.mark(98));
    CHECK(visited.collect(std::span<const std::uint32_t* const>{}, 5, 99).empty());
}

TEST_CASE("clear forgets everything, whether the log held or not", "[index]") {
    const std::uint32_t count = GENERATE(70U, 5000U, 200000U);
    const std::size_t lists = GENERATE(1U, 40U, 400U);
    VisitedSet visited;
    visited.reserve(count);
    Random random(count + lists);
    for (int round = 0; round < 3; ++round) {
        std::set<std::uint32_t> model;
        for (std::size_t i = 0; i < lists; ++i) {
            std::vector<std::uint32_t> list;
            for (int j = 0; j < 32; ++j) list.push_back(static_cast<std::uint32_t>(random.below(count)));
            std::size_t expected = 0;
            for (const std::uint32_t id : list) expected += model.insert(id).second ? 1U : 0U;
            REQUIRE(visited.collect(list.data(), list.size(), count).size() == expected);
        }
        visited.clear();
        std::vector<std::uint32_t> all;
        for (const std::uint32_t id : model) {
            REQUIRE(visited.mark(id));
        }
        visited.clear();
    }
}

TEST_CASE("growing keeps a cleared set clear", "[index]") {
    VisitedSet visited;
    visited.reserve(10);
    CHECK(visited.mark(9));
    visited.clear();
    visited.reserve(100000);
    for (std::uint32_t id = 0; id < 100000; ++id) REQUIRE(visited.mark(id));
    visited.clear();
    CHECK(visited.mark(99999));
}

}  // namespace
}  // namespace sextant::inline v1
