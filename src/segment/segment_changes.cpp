// Files of what changed in a sealed segment since its own were written.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/format_text.hpp"
#include "sextant/format/row_changes.hpp"
#include "sextant/payload/payload_view.hpp"
#include "sextant/segment/segment_files.hpp"

namespace sextant::inline v1 {
namespace {

using format::FileIdentity;
using format::FileKind;

std::string tombstones_path(const SegmentPlace& place, std::uint64_t number) {
    return format_text("{}/del-{:06}", place.path(), number);
}
std::string overlay_path(const SegmentPlace& place, std::uint64_t number) {
    return format_text("{}/payload-{:06}", place.path(), number);
}

/// The name appears when the file is whole, and lasts when this returns.
Result<void> write_beside(const SegmentPlace& place, const std::string& path, std::span<const std::byte> bytes) {
    FileSystem& files = *place.files;
    const std::string draft = path + ".tmp";
    {
        SEXTANT_TRY_ASSIGN(const auto file, files.open(draft, FileMode::create));
        SEXTANT_TRY(file->truncate(0));  // of an attempt that was cut off
        SEXTANT_TRY(file->write_at(0, bytes));
        SEXTANT_TRY(file->sync());
    }
    SEXTANT_TRY(files.rename(draft, path));
    return files.sync_directory(place.path());
}

/// The manifest names it: a file that is not there is damage.
Result<std::vector<std::byte>> read_named(const SegmentPlace& place, const std::string& path) {
    constexpr std::uint64_t most = std::uint64_t{1} << 40U;
    auto bytes = read_file(*place.files, path, most);
    if (bytes || bytes.error().code != ErrorCode::not_found) return bytes;
    return Error{ErrorCode::corruption, bytes.error().message};
}

Result<format::TombstonesFile> load_tombstones(const SegmentPlace& place, std::uint64_t file_number,
                                               std::uint32_t row_count) {
    const std::string path = tombstones_path(place, file_number);
    SEXTANT_TRY_ASSIGN(const auto bytes, read_named(place, path));
    const FileIdentity identity{place.collection, FileKind::tombstones, file_number};
    return format::decode_tombstones(bytes, identity, place.number, row_count, path);
}

/// `use` gets one change after the other; what it refers to lives until it returns.
Result<void> load_overlay(const SegmentPlace& place, std::uint64_t file_number, std::uint32_t row_count,
                          FunctionRef<Result<void>(std::size_t count, const format::ChangedPayload&)> use) {
    const std::string path = overlay_path(place, file_number);
    SEXTANT_TRY_ASSIGN(const auto bytes, read_named(place, path));
    const FileIdentity identity{place.collection, FileKind::payload_overlay, file_number};
    SEXTANT_TRY_ASSIGN(const auto changes, format::decode_overlay(bytes, identity, place.number, row_count, path));
    for (const format::ChangedPayload& change : changes) {
        if (auto valid = PayloadView(change.payload).validate(); !valid) {
            return Error{valid.error().code, format_text("{}: row {}: {}", path, change.row, valid.error().message)};
        }
        SEXTANT_TRY(use(changes.size(), change));
    }
    return {};
}

}  // namespace

Result<void> write_tombstones(const SegmentPlace& place, std::uint64_t file_number, const SegmentState& state) {
    format::TombstonesFile file{.segment = place.number, .row_count = state.row_count, .words = {}};
    file.words.resize((std::size_t{state.row_count} + 63) / 64);
    for (std::uint32_t row = 0; row < state.row_count; ++row) {
        if (!state.alive(row)) file.words[row / 64] |= std::uint64_t{1} << (row % 64);
    }
    const FileIdentity identity{place.collection, FileKind::tombstones, file_number};
    return write_beside(place, tombstones_path(place, file_number), format::encode_tombstones(identity, file));
}

Result<void> write_overlay(const SegmentPlace& place, std::uint64_t file_number, const SegmentState& state, Lsn at) {
    std::vector<format::ChangedPayload> changes;
    for (std::size_t slot = 0; state.overlay != nullptr && slot < state.overlay->slot_count(); ++slot) {
        const RowId row = state.overlay->row_at(slot);
        if (row == no_row || !state.alive(to_index(row))) continue;
        const PayloadChange* const change = state.overlay->find(to_index(row), at);
        if (change == nullptr) continue;
        changes.push_back({to_index(row), static_cast<std::uint64_t>(change->lsn()), change->blob()});
    }
    std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
    const FileIdentity identity{place.collection, FileKind::payload_overlay, file_number};
    return write_beside(place, overlay_path(place, file_number),
                        format::encode_overlay(identity, place.number, state.row_count, changes));
}

Result<void> read_tombstones(const SegmentPlace& place, std::uint64_t file_number, SealedSegment& segment) {
    SEXTANT_TRY_ASSIGN(const auto file, load_tombstones(place, file_number, segment.row_count()));
    std::vector<std::uint32_t> dead;
    for (std::uint32_t row = 0; row < segment.row_count(); ++row) {
        if (((file.words[row / 64] >> (row % 64)) & 1U) != 0) dead.push_back(row);
    }
    if (dead.empty()) return {};
    SEXTANT_TRY_ASSIGN(const auto prepared, segment.tombstones().prepare(dead));
    segment.tombstones().commit(prepared);
    return {};
}

Result<Lsn> read_overlay(const SegmentPlace& place, std::uint64_t file_number, SealedSegment& segment) {
    Lsn newest{};
    std::vector<PayloadChange::Owner> hidden;  // nothing is: each row is named once
    const auto put = [&](std::size_t count, const format::ChangedPayload& change) -> Result<void> {
        if (newest == Lsn{}) SEXTANT_TRY(segment.overlay().reserve(count));
        SEXTANT_TRY_ASSIGN(auto owned, segment.overlay().make(Lsn{change.version}, change.payload));
        segment.overlay().put(change.row, std::move(owned), hidden);
        newest = std::max(newest, Lsn{change.version});
        return {};
    };
    SEXTANT_TRY(load_overlay(place, file_number, segment.row_count(), put));
    return newest;
}

Result<void> verify_changes(const SegmentPlace& place, std::uint64_t tombstones_file, std::uint64_t overlay_file,
                            std::uint32_t row_count) {
    if (tombstones_file != 0) SEXTANT_TRY(load_tombstones(place, tombstones_file, row_count));
    const auto nothing = [](std::size_t, const format::ChangedPayload&) -> Result<void> { return {}; };
    return overlay_file == 0 ? Result<void>() : load_overlay(place, overlay_file, row_count, nothing);
}

}  // namespace sextant::inline v1
