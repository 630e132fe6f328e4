/// grouped_points: points in 40 groups, and what a collection of their codes finds of them.
#pragma once

#include <sextant/sextant.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "collection/durable_support.hpp"

namespace test_support {

struct GroupedPoints {
    std::size_t dimension = 0;
    std::uint64_t count = 3000;

    /// One of 40 groups, and something of its own.
    [[nodiscard]] std::vector<float> vector(std::uint64_t id) const {
        std::vector<float> values = seeded_vector(id % 40, dimension);
        const std::vector<float> own = seeded_vector(1000 + id, dimension);
        for (std::size_t i = 0; i < dimension; ++i) values[i] += 0.15F * own[i];
        return values;
    }
    /// One that is not among them.
    [[nodiscard]] std::vector<float> stranger(std::uint64_t number) const { return vector(100'000 + number); }

    template <class C>
    void fill(C& collection) const {
        for (std::uint64_t id = 0; id < count; id += 500) {
            sextant::WriteBatch batch;
            for (std::uint64_t i = id; i < id + 500; ++i) batch.upsert(sextant::PointId{i}, vector(i));
            collection.write(std::move(batch)).value();
        }
        collection.optimize().value();
    }

    /// recall@10 of 50 strangers.
    template <class C>
    [[nodiscard]] double recall_of(const C& collection) const {
        std::size_t found = 0;
        for (std::uint64_t q = 0; q < 50; ++q) {
            const std::vector<float> query = stranger(q);
            std::set<sextant::PointId> truth;
            for (const auto& hit : collection.search({.vector = query, .k = 10, .exact = true}).value()) {
                truth.insert(hit.id);
            }
            for (const auto& hit : collection.search({.vector = query, .k = 10}).value()) found += truth.count(hit.id);
        }
        return static_cast<double>(found) / 500.0;
    }
};

}  // namespace test_support
