// Collections of RaBitQ codes: in memory and in a directory, like those of any other quantizer.
#include <vector>

#include "collection/durable_support.hpp"
#include "collection/grouped_points.hpp"
#include "support/catch.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 64;
const GroupedPoints points{.dimension = dimension};

}  // namespace

TEMPLATE_TEST_CASE("collections of RaBitQ codes find what exact searches find", "[quantizer]", SquaredL2, InnerProduct,
                   Cosine) {
    using C = Collection<TestType, MemoryStorage, RabitqQuantizer>;
    const std::uint32_t bits = GENERATE(1U, 2U, 4U);
    typename C::Options options;
    options.dimension = dimension;
    options.quantizer = {.bits = bits};
    auto collection = C::open(options, inline_work()).value();
    points.fill(collection);
    CHECK(points.recall_of(collection) > 0.9);
    CHECK(collection.verify(Depth::full));
    const auto bytes = collection.stats().value().segments.at(0).bytes;
    CHECK(bytes.codes < bytes.vectors / 4);
}

TEST_CASE("collections of RaBitQ codes are stored, opened and checked like others", "[durable][quantizer]") {
    using C = Collection<Cosine, MappedStorage, RabitqQuantizer>;
    SimDisk disk;
    std::vector<PointId> before;
    const std::vector<float> query = points.stranger(0);
    {
        C::Options options;
        options.dimension = dimension;
        options.quantizer = {.bits = 2};
        auto collection = C::open("points.sxt", options, inline_on(disk.files())).value();
        points.fill(collection);
        before = ids_of(collection.search({.vector = query, .k = 10}).value());
        collection.close().value();
    }
    for (const Residency residency : {Residency::resident, Residency::mapped}) {
        OpenOptions open = inline_on(disk.files());
        open.residency = residency;
        auto collection = C::open("points.sxt", {}, open).value();
        CHECK(ids_of(collection.search({.vector = query, .k = 10}).value()) == before);
        CHECK(collection.verify(Depth::full));
        CHECK(collection.stats().value().recovery.rebuilt.empty());
        collection.close().value();
    }
    C::Options other;
    other.quantizer = {.bits = 3};
    const auto refused = C::open("points.sxt", other, inline_on(disk.files()));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid_argument);
}

TEST_CASE("RaBitQ codes and graphs are made anew when points change", "[quantizer]") {
    using C = Collection<SquaredL2, MemoryStorage, RabitqQuantizer>;
    C::Options options;
    options.dimension = dimension;
    options.quantizer = {.bits = 1};
    auto first = C::open(options, inline_work()).value();
    points.fill(first);
    // Half of the points again, and a rebuild: codes are trained and rows linked anew over what is left.
    for (std::uint64_t id = 0; id < points.count / 2; ++id) first.upsert(PointId{id}, points.vector(id + 7)).value();
    first.optimize().value();
    CHECK(first.verify(Depth::full));
    CHECK(first.stats().value().segments.size() == 1);
    CHECK(points.recall_of(first) > 0.9);
}
