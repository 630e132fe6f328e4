/// durable_support: points for tests of durable collections, and all that a collection holds.
/// Threads: confined.
#pragma once

#include <sextant/sextant.hpp>

#include <map>
#include <optional>
#include <vector>

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

namespace test_support {

/// Another one for each seed; components from -10 to 10.
inline std::vector<float> seeded_vector(std::uint64_t seed, std::size_t dimension) {
    sextant::Random random(seed + 1);
    std::vector<float> vector(dimension);
    for (float& value : vector) value = static_cast<float>(random.below(2000)) / 100.0F - 10.0F;
    return vector;
}

inline sextant::OpenOptions inline_on(sextant::FileSystem& files) {
    sextant::OpenOptions options = inline_work();
    options.files = &files;
    return options;
}

struct StoredPoint {
    std::vector<float> vector;
    sextant::Payload payload;
    sextant::Lsn version;
};
using Contents = std::map<sextant::PointId, StoredPoint>;

/// Everything a collection holds.
template <class C>
Contents contents(const C& collection) {
    Contents all;
    std::optional<sextant::PointId> after;
    do {
        const sextant::ScrollPage page =
            collection.scroll({.after = after, .limit = 100, .select = {.payload = true, .vector = true}}).value();
        for (const auto& record : page.points) all[record.id] = {record.vector, record.payload, record.version};
        after = page.next;
    } while (after.has_value());
    return all;
}

inline void check_same(const Contents& got, const Contents& expected) {
    REQUIRE(got.size() == expected.size());
    for (const auto& [id, point] : expected) {
        const auto found = got.find(id);
        INFO("id " << id.to_string());
        REQUIRE(found != got.end());
        CHECK(found->second.vector == point.vector);
        CHECK(found->second.payload == point.payload);
        CHECK(found->second.version == point.version);
    }
}

}  // namespace test_support
