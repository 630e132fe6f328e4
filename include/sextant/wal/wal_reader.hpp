/// wal_reader: what a log says after its process ended, however it ended; docs/format/wal.md has the rules and why.
/// Invariants: what the sink sees is a prefix of what was appended, without a gap behind `flushed`; where effects are
/// missing that were known to be on disk, that is reported and never passed over.
/// Threads: one call at a time for one log, and no writer beside it.
/// Cost: reads each file that holds effects past `flushed` once; memory for the largest frame, 1 MiB at least.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sextant/core/function_ref.hpp"
#include "sextant/core/result.hpp"
#include "sextant/format/wal_frame.hpp"
#include "sextant/wal/wal_files.hpp"

namespace sextant::inline v1 {

struct WalDamage {
    std::string what = {};  ///< a sentence: file, offset, what was found and expected
    /// Valid frames behind the damage, in its file and later ones, as far as they are found.
    std::uint64_t lost_frames = 0;
    std::uint64_t lost_bytes = 0;  ///< of those frames
    std::uint64_t lost_last = 0;   ///< highest Lsn in them; 0: there are none
};

struct WalEnd {
    std::uint64_t last = 0;              ///< Lsn of the last effect replayed or already flushed
    std::uint64_t next_file_number = 1;  ///< for WalWriter::create
    bool clean = false;                  ///< the log was closed: nothing can be missing
    /// Bytes of frames that a crash cut off, as far as they can be told from what a recycled file held before. Nobody
    /// was promised that they last.
    std::uint64_t torn_bytes = 0;
    std::optional<WalDamage> damage = std::nullopt;
    /// Files that could not be read, or are not of this log, and what is wrong with each. Whether effects were in them that
    /// are nowhere else, `damage` says.
    std::vector<std::string> passed_over = {};
};

enum class OnWalDamage : std::uint8_t {
    fail,  ///< corruption
    /// Replay what lies before it, and say so in WalEnd::damage. A file that cannot be read, or is not of this log, is
    /// taken for one whose header is damaged.
    stop,
};

/// Calls `sink` with each frame of effects that holds one past `flushed`, in order; its first effects may be flushed
/// already. `path` and `position` say where the frame begins. The frame lives until the sink returns; its payload begins
/// at a multiple of 8 in memory.
/// sync_tail: syncs the last file before returning, as what was read back after a process was killed need not be on
/// disk yet. False only where nothing will be written; no WalWriter may be made then.
[[nodiscard]] Result<WalEnd> replay_wal(
    const WalPlace& place, std::uint64_t flushed, OnWalDamage on_damage, bool sync_tail,
    FunctionRef<Result<void>(const format::WalFrame&, const std::string& path, std::uint64_t position)> sink);

}  // namespace sextant::inline v1
