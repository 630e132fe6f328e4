/// MappedStorage: the storage policy of a collection that lives in a directory: a log, sealed segments in files, recovery.
/// Segments are read into memory, and every block of their files is checked.
/// Threads: immutable (no data at all).
#pragma once

#include <string_view>

#include "sextant/concepts/storage.hpp"

namespace sextant::inline v1 {

struct MappedStorage {
    static constexpr std::string_view name = "mapped";
    static constexpr bool durable = true;
    static constexpr Residency residency = Residency::resident;
};

static_assert(Storage<MappedStorage>);

}  // namespace sextant::inline v1
