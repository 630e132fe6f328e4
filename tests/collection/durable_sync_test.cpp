#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collection/durable_support.hpp"
#include "sextant/io/file_system.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_crash.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 4;
constexpr const char* path = "points.sxt";

using Plain = Collection<SquaredL2, MappedStorage>;

Result<Plain> open_plain(FileSystem& files) { return Plain::open(path, {.dimension = dimension}, inline_on(files)); }

std::vector<float> vector_of(std::uint64_t id) { return {static_cast<float>(id), 1.0F, 2.0F, 3.0F}; }

bool is_log(const std::string& name) { return name.find("/wal/") != std::string::npos; }

/// What each image holds that a loss of power after the last call leaves: the number of points, and whether the log had
/// been closed.
struct Left {
    std::uint64_t least_count = ~std::uint64_t{0};
    bool always_clean = true;
};

Left after_power_loss(const SimDisk& disk) {
    Left left;
    SeenImages seen;
    enumerate_crashes(disk, disk.log_size() - 1, {}, seen, [&](SimDisk&& image, const CrashImage&) {
        const auto opened = open_plain(image.files());
        INFO(opened.error().message);
        REQUIRE(opened);
        left.least_count = std::min(left.least_count, opened->count().value());
        left.always_clean = left.always_clean && opened->stats().value().recovery.clean;
    });
    return left;
}

/// Holds the first sync of a log up, once the disk is done with it, until the test has what it wants.
class HeldSync {
public:
    HeldSync(HookedFiles& files, std::function<void()> meanwhile) : files_(files), meanwhile_(std::move(meanwhile)) {
        files.hooks.after_write = [this](const std::string& name) -> std::optional<Error> {
            if (is_log(name)) count(writes_);
            return std::nullopt;
        };
        files.hooks.after_sync = [this](const std::string& name) -> std::optional<Error> {
            if (!is_log(name) || !armed_.load()) return std::nullopt;
            std::uint64_t covered = 0;
            {
                const std::lock_guard lock(mutex_);
                covered = writes_;
            }
            if (++syncs_ == 1) {
                count(held_);
                meanwhile_();
            }
            const std::lock_guard lock(mutex_);
            covered_ = std::max(covered_, covered);
            return std::nullopt;
        };
    }

    HeldSync(const HeldSync&) = delete;
    HeldSync& operator=(const HeldSync&) = delete;
    /// The collection outlives it, and closes.
    ~HeldSync() { files_.hooks = {}; }

    void arm() { armed_ = true; }
    void wait_until_held() {
        wait([&] { return held_ > 0; });
    }
    std::uint64_t writes() {
        const std::lock_guard lock(mutex_);
        return writes_;
    }
    void wait_for_writes(std::uint64_t number) {
        wait([&] { return writes_ >= number; });
    }
    /// Whether each frame was written before a sync that has ended began.
    bool all_covered() {
        const std::lock_guard lock(mutex_);
        return covered_ == writes_;
    }

private:
    void count(std::uint64_t& number) {
        const std::lock_guard lock(mutex_);
        ++number;
        changed_.notify_all();
    }
    template <class Condition>
    void wait(const Condition& condition) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::seconds(20), condition)) std::terminate();
    }

    HookedFiles& files_;
    std::function<void()> meanwhile_;
    std::atomic<bool> armed_{false};
    std::atomic<int> syncs_{0};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t writes_ = 0;
    std::uint64_t covered_ = 0;
    std::uint64_t held_ = 0;
};

}  // namespace

TEST_CASE("a write that comes while the log is synced waits for another sync", "[durable][threads]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    auto collection = open_plain(files).value();
    HeldSync* held = nullptr;
    std::uint64_t before = 0;
    HeldSync sync(files, [&] { held->wait_for_writes(before + 3); });
    held = &sync;
    before = sync.writes();
    sync.arm();
    std::atomic<int> uncovered{0};
    std::atomic<int> unseen{0};
    const auto write = [&](std::uint64_t id) {
        collection.upsert(PointId{id}, vector_of(id)).value();
        if (id != 1 && !sync.all_covered()) ++uncovered;
        if (!collection.get(PointId{id})) ++unseen;
    };
    std::thread first(write, 1);
    sync.wait_until_held();
    std::thread second(write, 2);
    std::thread third(write, 3);
    first.join();
    second.join();
    third.join();
    CHECK(uncovered == 0);
    CHECK(unseen == 0);
    CHECK(collection.count().value() == 3);
}

