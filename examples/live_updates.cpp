// Live updates: writers, readers and background indexing at once. No call is ever guarded by a lock of the program's own.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "sextant/sextant.hpp"

namespace sx = sextant;
using Points = sx::Collection<sx::SquaredL2, sx::MemoryStorage, sx::ScalarQuantizer>;

namespace {

constexpr std::size_t dimension = 32;
constexpr std::uint64_t point_count = 4'000;

std::vector<float> random_vector(std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(dimension);
    for (float& value : values) value = normal(generator);
    return values;
}

}  // namespace

int main() {
    Points points = Points::open({.dimension = dimension}).value();
    std::atomic<std::uint64_t> written{0};
    std::atomic<bool> failed{false};

    std::jthread writer([&] {
        for (std::uint64_t id = 1; id <= point_count; ++id) {
            points.upsert(sx::PointId{id}, random_vector(id), {{"parity", id % 2}}).value();
            written.store(id, std::memory_order_release);
        }
    });

    // A point that was acknowledged is found by the next search, whether the graph knows it yet or not.
    std::jthread reader([&] {
        for (std::uint64_t last = 0; last < point_count && !failed;) {
            last = written.load(std::memory_order_acquire);
            if (last == 0) continue;
            const auto hits = points.search({.vector = random_vector(last), .k = 1, .exact = true}).value();
            if (hits.empty() || hits[0].id != sx::PointId{last}) failed = true;
        }
    });
    writer.join();
    reader.join();

    // Half of it goes; the count is exact at once, the memory follows in the background.
    const auto erased = points.erase(sx::field("parity") == 1).value();
    points.wait_until_indexed().value();
    const sx::Stats stats = points.stats().value();
    std::printf("%llu written, %llu erased, %llu live in %zu segments, %.1f MiB\n",
                static_cast<unsigned long long>(point_count), static_cast<unsigned long long>(erased),
                static_cast<unsigned long long>(stats.live_rows), stats.segments.size(),
                static_cast<double>(stats.memory_used) / (1024.0 * 1024.0));
    return !failed && erased == point_count / 2 && stats.live_rows == point_count / 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
