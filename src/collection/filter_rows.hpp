/// filter_rows: which rows of a segment pass a filter: by asking it of every live row.
/// Threads: pure functions over immutable states.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "sextant/payload/filter_program.hpp"
#include "sextant/segment/segment.hpp"

namespace sextant::inline v1::detail {

[[nodiscard]] inline bool row_matches(const FilterProgram& program, const SegmentState& state, std::uint32_t row,
                                      Lsn at) noexcept {
    return program.matches(state.ids[row],
                           program.reads_payload() ? state.payload(row, at) : std::span<const std::byte>{});
}

/// Calls body(row) for each live row that passes, in order. False: stopped before the end.
template <class Body>
bool for_each_match(const FilterProgram& program, const SegmentState& state, Lsn at, const std::stop_token* stop,
                    Body&& body) {
    const bool all = program.admits_all();
    for (std::uint32_t row = 0; row < state.row_count; ++row) {
        // 1,024 rows take some 50 µs: soon enough for whoever wants to stop.
        if ((row & 1023U) == 0 && stop != nullptr && stop->stop_requested()) return false;
        if (!state.alive(row)) continue;
        if (all || row_matches(program, state, row, at)) body(row);
    }
    return true;
}

}  // namespace sextant::inline v1::detail
