#include "sextant/segment/growing_segment.hpp"

#include <algorithm>
#include <utility>

#include "sextant/core/assert.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/segment/segment_limits.hpp"

namespace sextant::inline v1 {

Result<std::shared_ptr<GrowingSegment>> GrowingSegment::create(std::span<const std::unique_ptr<VectorField>> fields,
                                                               std::uint32_t max_rows, bool wide,
                                                               MemoryAccount& account) {
    std::shared_ptr<GrowingSegment> segment(new GrowingSegment(max_rows, account));
    SEXTANT_TRY_ASSIGN(segment->ids_, IdColumn::reserve(max_rows, wide, account));
    SEXTANT_TRY_ASSIGN(segment->versions_, Column<std::uint64_t>::reserve(max_rows, account, "versions"));
    // One payload may come on top of the last byte below the cap.
    SEXTANT_TRY_ASSIGN(segment->payloads_,
                       PayloadColumn::reserve(max_rows, growing_max_bytes + limits::max_payload_size, account));
    SEXTANT_TRY_ASSIGN(segment->id_map_, IdMap::create(max_rows, account));
    for (const auto& field : fields) {
        SEXTANT_TRY_ASSIGN(auto rows, field->make_growing(max_rows, account));
        segment->fields_.push_back(std::move(rows));
    }
    return segment;
}

Result<void> GrowingSegment::reserve(const Room& room) {
    const std::uint32_t rows = row_count_ + room.rows;
    SEXTANT_ASSERT(rows <= max_rows());
    SEXTANT_TRY(ids_.ensure(rows));
    SEXTANT_TRY(versions_.ensure(rows));
    SEXTANT_TRY(payloads_.ensure(rows, room.payload_bytes, room.any_payload));
    for (const auto& field : fields_) SEXTANT_TRY(field->reserve_rows(rows));
    return id_map_.reserve(room.rows, ids_.view());
}

void GrowingSegment::append(const PointId& id, Lsn version, std::span<const VectorView> vectors,
                            std::span<const std::byte> payload) noexcept {
    SEXTANT_ASSERT(vectors.size() == fields_.size());
    const std::uint32_t row = row_count_;
    ids_.set(row, id);
    versions_[row] = static_cast<std::uint64_t>(version);
    payloads_.append(row, payload);
    for (std::size_t i = 0; i < fields_.size(); ++i) fields_[i]->append(RowId{row}, vectors[i]);
    row_count_ = row + 1;
}

SegmentState GrowingSegment::state(std::shared_ptr<Segment> self) const {
    SegmentState state;
    state.segment = std::move(self);
    state.row_count = row_count_;
    state.live_count = row_count_ - tombstones().count();
    state.ids = ids_.view();
    state.versions = versions_.data();
    state.payloads = payloads_.view();
    state.id_table = id_map_.table();
    state.overlay = overlay().table();
    state.deleted = tombstones().current();
    return state;
}

SegmentBytes GrowingSegment::bytes() const noexcept {
    SegmentBytes bytes = shared_bytes();
    bytes.ids = ids_.memory_bytes();
    bytes.versions = versions_.arena().committed();
    bytes.payloads = payloads_.memory_bytes();
    bytes.id_map += id_map_.table()->memory_bytes();
    return bytes;
}

std::uint32_t GrowingSegment::indexed_rows() const noexcept {
    std::uint32_t rows = 0xFFFFFFFFU;
    for (const auto& field : fields_) rows = std::min(rows, field->indexed_rows());
    return rows;
}

}  // namespace sextant::inline v1
