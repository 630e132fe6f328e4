// Every point is overwritten again and again: what the collection takes on the disk, in memory and of descriptors stays
// near what a fresh one of the same points takes.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <thread>

#include "collection/durable_support.hpp"
#include "io/test_directory.hpp"
#include "support/catch.hpp"
#include "support/sanitized.hpp"

using namespace sextant;
using namespace test_support;

namespace {

using Points = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;

struct Shape {
    std::uint64_t points;
    std::size_t dimension;
    std::uint64_t cycles;
    bool prints = false;
};

/// What a collection takes once its background work has come to rest.
struct Footprint {
    std::uint64_t disk = 0;         ///< bytes of all files
    std::uint64_t log = 0;          ///< of them, of the log
    std::uint64_t memory = 0;       ///< charged to its account
    std::uint64_t resident = 0;     ///< pages that the process keeps to itself: code, tests and all
    std::uint64_t dead = 0;         ///< rows
    std::uint64_t descriptors = 0;  ///< open in the process
};

std::uint64_t bytes_below(const std::string& path) {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
}

std::uint64_t resident_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) * 1024;
    }
    return 0;
}

std::uint64_t open_descriptors() {
    const std::filesystem::directory_iterator entries("/proc/self/fd");
    return static_cast<std::uint64_t>(std::distance(begin(entries), end(entries))) - 1;  // the listing's own
}

Footprint settled(Points& collection, const std::string& path) {
    collection.wait_until_indexed().value();
    Stats stats = collection.stats().value();
    while (stats.linking || stats.rebuilding) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        stats = collection.stats().value();
    }
    REQUIRE_FALSE(stats.background_error.has_value());
    return {.disk = bytes_below(path),
            .log = bytes_below(path + "/wal"),
            .memory = stats.memory_used,
            .resident = resident_bytes(),
            .dead = stats.dead_rows,
            .descriptors = open_descriptors()};
}

/// A point's vector and payload say in which cycle they were written.
std::vector<float> vector_in(const Shape& shape, std::uint64_t id, std::uint64_t cycle) {
    return seeded_vector(cycle * shape.points + id, shape.dimension);
}
Payload payload_in(std::uint64_t id, std::uint64_t cycle) { return {{"n", id}, {"cycle", cycle}}; }

void write_all(Points& collection, const Shape& shape, std::uint64_t cycle) {
    std::vector<std::uint64_t> ids(shape.points);
    std::iota(ids.begin(), ids.end(), std::uint64_t{0});
    Random random(cycle + 1);
    for (std::size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[random.below(i)]);
    constexpr std::size_t batch_rows = 100;
    for (std::size_t first = 0; first < ids.size(); first += batch_rows) {
        WriteBatch batch;
        for (std::size_t i = first; i < std::min(first + batch_rows, ids.size()); ++i) {
            batch.upsert(PointId{ids[i]}, vector_in(shape, ids[i], cycle), payload_in(ids[i], cycle));
        }
        collection.write(std::move(batch)).value();
    }
}

OpenOptions two_threads() { return {.executor = std::make_shared<ThreadPoolExecutor>(2)}; }

Points open_points(const std::string& path, const Shape& shape) {
    return Points::open(path, {.dimension = shape.dimension, .durability = Durability::Os}, two_threads()).value();
}

void check_points(Points& collection, const Shape& shape) {
    CHECK(collection.count().value() == shape.points);
    for (std::uint64_t id = 0; id < shape.points; id += 97) {
        const Record record = collection.get(PointId{id}, {.payload = true, .vector = true}).value();
        CHECK(record.vector == vector_in(shape, id, shape.cycles));
        CHECK(record.payload == payload_in(id, shape.cycles));
    }
    collection.verify().value();
}

double mega(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }
double ratio(std::uint64_t got, std::uint64_t of) { return static_cast<double>(got) / static_cast<double>(of); }

void print(const std::string& what, const Footprint& got) {
    std::printf("%-28s %8.2f MB on disk (log %6.2f)  %8.2f MB charged  %8.2f MB resident  %7llu dead  %3llu files\n",
                what.c_str(), mega(got.disk), mega(got.log), mega(got.memory), mega(got.resident),
                static_cast<unsigned long long>(got.dead), static_cast<unsigned long long>(got.descriptors));
}

