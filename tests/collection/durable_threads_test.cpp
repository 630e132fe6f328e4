// Everything at once on a directory, from sixteen threads, and closed in the middle of it, again and again: what is opened
// then holds what each thread was told is written, to the last byte.
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "collection/durable_threads_worker.hpp"
#include "io/test_directory.hpp"
#include "sextant/io/file_system.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t thread_count = 16;

/// One directory, opened and closed many times.
class Scene {
public:
    /// `merges`: five segments shall come together, which takes longer than all else.
    explicit Scene(bool merges) : files_(*disk_), merges_(merges) {
        happenings.watch(files_.hooks);
        for (std::uint64_t i = 0; i < thread_count; ++i) workers_.emplace_back(i);
    }

    /// What shall happen has.
    [[nodiscard]] bool complete() const { return happenings.complete(merges_ ? "" : "segment.merged"); }

    /// Opens it unless the last life has done so, checks it, and lets all threads loose until `end`; then one of them
    /// closes it in the middle of what the others do.
    void live_until(Time end) {
        Shared now = next_ != nullptr ? std::move(*std::exchange(next_, nullptr)) : open();
        check(now);
        Life life{.collection = &now, .happenings = &happenings};
        choose_kind(life);
        if (life.calm) now.optimize().value();
        ++lives_;
        const std::size_t closer = lives_ % thread_count;
        std::vector<std::string> failures(thread_count);
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < thread_count; ++t) {
            threads.emplace_back([&, t] {
                try {
                    if (t != closer) return workers_[t].run(life);
                    workers_[t].run_and_close(life, end, [&] {
                        // As a disk that was full leaves it: the next checkpoint makes another.
                        std::filesystem::remove(directory_ / "points.sxt/reserve");
                        // While others are still in calls of the one before.
                        if (lives_ % 3 != 0) next_ = std::make_unique<Shared>(open());
                    });
                } catch (const std::exception& exception) {
                    failures[t] = exception.what();
                    if (t == closer) now.close().ignore("it is open or not; the others shall come to an end");
                }
            });
        }
        for (auto& thread : threads) thread.join();
        for (const std::string& failure : failures) {
            INFO("life " << lives_ << ": " << happenings.to_string());
            REQUIRE(failure == "");
        }
    }
    /// After the last life.
    void end() {
        {
            auto last = next_ != nullptr ? std::move(*std::exchange(next_, nullptr)) : open();
            check(last);
            last.optimize().value();
            check(last);
        }
        CHECK(memory_.used() == 0);
        CHECK(happenings.errors == 0);
        std::uint64_t writes = 0;
        std::uint64_t searches = 0;
        std::uint64_t reads = 0;
        for (const Worker& worker : workers_) {
            writes += worker.writes;
            searches += worker.searches;
            reads += worker.reads;
        }
        std::cout << lives_ << " lives of " << thread_count << " threads: " << writes << " writes, " << searches
                  << " searches, " << reads << " reads, at most " << memory_.peak() / 1'000'000 << " MB; "
                  << happenings.to_string() << std::endl;
    }

    Happenings happenings;

private:
    /// First what brings about what has not happened yet; then one kind after the other.
    void choose_kind(Life& life) const {
        const std::uint64_t turn = complete() ? lives_ % 6 : 5;
        life.calm = turn == 0 || (turn == 5 && lives_ > 0 && happenings.of("segment.compacted") == 0);
        life.optimizes =
            turn == 1 || (turn == 5 && !life.calm && lives_ > 1 && happenings.of("optimize cancelled") == 0);
        life.grows = merges_ && !life.calm && !life.optimizes && (turn == 2 || happenings.of("segment.merged") == 0);
    }
    Shared open() {
        static constexpr std::array kinds = {Residency::resident, Residency::mapped, Residency::mapped_vectors,
                                             Residency::mapped, Residency::mapped_vectors};
        OpenOptions options;
        // Else on threads of its own.
        if (lives_ % 4 < 3) options.executor = std::make_shared<ThreadPoolExecutor>(3);
        options.residency = kinds[lives_ % kinds.size()];
        options.memory = &memory_;
        options.events = &happenings;
        options.files = &files_;
        if (lives_ % 7 == 5) options.background_bytes_per_second = std::uint64_t{4} << 20U;
        return Shared::open(directory_ / "points.sxt",
                            {.dimension = shared_dimension, .index = {.m = 4, .ef_construction = 8}}, options)
            .value();
    }
    void check(Shared& collection) const {
        const RecoveryReport recovery = collection.stats().value().recovery;
        CHECK(recovery.clean == (lives_ > 0));
        CHECK(recovery.torn_bytes == 0);
        CHECK(recovery.rebuilt.empty());
        std::vector<const Book*> books;
        for (const Worker& worker : workers_) books.push_back(&worker.book());
        REQUIRE(difference(collection, books) == "");
        collection.verify(Depth::full).value();
    }

    const sextant_test::TestDirectory directory_;
    const std::unique_ptr<FileSystem> disk_ = posix_file_system();
    HookedFiles files_;
    const bool merges_;
    MemoryAccount memory_{"shared"};
    std::vector<Worker> workers_;
    std::uint64_t lives_ = 0;
    std::unique_ptr<Shared> next_;
};

/// So many lives in so much time; more where something that shall happen has not.
void live(std::chrono::milliseconds duration, int lives, bool merges) {
    Scene scene(merges);
    const Time begin = std::chrono::steady_clock::now();
    const auto slot = duration / lives;
    for (int i = 0; i < 20 * lives && (i < lives || !scene.complete()); ++i) {
        scene.live_until(std::max(begin + (i + 1) * slot, std::chrono::steady_clock::now() + slot * 2 / 3));
    }
    scene.end();
    CAPTURE(scene.happenings.to_string());
    CHECK(scene.complete());
}

}  // namespace

TEST_CASE("sixteen threads do everything at once on a directory that is closed under them", "[durable][threads]") {
    live(std::chrono::seconds(15), 5, false);
}

TEST_CASE("sixteen threads do everything at once on a directory that is closed under them for twenty minutes",
          "[.][durable][threads][soak]") {
    live(std::chrono::minutes(20), 100, true);
}
