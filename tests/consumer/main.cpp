// What a user's first program looks like; built against an installed, a moved and an embedded sextant.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sextant/sextant.hpp"

namespace sx = sextant;

int main() {
    if (std::strcmp(sx::version_string, EXPECTED_VERSION) != 0) return EXIT_FAILURE;
    auto opened = sx::Collection<sx::SquaredL2>::open({.dimension = 2});
    if (!opened) return EXIT_FAILURE;
    auto points = std::move(opened).value();

    const std::array<float, 2> near = {1.0F, 1.0F};
    const std::array<float, 2> far = {9.0F, 9.0F};
    points.upsert(sx::PointId{1}, near, {{"name", "near"}}).value();
    points.upsert(sx::PointId{2}, far, {{"name", "far"}}).value();

    const std::array<float, 2> query = {0.0F, 0.0F};
    auto hits = points.search({.vector = query, .k = 1}).value();
    if (hits.size() != 1 || hits[0].id != sx::PointId{1} || hits[0].payload["name"] != "near") return EXIT_FAILURE;

    const auto refused = points.upsert(sx::PointId{3}, std::array<float, 3>{}, {});
    if (refused || refused.error().code != sx::ErrorCode::invalid_argument) return EXIT_FAILURE;
    std::printf("found %s\n", hits[0].payload["name"].get<std::string>().c_str());
    return EXIT_SUCCESS;
}
