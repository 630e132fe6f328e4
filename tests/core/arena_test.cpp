#include "sextant/core/arena.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using sextant::Arena;
using sextant::Column;
using sextant::ErrorCode;
using sextant::MemoryAccount;

namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr std::size_t gib = 1024 * mib;

std::uintptr_t address_of(const Arena& arena) { return reinterpret_cast<std::uintptr_t>(arena.base()); }

std::size_t page() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

bool all_zero(const Arena& arena, std::size_t begin, std::size_t end) {
    return std::all_of(arena.base() + begin, arena.base() + end, [](std::byte byte) { return byte == std::byte{0}; });
}

/// Bytes of private writable memory, which RLIMIT_DATA bounds.
std::size_t data_size() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        std::size_t size = 0;
        if (word == "VmData:" && status >> size) return size * kib;
    }
    return 0;
}

}  // namespace

TEST_CASE("Reserving charges nothing and is aligned for huge pages", "[core][arena]") {
    MemoryAccount account("test", 0);
    auto arena = Arena::reserve(64 * gib, account, "rows");
    REQUIRE(arena.has_value());
    CHECK(arena->base() != nullptr);
    CHECK(arena->reserved() == 64 * gib);
    CHECK(arena->committed() == 0);
    CHECK(address_of(*arena) % (2 * mib) == 0);
    CHECK(account.used() == 0);
    const auto odd = Arena::reserve(5, account, "few");
    REQUIRE(odd.has_value());
    CHECK(odd->reserved() == page());
}

TEST_CASE("An arena grows in place, zeroed, in steps from 64 KiB to 2 MiB, and charges what it committed",
          "[core][arena]") {
    MemoryAccount account("test");
    auto made = Arena::reserve(gib, account, "rows");
    REQUIRE(made.has_value());
    Arena arena = std::move(made).value();
    std::byte* const base = arena.base();
    REQUIRE(arena.ensure(1));
    CHECK(arena.committed() == 64 * kib);
    std::vector<std::size_t> steps;
    while (arena.committed() < 6 * mib) {
        const std::size_t before = arena.committed();
        REQUIRE(arena.ensure(before + 1));
        steps.push_back(arena.committed() - before);
        CHECK(account.used() == arena.committed());
        CHECK(arena.base() == base);
        CHECK(all_zero(arena, before, arena.committed()));
        std::memset(arena.base() + before, 0xAB, arena.committed() - before);
    }
    CHECK(std::is_sorted(steps.begin(), steps.end()));
    CHECK(steps.back() == 2 * mib);
    CHECK(arena.base()[64 * kib] == std::byte{0xAB});
    const std::size_t committed = arena.committed();
    REQUIRE(arena.ensure(committed));
    CHECK(arena.committed() == committed);
}

TEST_CASE("An arena ends at its reservation", "[core][arena]") {
    MemoryAccount account("test");
    auto arena = Arena::reserve(100 * kib, account, "few rows");
    REQUIRE(arena.has_value());
    CHECK(arena->reserved() == 100 * kib);
    REQUIRE(arena->ensure(100 * kib));
    CHECK(arena->committed() == 100 * kib);
    arena->base()[100 * kib - 1] = std::byte{1};
    const auto refused = arena->ensure(100 * kib + 1);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(refused.error().message == "few rows: 102401 bytes asked for, 102400 reserved");
}

TEST_CASE("An empty arena has nothing and refuses everything", "[core][arena]") {
    MemoryAccount account("test");
    auto arena = Arena::reserve(0, account, "nothing");
    REQUIRE(arena.has_value());
    CHECK(arena->base() == nullptr);
    CHECK(arena->ensure(0).has_value());
    CHECK_FALSE(arena->ensure(1).has_value());
    CHECK(Arena::exact(0, account, "nothing").has_value());
    Arena none;
    CHECK(none.ensure(0).has_value());
    CHECK_FALSE(none.ensure(1).has_value());
}

