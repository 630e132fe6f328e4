#include "sextant/segment/segment.hpp"

namespace sextant::inline v1 {

SegmentBytes Segment::shared_bytes() const noexcept {
    SegmentBytes bytes;
    for (std::size_t i = 0; i < field_count(); ++i) {
        const FieldBytes own = field(i).bytes();
        bytes.fields.vectors += own.vectors;
        bytes.fields.codes += own.codes;
        bytes.fields.graph += own.graph;
        bytes.fields.other += own.other;
    }
    bytes.overlay = overlay_.memory_bytes();
    bytes.tombstones = tombstones_.memory_bytes();
    bytes.id_map = order_.memory_bytes();
    return bytes;
}

RowId SegmentState::find(const PointId& id, std::uint64_t hash) const noexcept {
    const RowId newest = id_table->find(ids, id, hash);
    if (newest == no_row) return no_row;
    if (to_index(newest) < row_count) return alive(to_index(newest)) ? newest : no_row;
    // The id was written again after this version. The row this version knows, if it has one, is older: look for it the
    // slow way, from the end. 2^18 ids are 2 MiB, about 0.1 ms, and it happens only in the window between pinning a
    // version and a write of the same id, or under a version that is held for long.
    for (std::uint32_t row = row_count; row-- > 0;) {
        if (ids.equals(row, id)) return alive(row) ? RowId{row} : no_row;
    }
    return no_row;
}

std::span<const std::byte> SegmentState::payload(std::uint32_t row, Lsn at) const noexcept {
    if (overlay != nullptr) {
        if (const PayloadChange* const change = overlay->find(row, at)) return change->blob();
    }
    return payloads[row];
}

Lsn SegmentState::version(std::uint32_t row, Lsn at) const noexcept {
    if (overlay != nullptr) {
        if (const PayloadChange* const change = overlay->find(row, at)) return change->lsn();
    }
    return Lsn{versions[row]};
}

}  // namespace sextant::inline v1
