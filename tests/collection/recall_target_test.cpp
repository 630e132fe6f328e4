// Searches that say what recall they want, and leave the rest to what each segment measured.
#include <optional>
#include <vector>

#include "collection/collection_support.hpp"
#include "collection/durable_support.hpp"
#include "support/catch.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

TEST_CASE("a recall target chooses the pool, before and after the collection is opened again", "[search][durable]") {
    SimDisk disk;
    using Stored = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
    const Vectors vectors = clustered_vectors(5000, 16, 73);
    const Vectors strangers = clustered_vectors(40, 16, 74);
    std::optional<Calibration> measured;
    for (int opening = 0; opening < 2; ++opening) {
        auto c = Stored::open("c", {.dimension = 16, .index = {.m = 8, .ef_construction = 24}}, inline_on(disk.files()))
                     .value();
        if (opening == 0) {
            fill(c, vectors);
            c.optimize().value();
            measured = c.stats().value().segments.at(0).calibration;
            REQUIRE(measured.has_value());
        }
        CHECK(c.stats().value().segments.at(0).calibration == measured);
        std::uint64_t modest = 0;
        std::uint64_t strict = 0;
        double found = 0.0;
        for (std::size_t q = 0; q < strangers.size(); ++q) {
            const auto exact = c.search({.vector = strangers[q], .k = 10, .exact = true}).value();
            const auto got = c.search({.vector = strangers[q], .k = 10, .recall_target = 0.95F}).value();
            found += recall(got, exact) / static_cast<double>(strangers.size());
            strict += got.visited;
            modest += c.search({.vector = strangers[q], .k = 10, .recall_target = 0.5F}).value().visited;
            CHECK(ids_of(c.search({.vector = strangers[q], .k = 10, .recall_target = 1.0F}).value()) == ids_of(exact));
        }
        CHECK(found >= 0.91);
        CHECK(modest <= strict);
        c.close().value();
    }
}
