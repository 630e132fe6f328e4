/// checkpoint: what is in memory alone goes to files, so that the log behind it can go.
#include <algorithm>
#include <utility>

#include "background_rules.hpp"
#include "core_state.hpp"
#include "sextant/core/assert.hpp"
#include "sextant/segment/field_layout.hpp"

namespace sextant::inline v1::detail {
namespace {

/// The newest payload change a version shows in a segment; Lsn{} when there is none.
Lsn newest_change(const SegmentState& state, Lsn at) noexcept {
    Lsn newest{};
    if (state.overlay == nullptr) return newest;
    for (std::size_t slot = 0; slot < state.overlay->slot_count(); ++slot) {
        const RowId row = state.overlay->row_at(slot);
        if (row == no_row) continue;
        const PayloadChange* const change = state.overlay->find(to_index(row), at);
        if (change != nullptr) newest = std::max(newest, change->lsn());
    }
    return newest;
}

/// Rows died or payloads changed since the files were written.
Result<void> store_changes(Store& store, const SegmentState& state, Lsn at, StoredSegment& stored) {
    const SegmentPlace place = store.segment(stored.entry.number);
    if (state.dead_count() != stored.dead_count) {
        const std::uint64_t number = store.take_number();
        SEXTANT_TRY(write_tombstones(place, number, state));
        stored.entry.tombstones_file = number;
        stored.dead_count = state.dead_count();
    }
    if (newest_change(state, at) > stored.overlay_at) {
        const std::uint64_t number = store.take_number();
        SEXTANT_TRY(write_overlay(place, number, state, at));
        stored.entry.overlay_file = number;
        stored.overlay_at = at;
    }
    return {};
}

/// About, for people to look at. Vectors that are mapped are in no account.
double bytes_to_write(const SealedSegment& built, const CoreOptions& options) noexcept {
    const SegmentBytes bytes = built.bytes();
    const std::uint64_t vectors = std::uint64_t{built.row_count()} * raw_stride(options.dimension, options.raw);
    return static_cast<double>(std::max(bytes.fields.vectors, vectors) + bytes.fields.codes + bytes.fields.graph +
                               bytes.ids + bytes.versions + bytes.id_map + bytes.payloads + 1);
}

}  // namespace

Result<std::shared_ptr<SealedSegment>> CoreState::store_segment(SegmentWork& work,
                                                                const std::shared_ptr<SealedSegment>& built,
                                                                std::span<const std::unique_ptr<VectorField>> with) {
    const double from = background.rebuild_progress();
    const double to = 0.5 + from / 2;  // reading it back, and the checkpoint, are the rest
    const double whole = bytes_to_write(*built, options);
    double done = 0.0;
    work.watch([&](std::size_t bytes) {
        done += static_cast<double>(bytes);
        background.set_progress(from + (to - from) * std::min(done / whole, 1.0));
    });
    auto finished = work.draft().finish(*built, with);
    work.watch({});
    SEXTANT_TRY_ASSIGN(const WrittenSegment written, std::move(finished));
    const ReadOptions read_options{.account = &account,
                                   .executor = &executor_source->get(),
                                   .expected_footer = written.footer_checksum,
                                   .rebuild_derived = false,
                                   .residency = store->residency(),
                                   .check_mapped = true,
                                   .stop = work.stop()};
    auto read = read_segment(work.place(), with, read_options);
    if (!read) {
        remove_tree(store->files(), work.place().path()).ignore("nothing names it; the next checkpoint removes it");
        return std::move(read).error();
    }
    const format::ManifestSegment entry{.number = work.place().number,
                                        .footer_checksum = written.footer_checksum,
                                        .row_count = read->segment->row_count()};
    const MutexLock lock(stored_mutex);
    stored_segments.push_back({.entry = entry, .bytes = written.bytes});
    return std::move(read->segment);
}

bool CoreState::log_is_long() const noexcept {
    if (log == nullptr) return false;
    // Relaxed: figures that say when to look closer.
    return log->disk_bytes() > long_log_bytes + log_bytes_kept.load(std::memory_order_relaxed) ||
           log->file_count() > many_log_files;
}

Result<void> CoreState::checkpoint(const std::stop_token& stop) {
    const MutexLock lock(checkpoint_mutex);
    auto made = make_checkpoint(stop);
    // A full disk: what a checkpoint lets go of is more than it writes, so it may use the reserve.
    if (!made && made.error().code == ErrorCode::resource_exhausted && store->release_reserve()) {
        made = make_checkpoint(stop);
    }
    if (!made) return made;
    log_bytes_kept.store(log->disk_bytes(), std::memory_order_relaxed);
    store->keep_reserve(stored_bytes());
    return made;
}

std::uint64_t CoreState::stored_bytes() const noexcept { return log->disk_bytes() + segment_bytes(); }

std::uint64_t CoreState::segment_bytes() const noexcept {
    std::uint64_t bytes = 0;
    const MutexLock lock(stored_mutex);
    for (const StoredSegment& each : stored_segments) bytes += each.bytes;
    return bytes;
}

Result<void> CoreState::make_checkpoint(const std::stop_token& stop) {
    // In this order: what the version holds is in the log, and the log then on the disk.
    const SharedVersion<Version> version = cell.share();
    SEXTANT_TRY(check_open(*version));
    SEXTANT_TRY(commits.flush());
    const std::uint64_t spare = std::max(least_spare_log_bytes, segment_bytes() / spare_log_share);
    const auto grows = [](const auto& state) {
        return state->segment->kind() == SegmentKind::growing && state->row_count > 0;
    };
    if (std::none_of(version->segments.begin(), version->segments.end(), grows)) {
        const MutexLock lock(write_mutex);
        SEXTANT_TRY(log->leave_file(static_cast<std::uint64_t>(version->last), spare));
    }
    format::Manifest next;
    next.last = static_cast<std::uint64_t>(version->last);
    next.replay_from = next.last;
    next.first_log = log->file_number();
    const std::vector<StoredSegment> before = stored();
    std::vector<StoredSegment> after;
    for (const auto& state : version->segments) {
        if (state->segment->kind() == SegmentKind::growing) {
            // Rows come in the order of their writes: the first one is the oldest that only the log has.
            if (state->row_count > 0) next.replay_from = std::min(next.replay_from, state->versions[0] - 1);
            continue;
        }
        const std::uint64_t number = static_cast<const SealedSegment&>(*state->segment).file_number();
        const auto known = std::find_if(before.begin(), before.end(),
                                        [&](const StoredSegment& each) { return each.entry.number == number; });
        SEXTANT_CHECK(known != before.end());
        StoredSegment entry = *known;
        SEXTANT_TRY(store_changes(*store, *state, version->last, entry));
        next.segments.push_back(entry.entry);
        after.push_back(entry);
    }
    const std::uint64_t flushed = next.replay_from;
    SEXTANT_TRY(store->write_manifest(std::move(next), version->codes.get()));
    {
        const MutexLock lock(stored_mutex);
        stored_segments = std::move(after);
    }
    SEXTANT_TRY(log->release(flushed, spare));
    return store->remove_unneeded(stop);
}

Result<void> CoreState::note_end() {
    const MutexLock lock(checkpoint_mutex);
    SEXTANT_TRY(log->sync());
    format::Manifest next = store->manifest();
    if (next.last >= log->synced()) return {};
    next.last = log->synced();
    next.first_log = log->file_number();
    SEXTANT_TRY(store->write_manifest(std::move(next)));
    store->remove_unneeded().ignore("the next opening removes it");
    return {};
}

}  // namespace sextant::inline v1::detail
