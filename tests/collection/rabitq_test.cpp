// Collections of RaBitQ codes: in memory and in a directory, like those of any other quantizer.
#include <set>
#include <vector>

#include "collection/durable_support.hpp"
#include "support/catch.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 64;
constexpr std::uint64_t count = 3000;

/// One of 40 groups, and something of its own.
std::vector<float> grouped_vector(std::uint64_t id) {
    std::vector<float> vector = seeded_vector(id % 40, dimension);
    const std::vector<float> own = seeded_vector(1000 + id, dimension);
    for (std::size_t i = 0; i < dimension; ++i) vector[i] += 0.15F * own[i];
    return vector;
}

template <class C>
void fill(C& collection) {
    for (std::uint64_t id = 0; id < count; id += 500) {
        WriteBatch batch;
        for (std::uint64_t i = id; i < id + 500; ++i) batch.upsert(PointId{i}, grouped_vector(i));
        collection.write(std::move(batch)).value();
    }
    collection.optimize().value();
}

template <class C>
double recall_of(const C& collection) {
    std::size_t found = 0;
    for (std::uint64_t q = 0; q < 50; ++q) {
        const std::vector<float> query = grouped_vector(100'000 + q);
        const auto truth = collection.search({.vector = query, .k = 10, .exact = true}).value();
        std::set<PointId> ids;
        for (const Hit& hit : truth) ids.insert(hit.id);
        for (const Hit& hit : collection.search({.vector = query, .k = 10}).value()) found += ids.count(hit.id);
    }
    return static_cast<double>(found) / 500.0;
}

}  // namespace

TEMPLATE_TEST_CASE("collections of RaBitQ codes find what exact searches find", "[quantizer]", SquaredL2, InnerProduct,
                   Cosine) {
    using C = Collection<TestType, MemoryStorage, RabitqQuantizer>;
    const std::uint32_t bits = GENERATE(1U, 2U, 4U);
    typename C::Options options;
    options.dimension = dimension;
    options.quantizer = {.bits = bits};
    auto collection = C::open(options, inline_work()).value();
    fill(collection);
    CHECK(recall_of(collection) > 0.9);
    CHECK(collection.verify(Depth::full));
    const auto bytes = collection.stats().value().segments.at(0).bytes;
    CHECK(bytes.codes < bytes.vectors / 4);
}

TEST_CASE("collections of RaBitQ codes are stored, opened and checked like others", "[durable][quantizer]") {
    using C = Collection<Cosine, MappedStorage, RabitqQuantizer>;
    SimDisk disk;
    std::vector<PointId> before;
    const std::vector<float> query = grouped_vector(100'000);
    {
        C::Options options;
        options.dimension = dimension;
        options.quantizer = {.bits = 2};
        auto collection = C::open("points.sxt", options, inline_on(disk.files())).value();
        fill(collection);
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
    fill(first);
    // Half of the points again, and a rebuild: codes are trained and rows linked anew over what is left.
    for (std::uint64_t id = 0; id < count / 2; ++id) first.upsert(PointId{id}, grouped_vector(id + 7)).value();
    first.optimize().value();
    CHECK(first.verify(Depth::full));
    CHECK(first.stats().value().segments.size() == 1);
    CHECK(recall_of(first) > 0.9);
}
