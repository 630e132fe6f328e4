/// wal_effects: what one write does, as bytes: values, and never a condition; docs/format/wal_effects.md is the same in
/// words.
/// Invariants: read_effects gives back what was added, in order; no input makes it touch memory outside its bytes.
/// Threads: pure functions; a writer is confined. Lifetime: an effect borrows vector and payload from the bytes.
/// Why no filters and no conditions: a log that is replayed must not decide anything again, or a change in how filters
/// are read would change what an old log means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/core/function_ref.hpp"
#include "sextant/core/point_id.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1::format {

/// Persisted; never renumbered.
enum class LoggedKind : std::uint8_t {
    upsert = 1,   ///< the point is this from now on
    erase = 2,    ///< there is no such point any more
    payload = 3,  ///< the point keeps its vector, its payload is this
};

struct LoggedVector {
    std::uint16_t field = 0;
    VectorView values = {};
};

struct LoggedEffect {
    LoggedKind kind = LoggedKind::upsert;
    PointId id = {};
    VectorView vector = {};                   ///< of field 0; empty unless upsert
    std::span<const std::byte> payload = {};  ///< encoded; empty for erase
};

/// Appends effects to a vector. Throws std::bad_alloc.
class EffectsWriter {
public:
    explicit EffectsWriter(std::vector<std::byte>& out) noexcept : out_(&out), begin_(out.size()) {}

    /// REQUIRES: a vector of 1 .. limits::max_dimension floats for an upsert and none otherwise, no payload for an erase,
    /// else one of at most limits::max_payload_size.
    void add(const LoggedEffect& effect);
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    /// Bytes added.
    [[nodiscard]] std::size_t size() const noexcept { return out_->size() - begin_; }

private:
    void pad();

    std::vector<std::byte>* out_;
    std::size_t begin_;
    std::uint32_t count_ = 0;
};

/// Bytes that add() appends for an effect with so many floats and payload bytes.
[[nodiscard]] std::size_t logged_size(std::size_t dimension, std::size_t payload_size) noexcept;

/// Calls `sink` with each effect, in order, and stops at its first error. corruption names `path` and the offset, which
/// counts from `offset`, where the payload lies in the file. An effect is checked before it is handed over, but those
/// behind it are not yet. What a payload says is for PayloadView to check.
/// REQUIRES: `payload` begins at a multiple of 8 in memory, so that vectors can be used in place.
[[nodiscard]] Result<void> read_effects(std::span<const std::byte> payload, std::uint32_t count, std::size_t dimension,
                                        std::string_view path, std::uint64_t offset,
                                        FunctionRef<Result<void>(const LoggedEffect&)> sink);

}  // namespace sextant::inline v1::format
