/// stats: a look from outside. Takes the write lock for a moment, as arrays that grow cannot be measured meanwhile.
#include "sextant/collection/stats.hpp"

#include <algorithm>

#include "core_state.hpp"

namespace sextant::inline v1::detail {
namespace {

PartBytes parts_of(const SegmentBytes& bytes) noexcept {
    PartBytes parts;
    parts.vectors = bytes.fields.vectors;
    parts.codes = bytes.fields.codes;
    parts.graph = bytes.fields.graph;
    parts.other = bytes.fields.other;
    parts.ids = bytes.ids;
    parts.id_map = bytes.id_map;
    parts.versions = bytes.versions;
    parts.payloads = bytes.payloads + bytes.overlay;
    parts.tombstones = bytes.tombstones;
    return parts;
}

void add(PartBytes& sum, const PartBytes& more) noexcept {
    sum.vectors += more.vectors;
    sum.codes += more.codes;
    sum.graph += more.graph;
    sum.ids += more.ids;
    sum.id_map += more.id_map;
    sum.versions += more.versions;
    sum.payloads += more.payloads;
    sum.tombstones += more.tombstones;
    sum.other += more.other;
}

SegmentStats describe(const SegmentState& state, const Segment* active, const Background& background) {
    SegmentStats stats;
    stats.live_rows = state.live_count;
    stats.dead_rows = state.dead_count();
    stats.bytes = parts_of(state.segment->bytes());
    if (state.segment->kind() == SegmentKind::sealed) {
        stats.phase = SegmentPhase::sealed;
        stats.indexed_rows = state.segment->field(0).indexed_rows();
        stats.changed_payloads = state.segment->overlay().row_count();
        stats.recall = background.last_recall(state);
        if (const auto* calibration = state.segment->field(0).calibration()) stats.calibration = *calibration;
        return stats;
    }
    stats.phase = state.segment.get() == active ? SegmentPhase::growing : SegmentPhase::full;
    const auto& segment = static_cast<const GrowingSegment&>(*state.segment);
    stats.indexed_rows = std::min(segment.indexed_rows(), state.row_count);
    stats.changed_payloads = segment.overlay().row_count();
    return stats;
}

}  // namespace

Result<Stats> CoreState::stats() const {
    SEXTANT_TRY(check_open());
    Stats stats;
    background.describe(stats);
    domain.collect();  // what only a search that has ended meanwhile held
    const MutexLock lock(write_mutex);
    SEXTANT_TRY(check_open(*current));
    stats.live_rows = current->live_count;
    stats.version = current->last;
    for (const auto& state : current->segments) {
        stats.segments.push_back(describe(*state, active.get(), background));
        const SegmentStats& segment = stats.segments.back();
        stats.dead_rows += segment.dead_rows;
        stats.tail_rows += state->row_count - segment.indexed_rows;
        add(stats.bytes, segment.bytes);
    }
    if (stats.link_remaining_seconds) *stats.link_remaining_seconds *= static_cast<double>(stats.tail_rows);
    stats.bytes.scratch = search_account.used();
    stats.recovery = recovery;
    stats.memory_used = account.used();
    stats.memory_peak = account.peak();
    stats.memory_limit = memory_limit;
    stats.budget = budget;
    return stats;
}

}  // namespace sextant::inline v1::detail
