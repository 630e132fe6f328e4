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
};

}  // namespace sextant::inline v1
