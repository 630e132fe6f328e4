// A durable collection of policies that a user wrote: all of it comes back.
#include <vector>

#include "collection/durable_support.hpp"
#include "support/catch.hpp"
#include "support/custom_policies.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace sextant::test;
using namespace test_support;

namespace {

using Own = Collection<Manhattan, MappedStorage, Wide>;

constexpr const char* path = "points.sxt";
constexpr std::size_t dimension = 6;

Result<Own> open_own(SimDisk& disk, Residency residency, std::optional<float> margin = std::nullopt) {
    OpenOptions options = inline_on(disk.files());
    options.residency = residency;
    Own::Options own{.dimension = dimension};
    if (margin.has_value()) own.quantizer = Wide::Options{.margin = *margin};
    return Own::open(path, own, options);
}

std::vector<PointId> answers(const Own& collection) {
    std::vector<PointId> all;
    for (std::uint64_t seed = 5000; seed < 5010; ++seed) {
        for (const bool exact : {false, true}) {
            const auto hits =
                collection.search({.vector = seeded_vector(seed, dimension), .k = 5, .exact = exact}).value();
            for (const PointId id : ids_of(hits)) all.push_back(id);
        }
    }
    return all;
}

}  // namespace

TEST_CASE("a collection of a user's metric and quantizer is the same after closing and opening", "[durable]") {
    SimDisk disk;
    Contents before;
    std::vector<PointId> found;
    {
        auto collection = open_own(disk, Residency::resident, 2.0F).value();
        for (std::uint64_t id = 0; id < 400; ++id) {
            collection.upsert(PointId{id}, seeded_vector(id, dimension), {{"n", id}}).value();
        }
        collection.optimize().value();
        for (std::uint64_t id = 400; id < 420; ++id) {
            collection.upsert(PointId{id}, seeded_vector(id, dimension)).value();
        }
        before = contents(collection);
        found = answers(collection);
    }
    for (const Residency residency : {Residency::resident, Residency::mapped_vectors, Residency::mapped}) {
        const auto collection = open_own(disk, residency).value();
        check_same(contents(collection), before);
        CHECK(answers(collection) == found);
        CHECK(collection.verify(Depth::full));
        CHECK(collection.stats().value().recovery.rebuilt.empty());
    }
    // Its options are stored as those of the library's own are.
    CHECK(open_own(disk, Residency::resident, 2.0F).has_value());
    const auto other = open_own(disk, Residency::resident, 3.0F);
    REQUIRE_FALSE(other);
    CHECK(mentions(other.error(), "quantizer"));
    using WithoutCodes = Collection<Manhattan, MappedStorage>;
    CHECK_FALSE(WithoutCodes::open(path, {.dimension = dimension}, inline_on(disk.files())));
}

TEST_CASE("a codebook that a user's quantizer refuses is trained anew", "[durable]") {
    SimDisk disk;
    {
        auto collection = open_own(disk, Residency::resident).value();
        for (std::uint64_t id = 0; id < 100; ++id) {
            collection.upsert(PointId{id}, seeded_vector(id, dimension)).value();
        }
        collection.optimize().value();
    }
    const std::string codebook = std::string(path) + "/seg/000001/v0/codebook";
    REQUIRE(disk.files().exists(codebook).value());
    flip_byte(disk, codebook, 70);
    const auto collection = open_own(disk, Residency::resident).value();
    CHECK(collection.stats().value().recovery.rebuilt.size() == 1);
    CHECK(collection.verify(Depth::full));
    CHECK(answers(collection).size() == 100);
}
