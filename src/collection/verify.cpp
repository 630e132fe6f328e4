/// verify: an audit of everything the collection claims about itself, on one version, while calls go on.
#include <algorithm>

#include "core/format_text.hpp"
#include "core_state.hpp"
#include "journal.hpp"
#include "sextant/payload/payload_view.hpp"
#include "sextant/wal/wal_reader.hpp"

namespace sextant::inline v1::detail {
namespace {

Error damaged(std::size_t segment, std::uint32_t row, std::string_view what) {
    return Error{ErrorCode::corruption, format_text("segment {}, row {}: {}", segment, row, what)};
}

Result<void> verify_rows(const Version& version, std::size_t index, Depth depth) {
    const SegmentState& state = *version.segments[index];
    std::uint32_t live = 0;
    std::uint64_t end = 0;
    for (std::uint32_t row = 0; row < state.row_count; ++row) {
        if (state.payloads.ends != nullptr) {
            if (state.payloads.ends[row] < end) return damaged(index, row, "its payload ends before it begins");
            end = state.payloads.ends[row];
        }
        if (!state.alive(row)) continue;
        ++live;
        const PointId id = state.ids[row];
        // Found by its id, here and in no other segment: then no id is alive twice.
        const std::uint64_t hash = id.hash();
        for (std::size_t other = 0; other < version.segments.size(); ++other) {
            const RowId found = version.segments[other]->find(id, hash);
            if (other == index && found != RowId{row}) return damaged(index, row, "its id leads elsewhere");
            if (other != index && found != no_row) {
                return damaged(index, row,
                               format_text("its id {} is alive in segment {} as well", id.to_string(), other));
            }
        }
        if (state.version(row, version.last) > version.last) return damaged(index, row, "its version is in the future");
        if (depth != Depth::full) continue;
        if (auto valid = PayloadView(state.payload(row, version.last)).validate(); !valid) {
            return damaged(index, row, valid.error().message);
        }
    }
    if (live != state.live_count) {
        return Error{ErrorCode::corruption,
                     format_text("segment {}: {} live rows, its state says {}", index, live, state.live_count)};
    }
    return {};
}

/// Of a segment that was replaced: as it was when that was shown. REQUIRES: a version without it is shown, so that nobody
/// writes to it any more.
SegmentState last_state(const SegmentState& state) {
    if (state.segment->kind() == SegmentKind::sealed) return state;  // nothing relinks there
    return static_cast<const GrowingSegment&>(*state.segment).state(state.segment);
}

Result<void> verify_fields(const SegmentState& state) {
    for (std::size_t field = 0; field < state.segment->field_count(); ++field) {
        SEXTANT_TRY(state.segment->field(field).verify(state.row_count, state.deleted_view()));
    }
    return {};
}

}  // namespace

Result<void> CoreState::verify(Depth depth) const {
    SEXTANT_TRY(check_open());
    const SharedVersion<Version> version = cell.share();
    SEXTANT_TRY(check_open(*version));
    std::uint64_t live = 0;
    for (std::size_t i = 0; i < version->segments.size(); ++i) {
        SEXTANT_TRY(verify_rows(*version, i, depth));
        live += version->segments[i]->live_count;
    }
    if (live != version->live_count) {
        return Error{ErrorCode::corruption,
                     format_text("{} live rows in segments, the version says {}", live, version->live_count)};
    }
    if (depth != Depth::full) return {};
    if (store != nullptr) {
        if (auto sound = verify_files(); !sound) {
            SEXTANT_TRY(check_open());  // once it is closed the files are no longer its own
            return sound;
        }
    }
    for (std::size_t i = 0; i < version->segments.size(); ++i) {
        const Segment& segment = *version->segments[i]->segment;
        const Background::LinkPause pause(background, segment.kind() == SegmentKind::growing ? &segment : nullptr);
        // As it is now that nothing relinks around the dead: one that died since may be out of the graph already.
        const SharedVersion<Version> now = cell.share();
        const SegmentState* const state = now->state_of(segment);
        auto valid = state == nullptr ? verify_fields(last_state(*version->segments[i])) : verify_fields(*state);
        if (valid) continue;
        Error error = std::move(valid).error();
        error.message = format_text("segment {}: {}", i, error.message);
        return error;
    }
    return {};
}

/// Up to the last write before this call: what lies behind it is still being written.
Result<void> CoreState::verify_log() const {
    const std::uint64_t last = log == nullptr ? static_cast<std::uint64_t>(cell.share()->last) : log->appended();
    const std::uint64_t flushed = store->manifest().replay_from;
    if (last <= flushed) return {};
    bool all = false;
    const auto look = [&](const format::WalFrame& read, const std::string& path, std::uint64_t at) -> Result<void> {
        SEXTANT_TRY(check_effects(read, options.dimension, path, at));
        all = read.first + read.count - 1 >= last;
        return all ? Result<void>(Error{ErrorCode::cancelled, "enough was read"}) : Result<void>();
    };
    const auto end = replay_wal(store->wal(), flushed, OnWalDamage::fail, false, look);
    if (all) return {};
    if (!end) return end.error();
    return Error{ErrorCode::corruption, format_text("{}: the log ends at write {}, and write {} was logged",
                                                    store->wal().directory, end->last, last)};
}

Result<void> CoreState::verify_files() const {
    {
        const MutexLock lock(checkpoint_mutex);
        SEXTANT_TRY(store->verify_manifest());
        SEXTANT_TRY(verify_log());
        for (const StoredSegment& each : stored()) {
            const format::ManifestSegment& entry = each.entry;
            SEXTANT_TRY(verify_changes(store->segment(entry.number), entry.tombstones_file, entry.overlay_file,
                                       entry.row_count));
        }
    }
    for (const StoredSegment& each : stored()) {
        auto valid = verify_segment_files(store->segment(each.entry.number), each.entry.footer_checksum);
        if (valid) continue;
        // A checkpoint may have removed it meanwhile.
        const auto now = stored();
        const bool needed = std::any_of(now.begin(), now.end(), [&](const StoredSegment& other) {
            return other.entry.number == each.entry.number;
        });
        if (needed) return valid;
    }
    return {};
}

}  // namespace sextant::inline v1::detail
