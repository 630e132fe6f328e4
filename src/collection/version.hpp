/// Version: the collection as one reader sees it. docs/threading.md says why a reader sees whole batches only.
/// Invariants: never changes once published; of all rows with one id at most one is alive.
/// Threads: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "new_codes.hpp"
#include "sextant/segment/segment.hpp"

namespace sextant::inline v1::detail {

struct Version {
    Lsn last{};  ///< of the last write
    std::uint64_t live_count = 0;
    std::vector<std::shared_ptr<const SegmentState>> segments;  ///< sealed ones first
    std::shared_ptr<const NewCodes> codes;                      ///< null: those it was opened with
    GarbageRef garbage;                                         ///< what goes when this version and all before are gone
    bool closed = false;  ///< what close() leaves: empty, and no answer to anything

    /// Null when the version does not have the segment.
    [[nodiscard]] const SegmentState* state_of(const Segment& wanted) const noexcept {
        for (const auto& state : segments) {
            if (state->segment.get() == &wanted) return state.get();
        }
        return nullptr;
    }

    struct Place {
        std::size_t segment = 0;
        RowId row = no_row;
    };
    /// Where the point lives; row is no_row when it does not.
    [[nodiscard]] Place find(const PointId& id, std::uint64_t hash) const noexcept {
        // The newest segment first: what was written last is asked for most.
        for (std::size_t i = segments.size(); i-- > 0;) {
            const RowId row = segments[i]->find(id, hash);
            if (row != no_row) return {i, row};
        }
        return {};
    }
};

}  // namespace sextant::inline v1::detail
