/// field_scan: consecutive rows scored in chunks, the closest admitted ones kept.
/// Threads: confined.
#pragma once

#include <cstdint>
#include <span>

#include "sextant/concepts/index.hpp"
#include "sextant/concepts/row_scorer.hpp"
#include "sextant/core/types.hpp"
#include "sextant/segment/field_top_rows.hpp"

namespace sextant::inline v1::detail {

/// Rows per kernel call: 512 results are 2 KiB, so they and their order stay in the L1 cache.
inline constexpr std::size_t scan_chunk = 512;

/// Room for one chunk.
struct ScanBuffers {
    std::span<float> distances;
    std::span<RowId> rows;
    std::span<std::uint32_t> survivors;

    [[nodiscard]] static ScanBuffers take(QueryScratch& scratch) {
        return {scratch.take<float>(scan_chunk), scratch.take<RowId>(scan_chunk),
                scratch.take<std::uint32_t>(scan_chunk)};
    }
};

/// Offers rows [first, last) that pass the filter. `listed`: only admitted rows are scored, by number; else all are,
/// which is cheaper where most are admitted. `first` may be anything; the filter must cover the rows.
void scan_rows(const RowScorer& scorer, std::uint32_t first, std::uint32_t last, const RowFilter& filter, bool listed,
               const std::stop_token* stop, const ScanBuffers& buffers, TopRows& top,
               SearchCounters& counters) noexcept;

/// Offers rows first, first + 1, … whose distances are given.
void offer_chunk(const float* distances, std::size_t count, std::uint32_t first, const RowFilter& filter,
                 std::span<std::uint32_t> survivors, TopRows& top) noexcept;

}  // namespace sextant::inline v1::detail
