/// HnswlibIndex: hnswlib (Malkov & Yashunin's own library, header-only) as its users call it, behind a wall: its header
/// defines functions that are not inline, and is compiled with -O3 -march=native in one translation unit.
/// Cosine is measured the way hnswlib does it: vectors normalised before they are given, inner product space.
/// Threads: add and search may run at once from several threads, as hnswlib allows; set_ef not beside a search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "support/ground_truth.hpp"

namespace sextant_bench {

class HnswlibIndex {
public:
    HnswlibIndex(Metric metric, std::size_t dimension, std::size_t capacity, std::size_t m,
                 std::size_t ef_construction);
    ~HnswlibIndex();
    HnswlibIndex(const HnswlibIndex&) = delete;
    HnswlibIndex& operator=(const HnswlibIndex&) = delete;

    /// REQUIRES: unit length under cosine. A label that exists is updated in place.
    void add(const float* vector, std::size_t label);
    void erase(std::size_t label);
    void set_ef(std::size_t ef);
    /// Labels, closest first; returns how many.
    std::size_t search(const float* query, std::size_t k, std::uint32_t* labels) const;

    /// Everything the index holds, computed from its structure: level-0 rows (links, vector, label), upper links, level,
    /// pointer and mutex a row, the label map (one node and one bucket an entry) and one visited list.
    [[nodiscard]] double bytes() const;

    static constexpr const char* version = "0.6.2";  ///< Debian 12's; the header does not say

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sextant_bench
