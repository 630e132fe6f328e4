/// recovery: a durable collection as its directory has it: segments the manifest names, then the log behind them.
/// Nothing that a manifest names is written until the log is read, so a recovery that is cut off can be done again.
#include <utility>

#include "core/format_text.hpp"
#include "core_state.hpp"
#include "journal.hpp"
#include "sextant/wal/wal_reader.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Reads segments one after the other into a version. Those with damage that can be healed come last: healing writes
/// files, and where another file, or the log, is of a later version nothing must be written.
class SegmentLoader {
public:
    SegmentLoader(CoreState& core, OnCorruption on_corruption) : core_(core), on_corruption_(on_corruption) {}

    Result<std::unique_ptr<Version>> load() {
        auto version = std::make_unique<Version>();
        version->garbage = GarbageRef::create();
        const format::Manifest& manifest = core_.store->manifest();
        version->last = Lsn{manifest.last};
        const bool writable = !core_.store->read_only();
        std::vector<std::shared_ptr<const SegmentState>> states;
        std::vector<std::size_t> damaged;
        for (const format::ManifestSegment& entry : manifest.segments) {
            auto state = load_segment(entry, !writable);
            if (state) {
                states.push_back(std::make_shared<const SegmentState>(std::move(state).value()));
                continue;
            }
            states.push_back(nullptr);
            if (writable && state.error().code == ErrorCode::corruption) {
                damaged.push_back(states.size() - 1);
                SEXTANT_TRY(verify_changes(core_.store->segment(entry.number), entry.tombstones_file,
                                           entry.overlay_file, entry.row_count));
                continue;
            }
            if (!may_go_on(state.error())) return std::move(state).error();
            core_.recovery.lost.push_back(
                format_text("segment {}, {} rows: {}", entry.number, entry.row_count, state.error().message));
        }
        if (!damaged.empty()) SEXTANT_TRY(check_log());
        for (const std::size_t index : damaged) {
            SEXTANT_TRY_ASSIGN(SegmentState state, load_segment(manifest.segments[index], true));
            states[index] = std::make_shared<const SegmentState>(std::move(state));
        }
        for (auto& state : states) {
            if (state == nullptr) continue;
            version->live_count += state->live_count;
            version->segments.push_back(std::move(state));
        }
        return version;
    }

    /// That it can be replayed: asked before the first file is written.
    Result<void> check_log() {
        const auto look = [&](const format::WalFrame& frame, const std::string& path, std::uint64_t position) {
            return check_effects(frame, core_.options.dimension, path, position);
        };
        const std::uint64_t flushed = core_.store->manifest().replay_from;
        SEXTANT_TRY(replay_wal(core_.store->wal(), flushed, OnWalDamage::fail, false, look));
        return {};
    }

    /// There are files that only the next manifest will name.
    [[nodiscard]] bool files_replaced() const noexcept { return files_replaced_; }

private:
    [[nodiscard]] bool may_go_on(const Error& error) const noexcept {
        if (on_corruption_ == OnCorruption::fail) return false;
        return error.code == ErrorCode::corruption || error.code == ErrorCode::not_found ||
               error.code == ErrorCode::io_error;
    }

    Result<SegmentState> load_segment(const format::ManifestSegment& entry, bool heal) {
        const SegmentPlace place = core_.store->segment(entry.number);
        const ReadOptions options{.account = &core_.account,
                                  .executor = &core_.executor_source->get(),
                                  .expected_footer = entry.footer_checksum,
                                  .rebuild_derived = heal,
                                  .residency = core_.store->residency(),
                                  .check_mapped = on_corruption_ != OnCorruption::fail};
        SEXTANT_TRY_ASSIGN(ReadSegment read, read_segment(place, core_.fields, options));
        if (read.segment->row_count() != entry.row_count) {
            return Error{ErrorCode::corruption, format_text("segment {}: {} rows, the manifest says {}", entry.number,
                                                            read.segment->row_count(), entry.row_count)};
        }
        for (const std::string& part : read.rebuilt) {
            core_.recovery.rebuilt.push_back(format_text("segment {}: {}", entry.number, part));
        }
        const bool replaced = !read.rebuilt.empty() && replace_files(read.segment);
        SealedSegment& segment = *read.segment;
        if (entry.tombstones_file != 0) SEXTANT_TRY(read_tombstones(place, entry.tombstones_file, segment));
        Lsn overlay_at{};
        if (entry.overlay_file != 0) {
            SEXTANT_TRY_ASSIGN(overlay_at, read_overlay(place, entry.overlay_file, segment));
        }
        if (!replaced) {
            const MutexLock lock(core_.stored_mutex);
            core_.stored_segments.push_back({.entry = entry,
                                             .bytes = read.bytes,
                                             .dead_count = segment.tombstones().count(),
                                             .overlay_at = overlay_at});
        }
        return segment.state(read.segment);
    }