TEST_CASE("a write that waits for nothing still comes after those that wait", "[durable][threads]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    auto collection = open_plain(files).value();
    HeldSync* held = nullptr;
    std::uint64_t before = 0;
    std::atomic<bool> returned{false};
    bool early = false;
    std::uint64_t shown = 0;
    HeldSync sync(files, [&] {
        held->wait_for_writes(before + 2);
        for (int i = 0; i < 20 && !returned; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        early = returned;
        shown = collection.count().value();
    });
    held = &sync;
    before = sync.writes();
    sync.arm();
    std::thread first([&] { collection.upsert(PointId{1}, vector_of(1)).value(); });
    sync.wait_until_held();
    std::thread second([&] {
        collection.upsert(PointId{2}, vector_of(2), {}, Durability::None).value();
        returned = true;
    });
    first.join();
    second.join();
    CHECK_FALSE(early);
    CHECK(shown == 0);
    CHECK(collection.count().value() == 2);
}

TEST_CASE("points whose erasing waits for the log are found as long as they are shown", "[durable][threads]") {
    constexpr std::uint64_t count = 1500;
    SimDisk disk;
    HookedFiles files(disk.files());
    auto collection = open_plain(files).value();
    for (std::uint64_t id = 0; id < count; ++id) {
        collection.upsert(PointId{id}, vector_of(id), {}, Durability::None).value();
    }
    collection.wait_until_indexed().value();
    std::promise<void> looked;
    HeldSync sync(files, [&] { looked.get_future().wait(); });
    sync.arm();
    std::thread writer([&] {
        std::vector<PointId> ids;
        for (std::uint64_t id = 0; id < count; id += 5) ids.push_back(PointId{id});
        collection.erase(ids).value();
    });
    sync.wait_until_held();
    collection.wait_until_indexed().value();  // in which work on the graph is done that is due
    std::uint64_t missed = 0;
    for (std::uint64_t id = 0; id < count; id += 5) {
        const std::vector<float> vector = vector_of(id);
        const auto found = collection.search({.vector = vector, .k = 1}).value();
        missed += found.size() == 1 && found[0].id == PointId{id} ? 0U : 1U;
    }
    const auto sound = collection.verify(Depth::full);
    const std::uint64_t waiting = collection.stats().value().repairs_waiting;
    looked.set_value();
    writer.join();
    CHECK(missed == 0);
    CHECK(waiting == count / 5);  // they stay where they are in the graph
    INFO(sound.error().message);
    CHECK(sound);
    CHECK(collection.count().value() == count - count / 5);
    CHECK(collection.stats().value().repairs_waiting == 0);
    collection.verify(Depth::full).value();
}

TEST_CASE("a write whose sync fails is neither acknowledged nor shown", "[durable]") {
    SimDisk disk;
    {
        auto collection = open_plain(disk.files()).value();
        collection.upsert(PointId{1}, vector_of(1)).value();
        disk.inject({.at_call = disk.op_count(), .kind = FaultKind::sync_fails});
        CHECK_FALSE(collection.upsert(PointId{2}, vector_of(2)));
        CHECK(collection.count().value() == 1);
        REQUIRE(disk.struck_count() == 1);
        CHECK(collection.upsert(PointId{3}, vector_of(3)).error().code == ErrorCode::read_only);
        CHECK(collection.flush().error().code == ErrorCode::read_only);
        CHECK(collection.count().value() == 1);
    }
    const auto left = after_power_loss(disk);
    CHECK(left.least_count >= 1);
}

TEST_CASE("a write whose sync fails is not acknowledged because the collection is closed beside it",
          "[durable][threads]") {
    for (int round = 0; round < 20; ++round) {
        SimDisk disk;
        HookedFiles files(disk.files());
        std::atomic<bool> failing{false};
        std::atomic<int> frames{0};
        files.hooks.after_write = [&](const std::string& name) -> std::optional<Error> {
            if (failing && is_log(name)) ++frames;
            return std::nullopt;
        };
        files.hooks.after_sync = [&](const std::string& name) -> std::optional<Error> {
            if (!is_log(name)) return std::nullopt;
            if (failing) return Error{ErrorCode::io_error, name + ": sync: it failed"};
            std::this_thread::sleep_for(std::chrono::milliseconds(4));
            return std::nullopt;
        };
        auto collection = open_plain(files).value();
        // Two that come back at once: from then on who syncs waits a moment for the other one before it does.
        const auto write = [&](std::uint64_t first) {
            for (std::uint64_t id = first; id < first + 4; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
        };
        std::thread first(write, 1);
        std::thread second(write, 11);
        first.join();
        second.join();
        failing = true;
        bool acknowledged = true;
        std::thread last([&] { acknowledged = collection.upsert(PointId{99}, vector_of(99)).has_value(); });
        while (frames == 0) std::this_thread::yield();
        CHECK_FALSE(collection.close());
        last.join();
        REQUIRE_FALSE(acknowledged);
    }
}

TEST_CASE("flush makes all that was written before it last", "[durable][crash]") {
    for (const Durability durability : {Durability::Os, Durability::None}) {
        SimDisk disk;
        auto collection = open_plain(disk.files()).value();
        for (std::uint64_t id = 1; id <= 3; ++id) {
            collection.upsert(PointId{id}, vector_of(id), {}, durability).value();
        }
        CHECK(after_power_loss(disk).least_count == 0);
        collection.flush().value();
        CHECK(after_power_loss(disk).least_count == 3);
    }
}

TEST_CASE("closing makes all that was written last, and says that nothing is missing", "[durable][crash]") {
    for (const bool by_destructor : {false, true}) {
        SimDisk disk;
        {
            auto collection = open_plain(disk.files()).value();
            for (std::uint64_t id = 1; id <= 3; ++id) {
                collection.upsert(PointId{id}, vector_of(id), {}, Durability::None).value();
            }
            if (!by_destructor) collection.close().value();
        }
        const Left left = after_power_loss(disk);
        CHECK(left.least_count == 3);
        CHECK(left.always_clean);
    }
}

TEST_CASE("what is written while a segment is stored survives a loss of power", "[durable][crash]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    auto collection = open_plain(files).value();
    for (std::uint64_t id = 1; id <= 5; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
    bool written = false;
    files.hooks.after_write = [&](const std::string& name) -> std::optional<Error> {
        if (written || name.find("/seg/") == std::string::npos) return std::nullopt;
        written = true;
        // More than a log file holds, so that the one with the first of them could go.
        std::thread writer([&] {
            for (std::uint64_t id = 11; id <= 15; ++id) {
                collection.upsert(PointId{id}, vector_of(id), {{"text", std::string(400'000, 'x')}}).value();
            }
            collection.erase(PointId{2}).value();
            collection.set_payload(PointId{3}, {{"n", 3}}).value();
        });
        writer.join();
        return std::nullopt;
    };
    const auto optimized = collection.optimize();
    files.hooks.after_write = {};
    REQUIRE(optimized);
    REQUIRE(written);
    SeenImages seen;
    enumerate_crashes(disk, disk.log_size() - 1, {}, seen, [&](SimDisk&& image, const CrashImage&) {
        const auto opened = open_plain(image.files());
        INFO(opened.error().message);
        REQUIRE(opened);
        CHECK(opened->count().value() == 9);
        CHECK_FALSE(opened->get(PointId{2}).has_value());
        CHECK(opened->verify());
    });
}

TEST_CASE("a manifest never knows of a write that the log does not have on the disk", "[durable][crash]") {
    SimDisk disk;
    HookedFiles files(disk.files());
    auto collection = open_plain(files).value();
    for (std::uint64_t id = 1; id <= 3; ++id) {
        collection.upsert(PointId{id}, vector_of(id), {}, Durability::Os).value();
    }
    std::atomic<int> syncs{0};
    files.hooks.after_sync = [&](const std::string& name) -> std::optional<Error> {
        if (!is_log(name) || ++syncs > 1) return std::nullopt;
        std::thread writer([&] { collection.upsert(PointId{4}, vector_of(4), {}, Durability::Os).value(); });
        writer.join();
        return std::nullopt;
    };
    collection.optimize().ignore("what was written so far must last, whether or not it succeeds");
    files.hooks.after_sync = {};
    SeenImages seen;
    enumerate_crashes(disk, disk.log_size() - 1, {}, seen, [&](SimDisk&& image, const CrashImage&) {
        const auto opened = open_plain(image.files());
        INFO(opened.error().message);
        REQUIRE(opened);
    });
}

TEST_CASE("a change that comes alone while a segment is stored is kept as far as it was promised", "[durable][crash]") {
    using Act = std::function<void(Plain&)>;
    const Act acts[] = {
        [](Plain& c) { c.upsert(PointId{4}, vector_of(4), {}, Durability::Os).value(); },
        [](Plain& c) {
            c.set_payload(PointId{2}, {{"n", 2}}).value();
        },
        [](Plain& c) { c.erase(PointId{3}).value(); },
    };
    for (std::size_t act = 0; act < 3; ++act) {
        SimDisk disk;
        HookedFiles files(disk.files());
        auto collection = open_plain(files).value();
        for (std::uint64_t id = 1; id <= 3; ++id) {
            collection.upsert(PointId{id}, vector_of(id), {}, Durability::Os).value();
        }
        std::size_t acted = 0;  ///< the first entry of the log after it
        files.hooks.after_write = [&](const std::string& name) -> std::optional<Error> {
            if (acted > 0 || name.find("/seg/") == std::string::npos) return std::nullopt;
            acted = 1;
            std::thread(acts[act], std::ref(collection)).join();
            acted = disk.log_size() - 1;
            return std::nullopt;
        };
        collection.optimize().value();
        files.hooks.after_write = {};
        REQUIRE(acted > 0);
        CrashEnumerator crashes(disk.recording());
        SeenImages seen;
        const auto check = [&](SimDisk&& image, const CrashImage&) {
            const auto opened = open_plain(image.files());
            INFO("act " << act << ": " << opened.error().message);
            REQUIRE(opened);
            // Its writer asked for less than a sync, as those before it did: opening is all that was promised.
            if (act == 0) return;
            CHECK(opened->get(PointId{1}));
            if (act == 1) CHECK(opened->get(PointId{2})->payload == Payload{{"n", 2}});
            CHECK(opened->get(PointId{3}).has_value() == (act != 2));
        };
        for (std::size_t op = acted; op < crashes.log_size(); ++op) {
            crashes.at(op, {.exhaustive_pending = 6, .random_subsets = 20}, seen, check);
        }
    }
}
