/// WriteResolver: turns operations into effects against the current version: conditions checked, payload edits carried
/// out, operations on one id folded into one effect.
/// Threads: confined to the writer. Cost: one look-up per operation; keeps its memory for the next write.
#pragma once

#include <span>
#include <vector>

#include "effects.hpp"
#include "sextant/collection/collection_options.hpp"
#include "sextant/collection/detail/write_op.hpp"

namespace sextant::inline v1::detail {

/// What needs no look at the collection: sizes, finite numbers that can be stored, payloads that could not be encoded. With
/// more than one operation the error names which.
[[nodiscard]] Result<void> validate_ops(std::span<const WriteOp> ops, const CoreOptions& options);
/// As many finite floats as `dimension`, and no sum of squares that overflows. `field` names it in the error.
[[nodiscard]] Result<void> validate_vector(VectorView vector, std::size_t dimension, const char* field);

/// Operations with vectors as they are stored: where components are halves, rounded to them.
class StoredOps {
public:
    /// REQUIRES: validate_ops(ops). Lives as long as they do.
    StoredOps(std::span<const WriteOp> ops, RawPrecision raw);
    StoredOps(const StoredOps&) = delete;
    StoredOps& operator=(const StoredOps&) = delete;
    ~StoredOps() = default;
    [[nodiscard]] std::span<const WriteOp> get() const noexcept { return ops_; }

private:
    std::span<const WriteOp> ops_;
    std::vector<WriteOp> rounded_;  ///< empty: they are as they were
    std::vector<float> floats_;     ///< their vectors
};

class WriteResolver {
public:
    /// REQUIRES: validate_ops(ops). An error leaves nothing behind.
    [[nodiscard]] Result<void> resolve(std::span<const WriteOp> ops, const Version& version);
    [[nodiscard]] const ResolvedEffects& effects() const noexcept { return resolved_; }
    /// Gives memory of an unusually large write back.
    void release();

private:
    struct Point {
        bool exists = false;
        Lsn version = {};
        std::span<const std::byte> payload = {};
    };
    static constexpr std::uint32_t none = 0xFFFFFFFFU;

    Result<void> resolve_one(const WriteOp& op, const Version& version);
    /// The effect for this id so far; makes one that does nothing yet when there is none.
    [[nodiscard]] Effect& effect_for(const WriteOp& op, const Version& version);
    [[nodiscard]] Point point_of(const Effect& effect, const Version& version) const noexcept;
    Result<void> edit(const WriteOp& op, const Point& point, Effect& effect);
    void prepare_index(std::size_t op_count);

    ResolvedEffects resolved_;
    /// Effects before they are known to do anything; beside each whether it does.
    std::vector<Effect> pending_;
    std::vector<std::uint8_t> state_;   ///< PendingState of pending_
    std::vector<std::uint32_t> index_;  ///< hash table into pending_; empty for a single operation
};

}  // namespace sextant::inline v1::detail
