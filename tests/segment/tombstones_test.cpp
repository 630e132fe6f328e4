#include "sextant/segment/tombstones.hpp"

#include <deque>
#include <set>

#include "sextant/core/random.hpp"
#include "support/catch.hpp"

using namespace sextant;

namespace {

using Set = std::shared_ptr<const TombstoneSet>;

Set kill(Tombstones& tombstones, std::initializer_list<std::uint32_t> rows) {
    const std::vector<std::uint32_t> list(rows);
    auto set = tombstones.prepare(list).value();
    tombstones.commit(set);
    return set;
}

bool holds(const TombstoneSet& set, const std::set<std::uint32_t>& rows, std::uint32_t row_count) {
    if (set.count() != rows.size()) return false;
    for (std::uint32_t row = 0; row < row_count; ++row) {
        if (set.test(row) != (rows.count(row) != 0)) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("no row is dead at first", "[tombstones]") {
    MemoryAccount account("test");
    Tombstones tombstones(1000, account);
    CHECK(tombstones.current() == nullptr);
    CHECK(tombstones.count() == 0);
    CHECK(account.used() == 0);
}

TEST_CASE("a set that is held does not change when rows die", "[tombstones]") {
    MemoryAccount account("test");
    Tombstones tombstones(1000, account);
    const Set first = kill(tombstones, {1, 999});
    const Set second = kill(tombstones, {64});
    const Set third = kill(tombstones, {0, 63});
    CHECK(holds(*first, {1, 999}, 1000));
    CHECK(holds(*second, {1, 64, 999}, 1000));
    CHECK(holds(*third, {0, 1, 63, 64, 999}, 1000));
}

TEST_CASE("bitmaps that no version holds are used again", "[tombstones]") {
    MemoryAccount account("test");
    Tombstones tombstones(100'000, account);
    for (std::uint32_t row = 0; row < 50'000; ++row) kill(tombstones, {row});
    CHECK(tombstones.count() == 50'000);
    // Two take turns: one is current, the other is free.
    CHECK(tombstones.memory_bytes() <= 2 * 16'384);
    CHECK(holds(
        *tombstones.current(),
        [] {
            std::set<std::uint32_t> rows;
            for (std::uint32_t row = 0; row < 50'000; ++row) rows.insert(row);
            return rows;
        }(),
        100'000));
}

TEST_CASE("sets held in any order, for any time, agree with a model", "[tombstones]") {
    const std::uint64_t seed = GENERATE(as<std::uint64_t>{}, 1, 2, 3);
    CAPTURE(seed);
    Random random(seed);
    MemoryAccount account("test");
    constexpr std::uint32_t rows = 5000;
    Tombstones tombstones(rows, account);
    std::set<std::uint32_t> dead;
    std::vector<std::pair<Set, std::set<std::uint32_t>>> held;
    while (dead.size() < 4500) {
        std::set<std::uint32_t> next;
        for (std::uint64_t i = random.below(40); i-- > 0;) {
            const auto row = static_cast<std::uint32_t>(random.below(rows));
            if (dead.count(row) == 0) next.insert(row);
        }
        const std::vector<std::uint32_t> list(next.begin(), next.end());
        auto prepared = tombstones.prepare(list).value();
        if (random.below(5) == 0) {
            tombstones.abandon(prepared);
        } else {
            tombstones.commit(prepared);
            dead.insert(next.begin(), next.end());
            if (random.below(3) == 0) held.emplace_back(prepared, dead);
        }
        if (!held.empty() && random.below(3) == 0) {
            const auto at = static_cast<std::ptrdiff_t>(random.below(held.size()));
            REQUIRE(holds(*held[static_cast<std::size_t>(at)].first, held[static_cast<std::size_t>(at)].second, rows));
            held.erase(held.begin() + at);
        }
    }
    for (const auto& [set, expected] : held) REQUIRE(holds(*set, expected, rows));
    REQUIRE(holds(*tombstones.current(), dead, rows));
}

TEST_CASE("bitmaps that a long reader made necessary go after it", "[tombstones]") {
    MemoryAccount account("test");
    Tombstones tombstones(100'000, account);
    std::vector<Set> held;
    for (std::uint32_t row = 0; row < 60; ++row) held.push_back(kill(tombstones, {row}));
    const std::uint64_t one = tombstones.memory_bytes() / 60;
    CHECK(tombstones.memory_bytes() >= 60 * 12'500);
    held.clear();
    kill(tombstones, {60});
    CHECK(tombstones.memory_bytes() <= 3 * one);
    CHECK(account.used() == tombstones.memory_bytes());
    CHECK(tombstones.count() == 61);
    CHECK(tombstones.current()->test(0));
    CHECK(tombstones.current()->test(60));
}

TEST_CASE("a refused tombstone changes nothing", "[tombstones]") {
    MemoryAccount account("test");
    Tombstones tombstones(1000, account);
    const Set first = kill(tombstones, {1});
    account.refuse_after(0);
    const std::vector<std::uint32_t> rows{2};
    const auto refused = tombstones.prepare(rows);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(tombstones.current() == first);
    account.refuse_after(MemoryAccount::unlimited);
    CHECK(holds(*kill(tombstones, {3}), {1, 3}, 1000));
}
