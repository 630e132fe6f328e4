#include "journal.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/format_text.hpp"
#include "sextant/core/assert.hpp"
#include "sextant/format/wal_effects.hpp"
#include "sextant/payload/payload_view.hpp"
#include "write_resolver.hpp"

namespace sextant::inline v1::detail {
namespace {

using format::LoggedEffect;
using format::LoggedKind;

/// A frame of a bulk write is given back, one of an ordinary write kept for the next.
constexpr std::size_t kept_room = std::size_t{1} << 20U;

LoggedKind kind_of(EffectKind kind) noexcept {
    switch (kind) {
        case EffectKind::upsert: return LoggedKind::upsert;
        case EffectKind::erase: return LoggedKind::erase;
        case EffectKind::payload: return LoggedKind::payload;
    }
    return LoggedKind::erase;
}

EffectKind kind_of(LoggedKind kind) noexcept {
    switch (kind) {
        case LoggedKind::upsert: return EffectKind::upsert;
        case LoggedKind::erase: return EffectKind::erase;
        case LoggedKind::payload: return EffectKind::payload;
    }
    return EffectKind::erase;
}

/// The id that two of the effects have, where there is one: no writer makes such a frame.
const PointId* twice(const std::vector<Effect>& effects) {
    if (effects.size() < 2) return nullptr;
    std::vector<std::pair<std::uint64_t, const PointId*>> ids;
    ids.reserve(effects.size());
    for (const Effect& effect : effects) ids.emplace_back(effect.hash, &effect.id);
    std::sort(ids.begin(), ids.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : *a.second < *b.second;
    });
    const auto found =
        std::adjacent_find(ids.begin(), ids.end(), [](const auto& a, const auto& b) { return *a.second == *b.second; });
    return found == ids.end() ? nullptr : found->second;
}

/// What is wrong with an effect, with the place of its frame and its point.
Error wrong_effect(std::string_view path, std::uint64_t position, const LoggedEffect& logged, const Error& error) {
    return Error{error.code,
                 format_text("{}: offset {}: id {}: {}", path, position, logged.id.to_string(), error.message)};
}

}  // namespace

Result<void> log_effects(const ResolvedEffects& resolved, std::vector<std::byte>& room, WalWriter& log) {
    const auto& effects = resolved.effects;
    const auto first = static_cast<std::uint64_t>(effects.front().version);
    SEXTANT_ASSERT(static_cast<std::uint64_t>(effects.back().version) == first + effects.size() - 1);
    room.clear();
    format::EffectsWriter writer(room);
    for (const Effect& effect : effects) {
        writer.add({.kind = kind_of(effect.kind), .id = effect.id, .vector = effect.vector, .payload = effect.payload});
    }
    auto appended = log.append(format::WalFrameKind::effects, first, static_cast<std::uint32_t>(effects.size()), room);
    if (room.capacity() > kept_room) room = {};
    return appended;
}

Result<void> replay_effects(const format::WalFrame& frame, const Version& version, std::uint64_t flushed,
                            std::size_t dimension, std::string_view path, std::uint64_t position,
                            ResolvedEffects& out) {
    std::uint64_t next = frame.first;
    SEXTANT_TRY(format::read_effects(
        frame.payload, frame.count, dimension, path, position, [&](const LoggedEffect& logged) -> Result<void> {
            const std::uint64_t lsn = next++;
            if (lsn <= flushed) return {};
            if (logged.kind == LoggedKind::upsert) {
                if (auto valid = validate_vector(logged.vector, dimension, "vector"); !valid) {
                    return wrong_effect(path, position, logged, {ErrorCode::corruption, valid.error().message});
                }
            }
            if (auto valid = PayloadView(logged.payload).validate(); !valid) {
                return wrong_effect(path, position, logged, valid.error());
            }
            const std::uint64_t hash = logged.id.hash();
            const Version::Place before = version.find(logged.id, hash);
            const bool exists = before.row != no_row;
            if (!exists && logged.kind != LoggedKind::upsert) return {};
            if (exists) {
                const Lsn written = version.segments[before.segment]->version(to_index(before.row), version.last);
                if (static_cast<std::uint64_t>(written) >= lsn) return {};
            }
            out.effects.push_back({.kind = kind_of(logged.kind),
                                   .id = logged.id,
                                   .hash = hash,
                                   .version = Lsn{lsn},
                                   .vector = logged.vector,
                                   .payload = logged.payload,
                                   .before = before});
            return {};
        }));
    if (const PointId* const id = twice(out.effects)) {
        return Error{ErrorCode::corruption,
                     format_text("{}: offset {}: id {}: it is changed twice", path, position, id->to_string())};
    }
    return {};
}

Result<void> check_effects(const format::WalFrame& frame, std::size_t dimension, std::string_view path,
                           std::uint64_t position) {
    const auto check = [&](const LoggedEffect& logged) -> Result<void> {
        auto valid = PayloadView(logged.payload).validate();
        return valid ? std::move(valid) : wrong_effect(path, position, logged, valid.error());
    };
    return format::read_effects(frame.payload, frame.count, dimension, path, position, check);
}

}  // namespace sextant::inline v1::detail
