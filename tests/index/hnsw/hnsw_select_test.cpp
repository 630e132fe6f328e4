#include "sextant/index/hnsw/hnsw_select.hpp"

#include <cmath>
#include <vector>

#include "index/support/test_rows.hpp"
#include "sextant/concepts/archetypes.hpp"
#include "support/catch.hpp"

namespace sextant::inline v1::detail {
namespace {

using test::TestRows;

/// Candidates for the links of row `from`, sorted; mandatory rows are marked.
std::vector<LinkCandidate> candidates_of(const TestRows& rows, std::uint32_t from,
                                         const std::vector<std::uint32_t>& mandatory = {}) {
    std::vector<LinkCandidate> candidates;
    for (std::uint32_t r = 0; r < rows.count(); ++r) {
        if (r == from) continue;
        const bool must = std::find(mandatory.begin(), mandatory.end(), r) != mandatory.end();
        candidates.push_back({rows.distance(rows.row(from), rows.row(r)), RowId{r}, r, must});
    }
    std::sort(candidates.begin(), candidates.end());
    return candidates;
}

std::vector<std::uint32_t> choose(const TestRows& rows, std::vector<LinkCandidate> candidates, const SelectRule& rule,
                                  std::uint64_t* scored = nullptr) {
    QueryScratch memory;
    PairScorer scorer = rows.pair_factory()(memory);
    SelectScratch scratch;
    scratch.reserve(candidates.size());
    std::uint64_t count = 0;
    const std::size_t chosen = select_links(candidates, rule, scorer, scratch, count);
    if (scored != nullptr) *scored = count;
    std::vector<std::uint32_t> ids;
    for (std::size_t i = 0; i < chosen; ++i) ids.push_back(candidates[i].id);
    return ids;
}

/// Alg. 4 of Malkov & Yashunin 2016, word for word.
std::vector<std::uint32_t> textbook(const TestRows& rows, const std::vector<LinkCandidate>& candidates,
                                    std::size_t limit) {
    std::vector<std::uint32_t> chosen;
    for (const LinkCandidate& candidate : candidates) {
        if (chosen.size() == limit) break;
        bool good = true;
        for (const std::uint32_t other : chosen) {
            good = good && rows.distance(rows.row(candidate.id), rows.row(other)) >= candidate.distance;
        }
        if (good) chosen.push_back(candidate.id);
    }
    return chosen;
}

TEST_CASE("links are chosen as the paper's algorithm chooses them", "[index]") {
    const std::size_t limit = GENERATE(1U, 4U, 16U, 64U);
    const TestRows rows = TestRows::uniform(300, 6, limit);
    for (std::uint32_t from = 0; from < 20; ++from) {
        const auto candidates = candidates_of(rows, from);
        std::uint64_t scored = 0;
        CHECK(choose(rows, candidates, {limit, 0, 1.0F}, &scored) == textbook(rows, candidates, limit));
        CHECK(scored < candidates.size() * limit);
    }
}

TEST_CASE("what is passed over fills the places that are left, closest first", "[index]") {
    TestRows rows(1);
    for (const float x : {0.0F, 1.0F, 2.0F, 3.0F, -1.5F}) rows.push_back({x});
    const auto candidates = candidates_of(rows, 0);
    CHECK(choose(rows, candidates, {4, 0, 1.0F}) == std::vector<std::uint32_t>{1, 4});
    CHECK(choose(rows, candidates, {4, 3, 1.0F}) == std::vector<std::uint32_t>{1, 4, 2});
    CHECK(choose(rows, candidates, {4, 10, 1.0F}) == std::vector<std::uint32_t>{1, 4, 2, 3});
}

TEST_CASE("duplicates take one place, not all", "[index]") {
    TestRows rows(1);
    for (int i = 0; i < 20; ++i) rows.push_back({0.0F});
    rows.push_back({1.0F});
    rows.push_back({-1.0F});
    CHECK(choose(rows, candidates_of(rows, 0), {8, 0, 1.0F}) == std::vector<std::uint32_t>{1, 20, 21});
    CHECK(choose(rows, candidates_of(rows, 20), {8, 0, 1.0F}) == std::vector<std::uint32_t>{0});
}

TEST_CASE("mandatory links are chosen however near the others are", "[index]") {
    TestRows rows(2);
    rows.push_back({0, 0});
    for (int i = 0; i < 8; ++i) {
        const double angle = i * 0.785398;
        rows.push_back({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
    }
    rows.push_back({5, 0});  // 9: behind row 1
    CHECK(choose(rows, candidates_of(rows, 0), {3, 3, 1.0F}).size() == 3);
    const auto chosen = choose(rows, candidates_of(rows, 0, {9}), {3, 3, 1.0F});
    REQUIRE(chosen.size() == 3);
    CHECK(chosen.back() == 9);
    const auto only = choose(rows, candidates_of(rows, 0, {8, 9}), {2, 2, 1.0F});
    CHECK(std::is_permutation(only.begin(), only.end(), std::vector<std::uint32_t>{8, 9}.begin()));
}

TEST_CASE("alpha keeps more", "[index]") {
    const TestRows rows = TestRows::uniform(500, 8, 3);
    std::size_t strict = 0;
    std::size_t relaxed = 0;
    for (std::uint32_t from = 0; from < 50; ++from) {
        strict += choose(rows, candidates_of(rows, from), {64, 0, 1.0F}).size();
        relaxed += choose(rows, candidates_of(rows, from), {64, 0, 1.3F}).size();
    }
    CHECK(relaxed > strict + 50);
}

TEST_CASE("one candidate, and none", "[index]") {
    TestRows rows(1);
    rows.push_back({0});
    CHECK(choose(rows, candidates_of(rows, 0), {4, 4, 1.0F}).empty());
    rows.push_back({1});
    CHECK(choose(rows, candidates_of(rows, 0), {4, 4, 1.0F}) == std::vector<std::uint32_t>{1});
}

}  // namespace
}  // namespace sextant::inline v1::detail
