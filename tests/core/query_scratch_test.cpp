#include "sextant/core/query_scratch.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

#include "support/catch.hpp"

using sextant::QueryScratch;

TEST_CASE("Scratch memory is aligned to 64 bytes, apart and not null", "[core][query_scratch]") {
    QueryScratch scratch;
    std::vector<std::span<std::uint32_t>> taken;
    for (std::size_t size = 0; size < 200; size += 7) {
        const auto span = scratch.take<std::uint32_t>(size);
        REQUIRE(span.data() != nullptr);
        CHECK(reinterpret_cast<std::uintptr_t>(span.data()) % 64 == 0);
        CHECK(span.size() == size);
        std::fill(span.begin(), span.end(), static_cast<std::uint32_t>(size));
        taken.push_back(span);
    }
    for (const auto& span : taken) {
        for (const std::uint32_t value : span) CHECK(value == span.size());
    }
}

TEST_CASE("make() copies the value", "[core][query_scratch]") {
    struct Pair {
        int a;
        double b;
    };
    QueryScratch scratch;
    const Pair* pair = scratch.make(Pair{3, 0.5});
    CHECK(pair->a == 3);
    CHECK(pair->b == 0.5);
}

TEST_CASE("After one round that overflowed, the same load gets the same memory every round", "[core][query_scratch]") {
    QueryScratch scratch;
    const auto round = [&] {
        std::vector<const void*> addresses;
        for (int i = 0; i < 20; ++i) addresses.push_back(scratch.take<char>(10'000).data());
        scratch.reset();
        return addresses;
    };
    round();
    const auto second = round();
    const auto third = round();
    CHECK(second == third);
    // One block now: the addresses rise in steps of the rounded size.
    for (std::size_t i = 1; i < second.size(); ++i) {
        CHECK(static_cast<const char*>(second[i]) - static_cast<const char*>(second[i - 1]) == 10'048);
    }
}

TEST_CASE("Scratch that was moved keeps what was taken", "[core][query_scratch]") {
    QueryScratch scratch;
    const auto taken = scratch.take<int>(3);
    taken[2] = 8;
    const QueryScratch moved = std::move(scratch);
    CHECK(taken[2] == 8);
}

TEST_CASE("Scratch says how much memory it keeps", "[core][query_scratch]") {
    QueryScratch scratch;
    CHECK(scratch.memory_bytes() == 0);
    static_cast<void>(scratch.take<float>(10'000));
    const std::size_t kept = scratch.memory_bytes();
    CHECK(kept >= 40'000);
    scratch.reset();
    CHECK(scratch.memory_bytes() == kept);
}
