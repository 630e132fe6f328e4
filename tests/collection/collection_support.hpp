/// collection_support: points for tests of collections, and executors to run them on.
#pragma once

#include <sextant/sextant.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/sample_vectors.hpp"

namespace test_support {

using L2 = sextant::Collection<sextant::SquaredL2>;
using L2Codes = sextant::Collection<sextant::SquaredL2, sextant::MemoryStorage, sextant::ScalarQuantizer>;
using Angles = sextant::Collection<sextant::Cosine>;
using AngleCodes = sextant::Collection<sextant::Cosine, sextant::MemoryStorage, sextant::ScalarQuantizer>;
using Products = sextant::Collection<sextant::InnerProduct>;

/// All work inside the calls.
inline sextant::OpenOptions inline_work() { return {.executor = std::make_shared<sextant::InlineExecutor>()}; }
inline sextant::OpenOptions threads(std::size_t count) {
    return {.executor = std::make_shared<sextant::ThreadPoolExecutor>(count)};
}

/// Points 0 .. vectors.size() - 1, in batches; payload {"n": i}.
template <class C>
void fill(C& collection, const Vectors& vectors, std::size_t first = 0, bool payload = false) {
    constexpr std::size_t batch_size = 500;
    for (std::size_t i = first; i < vectors.size(); i += batch_size) {
        sextant::WriteBatch batch;
        for (std::size_t j = i; j < std::min(i + batch_size, vectors.size()); ++j) {
            batch.upsert(sextant::PointId{j}, vectors[j], payload ? sextant::Payload{{"n", j}} : sextant::Payload());
        }
        collection.write(std::move(batch)).value();
    }
}

inline std::vector<sextant::PointId> ids_of(const sextant::SearchResult& result) {
    std::vector<sextant::PointId> ids;
    for (const auto& hit : result) ids.push_back(hit.id);
    return ids;
}

/// Share of the exact answer that `got` has.
inline double recall(const sextant::SearchResult& got, const sextant::SearchResult& exact) {
    const auto ids = ids_of(got);
    std::size_t common = 0;
    for (const auto& hit : exact) common += std::find(ids.begin(), ids.end(), hit.id) != ids.end() ? 1U : 0U;
    return exact.empty() ? 1.0 : static_cast<double>(common) / static_cast<double>(exact.size());
}

inline bool mentions(const sextant::Error& error, const std::string& word) {
    return error.message.find(word) != std::string::npos;
}

}  // namespace test_support
