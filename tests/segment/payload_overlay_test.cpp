#include "sextant/segment/payload_overlay.hpp"

#include <map>
#include <optional>
#include <string>

#include "sextant/core/random.hpp"
#include "support/catch.hpp"

using namespace sextant;

namespace {

std::string text(const PayloadChange* change) {
    return change == nullptr ? "-"
                             : std::string(reinterpret_cast<const char*>(change->blob().data()), change->blob().size());
}

/// An overlay with the chain of versions around it, as a collection keeps them.
struct Versions {
    struct Version {
        Lsn at;
        GarbageRef garbage;
        std::shared_ptr<const OverlayTable> table;
    };

    void put(std::uint32_t row, const std::string& payload) {
        const Lsn lsn{++last};
        auto change =
            PayloadChange::create(lsn, std::as_bytes(std::span(payload.data(), payload.size())), account).value();
        overlay.reserve(1).value();
        current.garbage->changes.reserve(current.garbage->changes.size() + 1);
        GarbageRef next = GarbageRef::create();
        overlay.put(row, std::move(change), current.garbage->changes);
        current.garbage.chain(next);
        current = {lsn, next, overlay.table()};
    }

    MemoryAccount account{"test"};
    std::uint64_t last = 0;
    Version current{Lsn{}, GarbageRef::create(), nullptr};
    PayloadOverlay overlay{account};
};

}  // namespace

TEST_CASE("a reader sees the change that was newest when its version was made", "[payload_overlay]") {
    Versions versions;
    versions.put(3, "one");
    const auto first = versions.current;
    versions.put(3, "two");
    versions.put(4, "four");
    const auto second = versions.current;
    versions.put(3, "three");
    CHECK(text(first.table->find(3, first.at)) == "one");
    CHECK(text(first.table->find(4, first.at)) == "-");
    CHECK(text(second.table->find(3, second.at)) == "two");
    CHECK(text(second.table->find(4, second.at)) == "four");
    CHECK(text(versions.overlay.table()->find(3, versions.current.at)) == "three");
    CHECK(text(versions.overlay.table()->find(5, versions.current.at)) == "-");
}

TEST_CASE("hidden changes are freed when no version that shows them is left", "[payload_overlay]") {
    Versions versions;
    versions.put(1, std::string(1000, 'a'));
    const std::uint64_t one = versions.account.used();
    {
        const auto held = versions.current;
        for (int i = 0; i < 50; ++i) versions.put(1, std::string(1000, 'b'));
        CHECK(versions.account.used() > 50 * 1000);
        CHECK(text(held.table->find(1, held.at)) == std::string(1000, 'a'));
    }
    CHECK(versions.account.used() <= one + 100);
}

TEST_CASE("a version that is held for a million writes goes without a deep recursion", "[payload_overlay]") {
    GarbageRef first = GarbageRef::create();
    {
        GarbageRef last = first;
        for (int i = 0; i < 1'000'000; ++i) {
            GarbageRef next = GarbageRef::create();
            last.chain(next);
            last = next;
        }
    }
    first = GarbageRef();
    SUCCEED();
}

TEST_CASE("an overlay under random changes agrees with a model", "[payload_overlay]") {
    const std::uint64_t seed = GENERATE(as<std::uint64_t>{}, 11, 12, 13);
    CAPTURE(seed);
    Random random(seed);
    Versions versions;
    std::map<std::uint32_t, std::string> now;
    std::vector<std::pair<Versions::Version, std::map<std::uint32_t, std::string>>> held;
    for (int step = 0; step < 3000; ++step) {
        const auto row = static_cast<std::uint32_t>(random.below(500));
        const std::string payload = std::to_string(random.next());
        versions.put(row, payload);
        now[row] = payload;
        if (random.below(20) == 0) held.emplace_back(versions.current, now);
        if (held.size() > 8) held.erase(held.begin() + static_cast<std::ptrdiff_t>(random.below(held.size())));
    }
    for (const auto& [version, model] : held) {
        for (std::uint32_t row = 0; row < 500; ++row) {
            const auto expected = model.find(row);
            REQUIRE(text(version.table->find(row, version.at)) == (expected == model.end() ? "-" : expected->second));
        }
    }
    CHECK(versions.overlay.row_count() == now.size());
}

TEST_CASE("a refused change charges nothing", "[payload_overlay]") {
    MemoryAccount account("test", 100);
    const std::vector<std::byte> blob(500);
    const auto refused = PayloadChange::create(Lsn{1}, blob, account);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(account.used() == 0);
}