struct Outcome {
    Footprint settled;    ///< all points written for the last time
    Footprint most;       ///< the most of each figure after any cycle
    Footprint optimized;  ///< and then optimized
};

Footprint most_of(const Footprint& a, const Footprint& b) {
    return {.disk = std::max(a.disk, b.disk),
            .log = std::max(a.log, b.log),
            .memory = std::max(a.memory, b.memory),
            .resident = std::max(a.resident, b.resident),
            .dead = std::max(a.dead, b.dead),
            .descriptors = std::max(a.descriptors, b.descriptors)};
}

/// Writes all points in each cycle from `first` to the last one: the content is that of the last.
Outcome write_cycles(const Shape& shape, std::uint64_t first) {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    Outcome outcome;
    Points collection = open_points(path, shape);
    for (std::uint64_t cycle = first; cycle <= shape.cycles; ++cycle) {
        write_all(collection, shape, cycle);
        outcome.settled = settled(collection, path);
        outcome.most = most_of(outcome.most, outcome.settled);
        if (shape.prints) print("cycle " + std::to_string(cycle), outcome.settled);
    }
    check_points(collection, shape);
    collection.optimize().value();
    outcome.optimized = settled(collection, path);
    check_points(collection, shape);
    return outcome;
}

/// In a process of its own, so that `resident` is this collection's and what the same process begins with.
Outcome in_child(const Shape& shape, std::uint64_t first) {
    std::fflush(stdout);
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        bool sent = false;
        try {
            const Outcome outcome = write_cycles(shape, first);
            sent = ::write(ends[1], &outcome, sizeof outcome) == sizeof outcome;
        } catch (...) {}
        std::fflush(stdout);
        ::_exit(sent ? 0 : 1);
    }
    REQUIRE(child > 0);
    ::close(ends[1]);
    Outcome outcome;
    const bool received = ::read(ends[0], &outcome, sizeof outcome) == sizeof outcome;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(received);
    REQUIRE(status == 0);
    return outcome;
}

void print(const Outcome& outcome) {
    print("settled", outcome.settled);
    print("  the most after any cycle", outcome.most);
    print("optimized", outcome.optimized);
}

/// `fresh` was written once. Optimized, one sealed segment is all there is; before, up to a fifth of the rows may be dead,
/// and the log still holds rows of the growing segment.
void check_room(const Outcome& rewritten, const Outcome& fresh) {
    CHECK(ratio(rewritten.most.disk, fresh.optimized.disk) <= 1.5);
    CHECK(ratio(rewritten.most.memory, fresh.settled.memory) <= 1.25);
    CHECK(ratio(rewritten.optimized.disk, fresh.optimized.disk) <= 1.1);
    CHECK(ratio(rewritten.optimized.memory, fresh.optimized.memory) <= 1.1);
    CHECK(rewritten.most.descriptors <= fresh.settled.descriptors);
    CHECK(rewritten.optimized.descriptors <= fresh.settled.descriptors);
}

}  // namespace

TEST_CASE("points that are overwritten again and again take no more room", "[durable]") {
    const Shape shape{.points = sanitized ? 10'000 : 20'000, .dimension = 32, .cycles = 3};
    const Outcome fresh = write_cycles(shape, shape.cycles);
    const Outcome rewritten = write_cycles(shape, 1);
    check_room(rewritten, fresh);
}

TEST_CASE("points that are overwritten fifty times take no more room", "[.][soak]") {
    const Shape shape{.points = 20'000, .dimension = 256, .cycles = 50, .prints = true};
    const Outcome fresh = in_child(shape, shape.cycles);
    const Outcome rewritten = in_child(shape, 0);
    std::printf("written once:\n");
    print(fresh);
    std::printf("written fifty times more:\n");
    print(rewritten);
    check_room(rewritten, fresh);
    CHECK(ratio(rewritten.most.resident, fresh.settled.resident) <= 1.25);
    CHECK(ratio(rewritten.optimized.resident, fresh.optimized.resident) <= 1.1);
}
