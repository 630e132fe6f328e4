/// scan_frames: which frames lie behind a place where there is none: what tells a torn tail from a damaged log.
/// Cost: reads the rest of the file; checksums at most a few times its size, whatever it holds.
#pragma once

#include <cstdint>
#include <optional>

#include "sextant/format/wal_frame.hpp"
#include "wal/log_window.hpp"

namespace sextant::inline v1::detail {

struct FrameScan {
    std::uint64_t frames = 0;  ///< valid ones, of effects past `expected` or saying that the log was closed there
    std::uint64_t bytes = 0;   ///< of these frames
    std::uint64_t end = 0;     ///< where the last of them ends; the position that was scanned from if there is none
    std::uint64_t last = 0;    ///< highest Lsn of an effect in them
    /// One of them was written when the effects up to this Lsn were on disk.
    std::uint64_t synced = 0;
    /// So much looked like frames that not all of it was checked: made so on purpose. `frames` may be too few.
    bool gave_up = false;
    /// Where the first of them is, and the Lsn of its first effect.
    std::optional<std::uint64_t> next_position = std::nullopt;
    std::uint64_t next_first = 0;
};

/// Looks at each multiple of 8 from `position` on. Frames whose first Lsn is below `expected` do not count.
[[nodiscard]] Result<FrameScan> scan_frames(LogWindow& window, const format::FileIdentity& identity,
                                            std::uint64_t position, std::uint64_t expected);

/// The frame at `position`.
[[nodiscard]] Result<format::ParsedFrame> read_frame(LogWindow& window, const format::FileIdentity& identity,
                                                     std::uint64_t position);

}  // namespace sextant::inline v1::detail
