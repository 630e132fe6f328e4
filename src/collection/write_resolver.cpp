#include "write_resolver.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "core/format_text.hpp"
#include "sextant/core/assert.hpp"
#include "sextant/core/half.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/payload/payload_edit.hpp"
#include "sextant/quantizer/half_vectors.hpp"

namespace sextant::inline v1::detail {
namespace {

enum PendingState : std::uint8_t {
    untouched,  ///< as stored
    upserted,
    erased,
    payload_changed,
};

/// |a - b|² ≤ 2|a|² + 2|b|²: with squares of lengths up to a quarter of the largest float no distance between two
/// accepted vectors overflows, and neither does an inner product.
constexpr double largest_square = static_cast<double>(std::numeric_limits<float>::max()) / 4.0;

double sum_of_squares(VectorView vector) noexcept {
    // Eight sums, so that additions need not wait for each other.
    double sums[8] = {};
    std::size_t i = 0;
    for (; i + 8 <= vector.size(); i += 8) {
        for (std::size_t lane = 0; lane < 8; ++lane) {
            const double x = static_cast<double>(vector[i + lane]);
            sums[lane] += x * x;
        }
    }
    double total = 0.0;
    for (; i < vector.size(); ++i) total += static_cast<double>(vector[i]) * static_cast<double>(vector[i]);
    for (const double sum : sums) total += sum;
    return total;
}

Error numbered(Error error, std::span<const WriteOp> ops, std::size_t index) {
    if (ops.size() == 1) return error;
    error.message = format_text("operation {} (id {}): {}", index, ops[index].id.to_string(), error.message);
    return error;
}

Result<void> validate_op(const WriteOp& op, const CoreOptions& options) {
    if (!op.error.empty()) return invalid_argument(std::string(op.error));
    if (op.kind != WriteKind::upsert) return {};
    SEXTANT_TRY(validate_vector(op.vector, options.dimension, "vector"));
    if (options.raw == RawPrecision::F32) return {};
    const std::size_t beyond = first_beyond_halves(op.vector);
    if (beyond == op.vector.size()) return {};
    return invalid_argument(
        format_text("vector[{}]: got {}, expected less than {} in size: options.raw is F16, whose largest number is {}",
                    beyond, op.vector[beyond], beyond_halves, largest_half));
}

}  // namespace

Result<void> validate_vector(VectorView vector, std::size_t dimension, const char* field) {
    if (vector.size() != dimension) {
        return invalid_argument(
            format_text("{}: got {} floats, expected options.dimension = {}", field, vector.size(), dimension));
    }
    const double square = sum_of_squares(vector);
    if (square <= largest_square) return {};
    for (std::size_t i = 0; i < vector.size(); ++i) {
        if (!std::isfinite(vector[i])) {
            return invalid_argument(format_text("{}[{}]: got {}, expected a finite number", field, i, vector[i]));
        }
    }
    return invalid_argument(
        format_text("{}: its length is {:.3g}, expected at most {:.3g}, as distances would overflow", field,
                    std::sqrt(square), std::sqrt(largest_square)));
}

Result<void> validate_ops(std::span<const WriteOp> ops, const CoreOptions& options) {
    if (ops.size() > limits::max_batch_operations) {
        return invalid_argument(
            format_text("batch: got {} operations, expected at most {}", ops.size(), limits::max_batch_operations));
    }
    std::size_t size = 0;
    for (std::size_t i = 0; i < ops.size(); ++i) {
        if (auto checked = validate_op(ops[i], options); !checked) {
            return numbered(std::move(checked).error(), ops, i);
        }
        size += ops[i].vector.size_bytes() + ops[i].payload.size();
    }
    if (size > limits::max_batch_size && ops.size() > 1) {
        return invalid_argument(format_text("batch: got {} bytes of vectors and payloads, expected at most {}", size,
                                            limits::max_batch_size));
    }
    return {};
}

StoredOps::StoredOps(std::span<const WriteOp> ops, RawPrecision raw) : ops_(ops) {
    if (raw == RawPrecision::F32) return;
    std::size_t size = 0;
    for (const WriteOp& op : ops) size += op.vector.size();
    if (size == 0) return;
    floats_.resize(size);
    rounded_.assign(ops.begin(), ops.end());
    std::span<float> room = floats_;
    for (WriteOp& op : rounded_) {
        const std::span<float> own = room.first(op.vector.size());
        room = room.subspan(own.size());
        const bool all = round_to_halves(op.vector, own.data());
        SEXTANT_ASSERT(all);
        static_cast<void>(all);
        op.vector = own;
    }
    ops_ = rounded_;
}

void WriteResolver::prepare_index(std::size_t op_count) {
    if (op_count <= 1) {
        index_.clear();
        return;
    }
    index_.assign(std::bit_ceil(op_count * 2), none);
}

Effect& WriteResolver::effect_for(const WriteOp& op, const Version& version) {
    const std::uint64_t hash = op.id.hash();
    std::size_t slot = 0;
    if (!index_.empty()) {
        const std::size_t mask = index_.size() - 1;
        slot = static_cast<std::size_t>(hash) & mask;
        while (index_[slot] != none) {
            Effect& known = pending_[index_[slot]];
            if (known.id == op.id) return known;
            slot = (slot + 1) & mask;
        }
        index_[slot] = static_cast<std::uint32_t>(pending_.size());
    }
    pending_.push_back({.id = op.id, .hash = hash, .before = version.find(op.id, hash)});
    state_.push_back(untouched);
    return pending_.back();
}

WriteResolver::Point WriteResolver::point_of(const Effect& effect, const Version& version) const noexcept {
    const auto state = state_[static_cast<std::size_t>(&effect - pending_.data())];
    if (state == erased) return {};
    // A version made by this very batch is not known to anyone yet: it equals no expectation.
    constexpr Lsn unknown{std::numeric_limits<std::uint64_t>::max()};
    if (state == upserted || state == payload_changed) return {true, unknown, effect.payload};
    if (effect.before.row == no_row) return {};
    const SegmentState& segment = *version.segments[effect.before.segment];
    const std::uint32_t row = to_index(effect.before.row);
    return {true, segment.version(row, version.last), segment.payload(row, version.last)};
}

Result<void> WriteResolver::edit(const WriteOp& op, const Point& point, Effect& effect) {
    std::vector<std::byte> blob;
    switch (op.kind) {
        case WriteKind::set_payload: SEXTANT_TRY(set_payload_keys(point.payload, op.payload, blob)); break;
        case WriteKind::overwrite_payload: SEXTANT_TRY(overwrite_payload(point.payload, op.payload, blob)); break;
        case WriteKind::delete_payload_keys: SEXTANT_TRY(delete_payload_keys(point.payload, op.paths, blob)); break;
        case WriteKind::clear_payload:
        case WriteKind::upsert:
        case WriteKind::erase: break;
    }
    resolved_.edited.push_back(std::move(blob));
    effect.payload = resolved_.edited.back();
    auto& state = state_[static_cast<std::size_t>(&effect - pending_.data())];
    if (state == untouched) state = payload_changed;
    return {};
}

Result<void> WriteResolver::resolve_one(const WriteOp& op, const Version& version) {
    Effect& effect = effect_for(op, version);
    const Point point = point_of(effect, version);
    auto& state = state_[static_cast<std::size_t>(&effect - pending_.data())];
    if (op.kind == WriteKind::upsert) {
        if (op.conditional && point.version != op.expected) {
            if (op.expected == Lsn{} && point.exists) {
                return Error{ErrorCode::already_exists, format_text("id {}: exists already", op.id.to_string())};
            }
            return Error{ErrorCode::version_conflict,
                         format_text("id {}: version is {}, expected {}", op.id.to_string(),
                                     point.exists ? std::to_string(static_cast<std::uint64_t>(point.version)) : "none",
                                     static_cast<std::uint64_t>(op.expected))};
        }
        effect.vector = op.vector;
        effect.payload = op.payload;
        state = upserted;
        return {};
    }
    if (!point.exists) return {};
    if (op.kind != WriteKind::erase) return edit(op, point, effect);
    // What the batch wrote to it before is gone with it: a log that held it would not be read back.
    effect.vector = {};
    effect.payload = {};
    state = erased;
    return {};
}

Result<void> WriteResolver::resolve(std::span<const WriteOp> ops, const Version& version) {
    resolved_.clear();
    pending_.clear();
    state_.clear();
    pending_.reserve(ops.size());
    state_.reserve(ops.size());
    prepare_index(ops.size());
    for (std::size_t i = 0; i < ops.size(); ++i) {
        if (auto resolved = resolve_one(ops[i], version); !resolved) {
            return numbered(std::move(resolved).error(), ops, i);
        }
    }
    resolved_.effects.reserve(pending_.size());
    auto next = static_cast<std::uint64_t>(version.last);
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        Effect& effect = pending_[i];
        switch (state_[i]) {
            case upserted: effect.kind = EffectKind::upsert; break;
            case payload_changed: effect.kind = EffectKind::payload; break;
            case erased: effect.kind = EffectKind::erase; break;
            default: continue;
        }
        // Inserted and erased in one batch: nothing to do.
        if (state_[i] == erased && effect.before.row == no_row) continue;
        effect.version = Lsn{++next};
        resolved_.effects.push_back(effect);
    }
    return {};
}

void WriteResolver::release() {
    constexpr std::size_t kept = 4096;
    resolved_.edited.clear();
    if (pending_.capacity() <= kept) return;
    *this = WriteResolver();
}

}  // namespace sextant::inline v1::detail
