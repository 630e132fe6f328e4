/// ResolvedEffects: what a write does, as ids and values: no condition, no filter, nothing left to decide. The one way
/// into a collection, for calls today and for a log that is replayed.
/// Invariants: each id at most once; versions rise; everything was checked.
/// Lifetime: borrows vectors and payloads from the call, or from `edited`.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "version.hpp"

namespace sextant::inline v1::detail {

enum class EffectKind : std::uint8_t {
    upsert,  ///< a new row
    erase,
    payload,  ///< the row stays, its payload changes
};

struct Effect {
    EffectKind kind = EffectKind::upsert;
    PointId id = {};
    std::uint64_t hash = 0;
    Lsn version = {};
    VectorView vector = {};
    std::span<const std::byte> payload = {};
    /// Where the point lives before the write; row is no_row when it does not.
    Version::Place before = {};
};

struct ResolvedEffects {
    std::vector<Effect> effects;
    std::deque<std::vector<std::byte>> edited;  ///< payloads made by resolving

    void clear() {
        effects.clear();
        edited.clear();
    }
};

}  // namespace sextant::inline v1::detail