TEST_CASE("More address space than there is is refused, not wrapped round", "[core][arena]") {
    MemoryAccount account("test");
    for (const std::size_t size : {~std::size_t{0}, ~std::size_t{0} - mib, std::size_t{1} << 62U}) {
        const auto refused = Arena::reserve(size, account, "rows");
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == ErrorCode::resource_exhausted);
        CHECK(refused.error().message.rfind("rows: ", 0) == 0);
    }
    CHECK_FALSE(Column<std::uint64_t>::reserve((std::size_t{1} << 61U) + 1, account, "rows").has_value());
    CHECK_FALSE(Column<std::uint64_t>::exact((std::size_t{1} << 61U) + 1, account, "rows").has_value());
    CHECK(account.used() == 0);
}

TEST_CASE("An account that refuses leaves the arena as it was", "[core][arena]") {
    MemoryAccount account("photos", 3 * mib);
    auto made = Arena::reserve(64 * mib, account, "vectors");
    REQUIRE(made.has_value());
    Arena arena = std::move(made).value();
    REQUIRE(arena.ensure(2 * mib));
    arena.base()[2 * mib - 1] = std::byte{7};
    const std::size_t committed = arena.committed();
    const auto refused = arena.ensure(10 * mib);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(refused.error().message.rfind("vectors: memory account 'photos': ", 0) == 0);
    CHECK(arena.committed() == committed);
    CHECK(account.used() == committed);
    CHECK(arena.base()[2 * mib - 1] == std::byte{7});
    account.refuse_after(0);
    CHECK_FALSE(arena.ensure(committed + 1).has_value());
    CHECK(arena.ensure(committed).has_value());
}

TEST_CASE("A system that refuses memory leaves arena and account as they were", "[core][arena]") {
    MemoryAccount account("test");
    auto made = Arena::reserve(gib, account, "vectors");
    REQUIRE(made.has_value());
    Arena arena = std::move(made).value();
    REQUIRE(arena.ensure(mib));
    const std::size_t committed = arena.committed();
    const std::size_t now = data_size();
    if (now == 0) return;  // no /proc: the system cannot be made to refuse from here
    rlimit old_limit{};
    REQUIRE(::getrlimit(RLIMIT_DATA, &old_limit) == 0);
    rlimit low = old_limit;
    low.rlim_cur = std::min<rlim_t>(now + 64 * mib, old_limit.rlim_max);
    REQUIRE(::setrlimit(RLIMIT_DATA, &low) == 0);
    auto refused = arena.ensure(gib);
    auto refused_exact = Arena::exact(gib, account, "graph");
    REQUIRE(::setrlimit(RLIMIT_DATA, &old_limit) == 0);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(refused.error().message.rfind("vectors: the system refused to commit ", 0) == 0);
    CHECK_FALSE(refused_exact.has_value());
    CHECK(arena.committed() == committed);
    CHECK(account.used() == committed);
    CHECK(arena.ensure(committed + 1).has_value());
}

TEST_CASE("exact() commits whole pages of what was asked at once", "[core][arena]") {
    MemoryAccount account("test");
    const std::size_t size = 3 * mib + 5;
    {
        const auto arena = Arena::exact(size, account, "graph");
        REQUIRE(arena.has_value());
        CHECK(arena->committed() == (size + page() - 1) / page() * page());
        CHECK(arena->reserved() == arena->committed());
        CHECK(account.used() == arena->committed());
        CHECK(address_of(*arena) % (2 * mib) == 0);
        CHECK(all_zero(*arena, 0, size));
        arena->base()[size - 1] = std::byte{1};
    }
    CHECK(account.used() == 0);
}

