/// FlatIndex: looks at every admitted row of a range: exact, and the fastest way where few rows are admitted.
/// Threads: immutable; scratch is confined.
/// Cost: rows are scored in blocks of 256: as a stream where most of a block is admitted, by list otherwise. The list of
/// a block without admitted rows is never scored, so a sparse filter costs its own rows and one look at each of its words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sextant/concepts/index.hpp"
#include "sextant/core/row_id.hpp"
#include "sextant/core/types.hpp"
#include "sextant/index/candidate_pool.hpp"

namespace sextant::inline v1 {

/// Kept by the caller; allocates nothing once it has seen the largest answer.
class FlatScratch {
public:
    static constexpr std::size_t block_rows = 256;

    /// Throws std::bad_alloc.
    void reserve(std::size_t results) {
        best.reserve(results);
        rows.resize(block_rows);
        distances.resize(block_rows);
    }

    // Used by FlatIndex; not for callers.
    CandidatePool best;
    std::vector<RowId> rows;
    std::vector<float> distances;
};

class FlatIndex {
public:
    using Scratch = FlatScratch;

    /// Rows [first, end).
    constexpr FlatIndex(std::uint32_t first, std::uint32_t end) noexcept : first_(first), end_(end) {}
    explicit constexpr FlatIndex(std::uint32_t row_count) noexcept : FlatIndex(0, row_count) {}

    /// Exact but for the scorer: params.ef plays no part. A scorer without score_consecutive is asked by list.
    [[nodiscard]] std::size_t search(const RowScorer& scorer, const RowFilter& filter, const SearchParams& params,
                                     FlatScratch& scratch, std::span<Neighbor> out,
                                     SearchCounters& counters) const noexcept;

private:
    std::uint32_t first_;
    std::uint32_t end_;
};

static_assert(Index<FlatIndex>);

}  // namespace sextant::inline v1