    /// Files without the damage, for the next manifest to name. Where there is no room for them, what was made anew is
    /// in memory, and is made anew at the next opening.
    bool replace_files(std::shared_ptr<SealedSegment>& segment) {
        if (core_.store->read_only()) return false;
        auto work = SegmentWork::begin(*core_.store, 0, {});
        if (!work) return false;
        auto stored = core_.store_segment(**work, segment, core_.fields);
        if (!stored) return false;
        segment = std::move(stored).value();
        files_replaced_ = true;
        return true;
    }

    CoreState& core_;
    OnCorruption on_corruption_;
    bool files_replaced_ = false;
};

std::string describe_loss(const WalDamage& damage, std::uint64_t last) {
    std::string text =
        format_text("{}; {} frames and {} bytes behind it", damage.what, damage.lost_frames, damage.lost_bytes);
    // A write is one effect or more, each with a number.
    if (damage.lost_last > last) text += format_text("; changes {} to {} are lost", last + 1, damage.lost_last);
    return text;
}

}  // namespace

Result<void> CoreState::recover(OnCorruption on_corruption) {
    if (!store->guessed().empty()) recovery.lost.push_back(store->guessed());
    SegmentLoader loader(*this, on_corruption);
    {
        SEXTANT_TRY_ASSIGN(auto version, loader.load());
        const MutexLock lock(write_mutex);
        const Version& first = *version;
        publish(VersionCell<Version>::prepare(std::move(version)), first);
    }
    const format::Manifest& manifest = store->manifest();
    ResolvedEffects effects;
    const auto replay_once = [&](const format::WalFrame& frame_read, const std::string& path,
                                 std::uint64_t position) -> Result<void> {
        const MutexLock lock(write_mutex);
        effects.clear();
        SEXTANT_TRY(
            replay_effects(frame_read, *current, manifest.replay_from, options.dimension, path, position, effects));
        SEXTANT_TRY(apply(effects, Durability::None));
        return {};
    };
    bool sealed = false;
    const auto replay = [&](const format::WalFrame& frame_read, const std::string& path,
                            std::uint64_t position) -> Result<void> {
        ++recovery.frames;
        auto done = replay_once(frame_read, path, position);
        // The log may be longer than memory: it was written with more of it, or before sealing caught up.
        while (!done && done.error().code == ErrorCode::resource_exhausted && is_short_of_memory() &&
               !store->read_only()) {
            if (!sealed) {
                SEXTANT_TRY(loader.check_log());
                SEXTANT_TRY(store->make_segment_directory());
            }
            SEXTANT_TRY_ASSIGN(const bool made_room, background.seal_oldest());
            if (!made_room) break;
            sealed = true;
            done = replay_once(frame_read, path, position);
        }
        return done;
    };
    const bool salvage = on_corruption != OnCorruption::fail;
    SEXTANT_TRY_ASSIGN(const WalEnd end,
                       replay_wal(store->wal(), manifest.replay_from, salvage ? OnWalDamage::stop : OnWalDamage::fail,
                                  !store->read_only(), replay));
    if (end.damage.has_value()) {
        recovery.lost.push_back(describe_loss(*end.damage, end.last));
    } else if (end.last < manifest.last || end.next_file_number <= manifest.first_log) {
        const std::string lost = format_text("{}: the log ends at write {}, the manifest knows of write {} in file {}",
                                             store->wal().directory, end.last, manifest.last, manifest.first_log);
        if (!salvage) return Error{ErrorCode::corruption, lost};
        recovery.lost.push_back(lost);
    }
    for (const std::string& file : end.passed_over) recovery.lost.push_back(file + "; it was left out");
    recovery.torn_bytes = end.torn_bytes;
    recovery.clean = end.clean;
    {
        const MutexLock lock(write_mutex);
        auto version = std::make_unique<Version>(*current);
        version->last = Lsn{std::max(end.last, manifest.last)};
        const Version& last = *version;
        for (const auto& state : version->segments) background.note_opened(*state);
        publish(VersionCell<Version>::prepare(std::move(version)), last);
    }
    if (store->read_only()) return {};
    SEXTANT_TRY(store->make_segment_directory());
    const auto next = static_cast<std::uint64_t>(cell.share()->last) + 1;
    auto made = WalWriter::create(store->wal(), {}, end.next_file_number, next);
    // On a full disk: without a log there would be no erasing, which is what such a collection needs.
    if (!made && made.error().code == ErrorCode::resource_exhausted && store->release_reserve()) {
        made = WalWriter::create(store->wal(), {}, end.next_file_number, next);
    }
    SEXTANT_TRY_ASSIGN(log, std::move(made));
    // From now on a log that is missing is damage.
    if (manifest.first_log == 0) SEXTANT_TRY(checkpoint());
    // If it fails the new files wait for the next one: what no manifest names yet must not be removed.
    if ((loader.files_replaced() || sealed) && !checkpoint()) return {};
    return store->remove_unneeded();
}

}  // namespace sextant::inline v1::detail
