/// Calibration: what a sealed segment found out about itself when it was made, by searching for some of its own rows: how
/// deep codes must be rescored, and which ef finds how many of the true neighbours. Stored with the segment.
/// Invariants: points rise in ef and do not fall in recall.
/// Threads: a value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sextant::inline v1 {

struct CalibrationPoint {
    std::uint32_t ef = 0;
    float recall = 0.0F;  ///< recall@10, rescored

    friend bool operator==(const CalibrationPoint&, const CalibrationPoint&) = default;
};

struct Calibration {
    static constexpr std::size_t most_points = 16;
    /// Depths are looked at up to here, as a multiple of k.
    static constexpr float most_oversampling = 100.0F;
    /// Share of the true neighbours that must be among the rescored rows for a depth to be deep enough.
    static constexpr double depth_recall = 0.99;

    std::uint32_t queries = 0;  ///< rows that were searched for; 0: nothing was measured
    std::uint32_t point_count = 0;
    float code_recall = 1.0F;  ///< recall@10 of all rows ranked by codes alone
    /// Rows to rescore ÷ k for depth_recall; most_oversampling where no depth that was looked at is enough. 0: there are
    /// no codes.
    float oversampling = 0.0F;
    std::array<CalibrationPoint, most_points> points = {};

    [[nodiscard]] std::span<const CalibrationPoint> measured() const noexcept {
        return std::span(points).first(point_count);
    }
    /// The pool that finds `target` of the k true neighbours, going by the points; between two of them on the line that
    /// joins them, past the last one twice its ef. 0: nothing was measured. REQUIRES: 0 < target ≤ 1.
    [[nodiscard]] std::size_t ef_for(float target, std::size_t k) const noexcept;
    /// Rows to rescore where k are ranked.
    [[nodiscard]] std::size_t depth_for(std::size_t k) const noexcept;

    friend bool operator==(const Calibration&, const Calibration&) = default;
};

}  // namespace sextant::inline v1
