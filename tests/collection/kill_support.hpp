/// kill_support: what the process that is killed and the one that kills it agree on: operations, what they do, and the
/// lines that the first writes about them:
///     o                          the collection is open
///     b <writer> <kind> <id> <salt>   an operation begins
///     a <writer> <version>       the same is acknowledged; 0: no version is known
///     f <message>                something failed that must not
/// Each line is one write of less than PIPE_BUF bytes, so it is there or not.
/// Threads: pure functions.
#pragma once

#include <sextant/sextant.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sextant/core/random.hpp"

namespace test_support {

using KillCollection = sextant::Collection<sextant::SquaredL2, sextant::MappedStorage, sextant::ScalarQuantizer>;

inline constexpr std::size_t kill_dimension = 8;
inline constexpr std::uint64_t ids_per_writer = 120;
inline constexpr std::uint64_t writer_stride = 1000;
inline constexpr std::uint64_t kill_batch = 6;  ///< points of a batch

enum class KillKind : std::uint8_t { upsert, large, erase, set_payload, batch };
inline constexpr std::uint64_t kill_kinds = 5;

struct KillOp {
    KillKind kind = KillKind::upsert;
    std::uint64_t id = 0;
    std::uint64_t salt = 0;  ///< of the values; never used twice
};

struct KillPoint {
    std::vector<float> vector = {};
    sextant::Payload payload = {};
    std::uint64_t version = 0;  ///< 0: not known
};
using KillPoints = std::map<std::uint64_t, KillPoint>;

inline std::vector<float> kill_vector(std::uint64_t salt) {
    sextant::Random random(salt + 1);
    std::vector<float> vector(kill_dimension);
    for (float& value : vector) value = static_cast<float>(random.below(2000)) / 100.0F - 10.0F;
    return vector;
}

inline KillPoint kill_point(std::uint64_t salt, bool large = false) {
    KillPoint point{kill_vector(salt), {{"salt", salt}}, 0};
    if (large) point.payload["text"] = std::string(30'000, static_cast<char>('a' + salt % 26));
    return point;
}

/// What `op` does.
inline void apply_op(const KillOp& op, KillPoints& points) {
    switch (op.kind) {
        case KillKind::upsert: points[op.id] = kill_point(op.salt); break;
        case KillKind::large: points[op.id] = kill_point(op.salt, true); break;
        case KillKind::erase: points.erase(op.id); break;
        case KillKind::set_payload:
            if (const auto known = points.find(op.id); known != points.end()) {
                known->second.payload["set"] = op.salt;
                known->second.version = 0;
            }
            break;
        case KillKind::batch:
            points.erase(op.id);
            for (std::uint64_t i = 1; i < kill_batch; ++i) points[op.id + i] = kill_point(op.salt + i);
            break;
    }
}

/// Does it; the version where a single point has one.
inline sextant::Result<std::uint64_t> perform(const KillOp& op, KillCollection& collection) {
    const sextant::PointId id{op.id};
    switch (op.kind) {
        case KillKind::upsert:
        case KillKind::large: {
            const KillPoint point = kill_point(op.salt, op.kind == KillKind::large);
            SEXTANT_TRY_ASSIGN(const sextant::Lsn version, collection.upsert(id, point.vector, point.payload));
            return static_cast<std::uint64_t>(version);
        }
        case KillKind::erase: SEXTANT_TRY(collection.erase(id)); break;
        case KillKind::set_payload: SEXTANT_TRY(collection.set_payload(id, {{"set", op.salt}})); break;
        case KillKind::batch: {
            sextant::WriteBatch batch;
            batch.upsert(id, kill_vector(op.salt));
            batch.erase(id);
            for (std::uint64_t i = 1; i < kill_batch; ++i) {
                const KillPoint point = kill_point(op.salt + i);
                batch.upsert(sextant::PointId{op.id + i}, point.vector, point.payload);
            }
            SEXTANT_TRY(collection.write(std::move(batch)));
            break;
        }
    }
    return std::uint64_t{0};
}

}  // namespace test_support
