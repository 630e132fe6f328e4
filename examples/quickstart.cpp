// Quickstart: open a collection in memory, write points, search under a filter.
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "sextant/sextant.hpp"

namespace sx = sextant;

// Cosine similarity; everything in memory; searched as 8-bit codes, ranked by the vectors themselves.
using Photos = sx::Collection<sx::Cosine, sx::MemoryStorage, sx::ScalarQuantizer>;

namespace {

constexpr std::size_t dimension = 64;

// Stands in for a model: photos taken in the same direction have similar embeddings.
std::vector<float> embed(double direction) {
    std::vector<float> embedding(dimension);
    for (std::size_t i = 0; i < dimension; ++i) {
        const double off = direction - static_cast<double>(i);
        embedding[i] = static_cast<float>(1.0 / (1.0 + off * off));
    }
    return embedding;
}

}  // namespace

int main() {
    auto opened = Photos::open({.dimension = dimension});
    if (!opened) {
        std::fprintf(stderr, "open: %s\n", opened.error().message.c_str());
        return EXIT_FAILURE;
    }
    Photos photos = std::move(opened).value();

    // One point: acknowledged when the call returns, found by the next search.
    photos.upsert(sx::PointId{42}, embed(20.0), {{"year", 2024}, {"place", {{"lat", 48.85}, {"lon", 2.35}}}}).value();

    // Many at once: all of them become visible together, or none.
    sx::WriteBatch batch;
    for (std::uint64_t i = 100; i < 1'100; ++i) {
        const std::uint64_t year = 2015 + i % 10;
        batch.upsert(sx::PointId{i}, embed(static_cast<double>(i % 64)), {{"year", year}, {"tags", {"beach", "sun"}}});
    }
    batch.erase(sx::PointId{100});
    photos.write(std::move(batch)).value();

    const std::vector<float> query = embed(20.4);
    const auto hits =
        photos
            .search(
                {.vector = query, .k = 5, .filter = sx::field("year") >= 2020 && sx::field("tags").matches("beach")})
            .value();
    std::printf("%zu of %llu photos match the filter\n", hits.size(),
                static_cast<unsigned long long>(photos.count(sx::field("year") >= 2020).value()));
    for (const sx::Hit& hit : hits) {
        std::printf("  %-6s score %.4f  %s\n", hit.id.to_string().c_str(), static_cast<double>(hit.score),
                    hit.payload.dump().c_str());
    }

    // What is wrong is said, and nothing changes.
    const auto refused = photos.upsert(sx::PointId{7}, std::vector<float>(3), {});
    std::printf("as expected: %s\n", refused ? "accepted?" : refused.error().message.c_str());
    return hits.size() == 5 && !refused ? EXIT_SUCCESS : EXIT_FAILURE;
}
