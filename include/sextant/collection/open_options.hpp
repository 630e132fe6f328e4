/// OpenOptions: how this process uses a collection. Never persisted.
/// Threads: a value. Lifetime: memory, events and clock outlive the collection; the executor is shared.
#pragma once

#include <cstdint>
#include <memory>

namespace sextant::inline v1 {

class Clock;
class EventSink;
class Executor;
class MemoryAccount;

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
};

}  // namespace sextant::inline v1
