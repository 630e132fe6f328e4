/// MemoryStorage: the storage policy of a volatile collection: rows live on the heap and go with the process.
/// Threads: immutable (no data at all).
/// Why a policy without data: segments own their rows; the policy only tells them, and open(), what is expected.
#pragma once

#include <string_view>

#include "sextant/concepts/storage.hpp"

namespace sextant::inline v1 {

struct MemoryStorage {
    static constexpr std::string_view name = "memory";
    static constexpr bool durable = false;
    static constexpr Residency residency = Residency::resident;
};

static_assert(Storage<MemoryStorage>);

}  // namespace sextant::inline v1
