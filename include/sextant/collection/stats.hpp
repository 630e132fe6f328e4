/// Stats, MemoryEstimate, Depth: a look at a collection from outside.
/// Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sextant/concepts/storage.hpp"
#include "sextant/core/error.hpp"
#include "sextant/core/types.hpp"
#include "sextant/format/calibration.hpp"

namespace sextant::inline v1 {

enum class SegmentPhase : std::uint8_t {
    growing,  ///< takes rows
    full,     ///< waits to be sealed
    sealed,
};

/// Bytes by what they hold, as charged to the memory account.
struct PartBytes {
    std::uint64_t vectors = 0;  ///< raw ones, with the padding of their rows
    std::uint64_t codes = 0;    ///< compressed vectors
    std::uint64_t graph = 0;
    std::uint64_t ids = 0;
    std::uint64_t id_map = 0;
    std::uint64_t versions = 0;
    std::uint64_t payloads = 0;  ///< changed ones included
    std::uint64_t tombstones = 0;
    std::uint64_t other = 0;    ///< norms, codebooks
    std::uint64_t scratch = 0;  ///< kept for the next searches; of the collection, not of a segment

    [[nodiscard]] std::uint64_t total() const noexcept {
        return vectors + codes + graph + ids + id_map + versions + payloads + tombstones + other + scratch;
    }
};

/// recall@10 at the usual ef, of a sample of the segment's own live points.
struct RecallStats {
    double as_built = 1.0;        ///< searching as if nothing had been erased since the graph was made
    double now = 1.0;             ///< searching for live points alone
    std::uint64_t dead_rows = 0;  ///< there were when it was measured
};

struct SegmentStats {
    SegmentPhase phase = SegmentPhase::growing;
    std::uint64_t live_rows = 0;
    std::uint64_t dead_rows = 0;
    std::uint64_t indexed_rows = 0;  ///< in the graph
    PartBytes bytes = {};
    std::uint64_t changed_payloads = 0;      ///< rows whose payload lies beside the segment's own
    std::optional<RecallStats> recall = {};  ///< sealed segments of which enough was erased: the last measurement
    /// Sealed segments that are not small: what they found out about themselves when they were made.
    std::optional<Calibration> calibration = {};
};

/// What is done to whole segments, one at a time.
enum class BackgroundJob : std::uint8_t {
    none,
    seal,        ///< a growing segment becomes a sealed one
    vacuum,      ///< a sealed one is made anew without its dead rows
    merge,       ///< small sealed ones become one
    optimize,    ///< all become one, as somebody asked for
    rebuild,     ///< a sealed one is made anew, as its recall has dropped
    compact,     ///< changed payloads become a sealed one's own
    measure,     ///< the recall of a sealed one is looked at
    checkpoint,  ///< what is in memory alone goes to files
    requantize,  ///< all become one, of other codes
};

/// What opening a durable collection found.
struct RecoveryReport {
    std::uint64_t frames = 0;               ///< writes that came from the log
    std::uint64_t torn_bytes = 0;           ///< end of a log that a crash cut off: writes that nobody was promised
    bool clean = false;                     ///< it had been closed
    std::vector<std::string> rebuilt = {};  ///< derived parts that were damaged and were made anew
    std::vector<std::string> lost = {};     ///< salvage only: what could not be read
};

/// What OpenOptions::memory_budget led to.
struct BudgetReport {
    std::uint64_t bytes = 0;
    std::uint64_t points = 0;
    std::uint64_t steady = 0;  ///< bytes these points take in memory, by estimate()
    Residency residency = {};
    std::string reason = {};  ///< a sentence, for people
};

struct Stats {
    std::uint64_t live_rows = 0;
    std::uint64_t dead_rows = 0;  ///< erased or overwritten, their memory not yet given back
    std::uint64_t tail_rows = 0;  ///< searched by scanning, as they are not in a graph yet
    std::uint64_t tail_cap = 0;   ///< from here on writers are slowed
    Lsn version = {};             ///< of the last write
    PartBytes bytes = {};
    std::uint64_t memory_used = 0;  ///< charged to the collection's account, builds in progress included
    std::uint64_t memory_peak = 0;
    std::uint64_t memory_limit = 0;
    std::vector<SegmentStats> segments = {};
    bool linking = false;  ///< background work that is under way
    bool rebuilding = false;
    double rebuild_progress = 0.0;      ///< 0 .. 1 of the job that is under way
    std::uint64_t repairs_waiting = 0;  ///< erased rows whose neighbours are not relinked yet
    bool writers_slowed = false;        ///< the last write was made to wait for the index
    double slowed_seconds = 0.0;        ///< in all
    std::uint64_t seals = 0;            ///< since it was opened: growing segments sealed
    std::uint64_t merges = 0;           ///< sealed segments rebuilt or merged, optimize and requantize included
    RecoveryReport recovery = {};       ///< of this opening
    std::optional<Error> background_error = {};  ///< the last failure of background work that nothing has made up for
    BackgroundJob job = BackgroundJob::none;     ///< what `rebuilding` is at; its rebuild_progress is of this
    std::optional<double> rebuild_remaining_seconds =
        {};                                             ///< going by how far it came in what time; none: not known yet
    std::optional<double> link_remaining_seconds = {};  ///< the same for the tail, while `linking`
    std::uint64_t recall_measurements = 0;              ///< of sealed segments, since it was opened
    std::uint64_t recall_rebuilds = 0;                  ///< of `merges`: recall had dropped
    std::uint64_t compactions = 0;                      ///< of `merges`: many payloads had changed
    std::optional<BudgetReport> budget = {};            ///< where there is one
};

/// What memory n points would take.
struct MemoryEstimate {
    std::uint64_t steady = 0;  ///< when optimized: one sealed segment
    std::uint64_t peak = 0;    ///< while they are inserted and optimized
    PartBytes parts = {};      ///< of steady
};

/// How thoroughly verify() looks.
enum class Depth : std::uint8_t {
    structure,  ///< ids, id maps, payload offsets, tombstone counts
    full,  ///< … and every payload, vector, graph and code, that every live point can be reached, and each byte of
           ///< the files that an opening would read
};

}  // namespace sextant::inline v1
