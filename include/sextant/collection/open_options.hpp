/// OpenOptions: how this process uses a collection. Never persisted.
/// Threads: a value. Lifetime: memory, events, clock and files outlive the collection; the executor is shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

namespace sextant::inline v1 {

class Clock;
class EventSink;
class Executor;
class FileSystem;
class MemoryAccount;
enum class Residency : unsigned char;

enum class OpenMode : std::uint8_t {
    open_or_create = 0,
    create = 1,     ///< already_exists if there is one
    open = 2,       ///< not_found if there is none
    read_only = 3,  ///< as open; nothing is written
};

enum class OnCorruption : std::uint8_t {
    fail = 0,
    read_only_salvage = 1,  ///< what is whole can be read; nothing is written
};

/// Memory for a collection of a given size.
struct MemoryBudget {
    std::uint64_t bytes = 0;
    std::uint64_t points = 0;  ///< that it is to hold; where it holds more at opening, that many count
};

struct OpenOptions {
    /// A collection in memory is always new: only open_or_create and create make sense there.
    OpenMode mode = OpenMode::open_or_create;
    OnCorruption on_corruption = OnCorruption::fail;
    /// Where background work runs. Null: threads of the collection's own, as many as the machine has, started when the
    /// first work comes up. With parallelism() == 0 all work happens inside the calls.
    std::shared_ptr<Executor> executor = {};
    /// Charged with every byte the collection takes; its limit is the collection's limit. Null: no limit.
    MemoryAccount* memory = nullptr;
    /// Told about seals, merges and failures. Null: silent.
    EventSink* events = nullptr;
    /// Null: the system's.
    const Clock* clock = nullptr;
    /// The way to the disk. Null: the system's. A collection in memory does not use it.
    FileSystem* files = nullptr;
    /// Of sealed segments. Left out: what the storage policy says. `mapped_vectors` leaves raw vectors in their files:
    /// rescoring reads a block of 64 KiB at a time and checks it when it is first read, and what scans raw vectors (exact
    /// searches, quantizer `none`) reads the file whole once. Damage of vectors then shows when they are read, not when
    /// the collection is opened. `mapped` leaves codes and graphs in files as well, checked when it is opened. Both build
    /// segments in their files, and size them by the limit of `memory`. Can be another one at each opening.
    std::optional<Residency> residency = {};
    /// Bytes a second that background work may write to the disk, so that searches and writes get the rest. 0: all it
    /// can. A limit below what writers bring makes the log and the growing segments longer.
    std::uint64_t background_bytes_per_second = 0;
    /// Bytes that are the collection's limit, and by which it is laid out: as much of it stays in memory as lets its points
    /// take three quarters of them, by estimate(). Where `residency` is left out it is chosen: first raw vectors go to
    /// files, then codes and graphs. A new collection whose quantizer's options are left out may get shorter codes before
    /// those do. `stats().budget` and the event "memory.budget" say what was chosen. resource_exhausted: nothing fits.
    /// Left out: no limit but that of `memory`, and nothing is chosen.
    std::optional<MemoryBudget> memory_budget = {};
};

}  // namespace sextant::inline v1
