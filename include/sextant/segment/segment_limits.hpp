/// segment_limits: how large a growing segment becomes before it is sealed. Decided here and nowhere else.
/// Threads: pure functions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sextant::inline v1 {

/// Rows of a growing segment. A graph over more rows costs each insert more (log n hops, all of them cache misses past
/// the third level), and a segment is the unit of sealing: 2^18 rows of 768 floats are 0.8 GiB, built in minutes.
inline constexpr std::uint32_t growing_max_rows = std::uint32_t{1} << 18U;
/// Bytes of raw vectors and of payload blobs of a growing segment; past either it is full.
inline constexpr std::uint64_t growing_max_bytes = std::uint64_t{1} << 30U;
/// The same as a share of a limit on memory, where sealed rows leave it: one that fills and two that wait to be sealed
/// take a third of the limit, with codes and graph.
inline constexpr std::uint64_t growing_share_of_memory = 12;
/// Never fewer rows than this, however wide they are.
inline constexpr std::uint32_t growing_min_rows = 1024;

[[nodiscard]] constexpr std::uint32_t growing_rows_for(std::uint64_t vector_bytes_per_row,
                                                       std::uint64_t most_bytes = growing_max_bytes) noexcept {
    const std::uint64_t by_bytes = most_bytes / std::max<std::uint64_t>(vector_bytes_per_row, 1);
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(by_bytes, growing_min_rows, growing_max_rows));
}

}  // namespace sextant::inline v1