TEST_CASE("shrink() gives pages and charge back, keeps the head, and zeroes what comes again", "[core][arena]") {
    MemoryAccount account("test");
    auto made = Arena::reserve(8 * mib, account, "rows");
    REQUIRE(made.has_value());
    Arena arena = std::move(made).value();
    REQUIRE(arena.ensure(2 * mib));
    std::memset(arena.base(), 0xCD, 2 * mib);
    arena.shrink(mib + 1);
    const std::size_t kept = mib + page();
    CHECK(arena.committed() == kept);
    CHECK(account.used() == kept);
    CHECK(arena.base()[mib] == std::byte{0xCD});
    arena.shrink(4 * mib);  // larger than it is: nothing to do
    CHECK(arena.committed() == kept);
    REQUIRE(arena.ensure(2 * mib));
    CHECK(arena.base()[kept - 1] == std::byte{0xCD});
    CHECK(all_zero(arena, kept, 2 * mib));
    arena.shrink(0);
    CHECK(arena.committed() == 0);
    CHECK(account.used() == 0);
    REQUIRE(arena.ensure(1));
    CHECK(all_zero(arena, 0, 64 * kib));
}

TEST_CASE("A moved arena keeps its memory and gives it back once", "[core][arena]") {
    MemoryAccount account("test");
    {
        auto made = Arena::reserve(mib, account, "a");
        REQUIRE(made.has_value());
        Arena first = std::move(made).value();
        REQUIRE(first.ensure(1));
        first.base()[5] = std::byte{5};
        Arena second = std::move(first);
        CHECK(first.base() == nullptr);
        CHECK(second.base()[5] == std::byte{5});
        auto other = Arena::exact(128 * kib, account, "b");
        REQUIRE(other.has_value());
        CHECK(account.used() == 192 * kib);
        second = std::move(*other);
        CHECK(account.used() == 128 * kib);
        Arena& alias = second;
        second = std::move(alias);
        CHECK(second.committed() == 128 * kib);
    }
    CHECK(account.used() == 0);
}

TEST_CASE("A column is an arena of elements", "[core][arena]") {
    MemoryAccount account("test");
    auto made = Column<std::uint32_t>::reserve(1'000'000, account, "links");
    REQUIRE(made.has_value());
    Column<std::uint32_t> column = std::move(made).value();
    CHECK(column.capacity() == 0);
    REQUIRE(column.ensure(100'000));
    CHECK(column.capacity() >= 100'000);
    CHECK(column[99'999] == 0);
    column[99'999] = 7;
    CHECK(column.data()[99'999] == 7);
    column.shrink(10);
    CHECK(column.capacity() == page() / sizeof(std::uint32_t));
    const auto refused = column.ensure(1'001'000);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.rfind("links: ", 0) == 0);
    CHECK_FALSE(column.ensure(~std::size_t{0}).has_value());
    const auto exact = Column<double>::exact(10, account, "few");
    REQUIRE(exact.has_value());
    CHECK(exact->capacity() >= 10);
    CHECK((*exact)[9] == 0.0);
}

TEST_CASE("Readers of published elements run beside the growing writer", "[core][arena][threads]") {
    constexpr std::uint64_t total = 50'000;
    MemoryAccount account("test");
    auto made = Column<std::uint64_t>::reserve(total, account, "numbers");
    REQUIRE(made.has_value());
    Column<std::uint64_t> column = std::move(made).value();
    std::atomic<std::uint64_t> published{0};
    std::atomic<bool> wrong{false};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            for (std::uint64_t seen = 0; seen < total;) {
                seen = published.load(std::memory_order_acquire);
                if (seen > 0 && (column[seen - 1] != seen * 3 || column[seen / 2] != (seen / 2 + 1) * 3)) wrong = true;
            }
        });
    }
    bool grown = true;
    for (std::uint64_t i = 0; i < total; ++i) {
        grown = grown && column.ensure(i + 1).has_value();
        column[i] = (i + 1) * 3;
        published.store(i + 1, std::memory_order_release);
    }
    for (auto& reader : readers) reader.join();
    CHECK(grown);
    CHECK_FALSE(wrong);
}
