/// SearchScratch: what one search borrows from the pool. After warm-up it holds all memory a search takes.
/// Threads: confined.
#pragma once

#include <cstdint>
#include <vector>

#include "sextant/core/types.hpp"
#include "sextant/segment/field_scratch.hpp"

namespace sextant::inline v1::detail {

/// A candidate with the segment it lies in.
struct SegmentNeighbor {
    float distance = 0.0F;
    std::uint32_t segment = 0;
    RowId row = no_row;
};

struct SearchScratch {
    FieldScratch field;
    std::vector<std::uint64_t> admitted;    ///< bitmap of the segment at hand
    std::vector<Neighbor> found;            ///< of the segment at hand
    std::vector<std::size_t> found_counts;  ///< per query of a batch
    std::vector<SegmentNeighbor> merged;    ///< of all segments
};

}  // namespace sextant::inline v1::detail
