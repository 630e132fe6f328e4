#include "sextant/core/version_cell.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using sextant::EpochDomain;
using sextant::SharedVersion;
using sextant::VersionCell;

namespace {

struct Version {
    static inline std::atomic<int> alive{0};
    explicit Version(int n) : number(n), check(~n) { ++alive; }
    ~Version() {
        check = number;  // never true of a living one
        --alive;
    }
    Version(const Version&) = delete;
    Version& operator=(const Version&) = delete;
    int number;
    int check;
};

std::unique_ptr<const Version> version(int number) { return std::make_unique<const Version>(number); }

}  // namespace

TEST_CASE("A reader sees the version that was current when it pinned", "[core][version_cell]") {
    REQUIRE(Version::alive == 0);
    EpochDomain domain;
    {
        VersionCell<Version> cell(domain, version(1));
        CHECK(cell.pin()->number == 1);
        {
            const auto pinned = cell.pin();
            cell.publish(version(2));
            CHECK(pinned->number == 1);
            CHECK((*pinned).check == ~1);
            CHECK(pinned.get() == &*pinned);
            CHECK(Version::alive == 2);
        }
        CHECK(cell.pin()->number == 2);
        domain.collect();
        CHECK(Version::alive == 1);
    }
    CHECK(Version::alive == 0);
}

TEST_CASE("Publishing without readers frees the old version at once", "[core][version_cell]") {
    EpochDomain domain;
    VersionCell<Version> cell(domain, version(1));
    for (int i = 2; i < 20; ++i) {
        cell.publish(version(i));
        CHECK(Version::alive == 1);
    }
}

TEST_CASE("A shared version outlives its replacement, its cell and its domain", "[core][version_cell]") {
    std::optional<EpochDomain> domain(std::in_place);
    std::optional<VersionCell<Version>> cell(std::in_place, *domain, version(7));
    SharedVersion<Version> shared = cell->share();
    cell->publish(version(8));
    CHECK(Version::alive == 2);
    CHECK(domain->waiting() == 0);  // a shared reference holds back nothing but its own version
    cell.reset();
    domain.reset();
    CHECK(Version::alive == 1);
    CHECK(shared->number == 7);
    CHECK(shared.get()->check == ~7);
    shared = {};
    CHECK(Version::alive == 0);
    CHECK(shared.get() == nullptr);
    CHECK_FALSE(static_cast<bool>(shared));
}

TEST_CASE("Copies of a shared version hold it together", "[core][version_cell]") {
    EpochDomain domain;
    VersionCell<Version> cell(domain, version(1));
    SharedVersion<Version> first = cell.share();
    SharedVersion<Version> second = first;
    const SharedVersion<Version> third = std::move(first);
    CHECK_FALSE(static_cast<bool>(first));
    SharedVersion<Version>& alias = second;
    second = alias;
    cell.publish(version(2));
    second = SharedVersion<Version>();
    CHECK(Version::alive == 2);
    CHECK((*third).number == 1);
}

TEST_CASE("Readers with and without counts see whole versions in order while they are replaced",
          "[core][version_cell][threads]") {
    {
        EpochDomain domain(3);  // fewer slots than threads
        VersionCell<Version> cell(domain, version(0));
        std::atomic<bool> stop{false};
        std::atomic<bool> wrong{false};
        std::atomic<int> reads{0};
        std::vector<std::thread> readers;
        for (int i = 0; i < 5; ++i) {
            readers.emplace_back([&, counting = i % 2 == 0] {
                int last = 0;
                SharedVersion<Version> kept = cell.share();
                const auto look = [&](const Version& seen) {
                    if (seen.check != ~seen.number || seen.number < last) wrong = true;
                    last = seen.number;
                };
                for (int round = 0; !stop.load(std::memory_order_relaxed); ++round) {
                    if (counting) {
                        look(*cell.share());
                        if (round % 64 == 0) kept = cell.share();
                        if (kept->check != ~kept->number) wrong = true;
                    } else {
                        look(*cell.pin());
                    }
                    reads.fetch_add(1, std::memory_order_relaxed);
                }
            });
        }
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
        int next = 1;
        while (std::chrono::steady_clock::now() < end || reads.load() < 1000) cell.publish(version(next++));
        stop = true;
        for (auto& reader : readers) reader.join();
        CHECK_FALSE(wrong);
        CHECK(cell.pin()->number == next - 1);
    }
    CHECK(Version::alive == 0);
}

TEST_CASE("Versions published by several threads are each freed once", "[core][version_cell][threads]") {
    {
        EpochDomain domain;
        VersionCell<Version> cell(domain, version(0));
        std::vector<std::thread> writers;
        for (int writer = 0; writer < 3; ++writer) {
            writers.emplace_back([&] {
                for (int i = 0; i < 1'000; ++i) {
                    cell.publish(version(i));
                    static_cast<void>(cell.pin()->number);
                }
            });
        }
        for (auto& writer : writers) writer.join();
        domain.collect();
        CHECK(Version::alive == 1);
    }
    CHECK(Version::alive == 0);
}
