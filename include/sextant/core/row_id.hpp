/// row_id: the plain types that kernels, indexes and segments exchange. No header but <cstdint> and <cstddef>:
/// kernel translation units include this, and must not see inline functions of the standard library.
/// Threads: values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sextant::inline v1 {

/// A row number within one segment: 0 .. row_count - 1. Rows never move and are never renumbered inside a segment.
enum class RowId : std::uint32_t {};

/// Pads adjacency lists and means "no row".
inline constexpr RowId no_row{0xFFFFFFFFU};

[[nodiscard]] constexpr std::uint32_t to_index(RowId row) noexcept { return static_cast<std::uint32_t>(row); }

/// A row and how far it is: smaller is closer, whatever the metric.
struct Neighbor {
    float distance = 0.0F;
    RowId row = no_row;

    /// Ties are broken by row, so the same data gives the same answer.
    friend constexpr bool operator<(const Neighbor& a, const Neighbor& b) noexcept {
        return a.distance < b.distance || (a.distance == b.distance && to_index(a.row) < to_index(b.row));
    }
    friend constexpr bool operator==(const Neighbor& a, const Neighbor& b) noexcept = default;
};

}  // namespace sextant::inline v1
