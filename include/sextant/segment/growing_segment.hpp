/// GrowingSegment: where new rows go. Append-only; a row, once published, changes only by its tombstone and its overlay.
/// Invariants: (1) no capacity is declared: addresses for max_rows are reserved, memory is taken as rows come; (2) append
/// cannot fail, as reserve() took everything before it; (3) a row exists for readers once a version's row_count says so.
/// Threads: one writer; readers of published rows and one linker run beside it.
/// Cost: see docs/format/sections.md: 8 + 8 + 5..7 bytes a row beside the fields, and 8 with the first payload.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sextant/segment/segment.hpp"

namespace sextant::inline v1 {

class GrowingSegment final : public Segment {
public:
    /// `wide`: ids may be UUIDs.
    [[nodiscard]] static Result<std::shared_ptr<GrowingSegment>> create(
        std::span<const std::unique_ptr<VectorField>> fields, std::uint32_t max_rows, bool wide,
        MemoryAccount& account);

    struct Room {
        std::uint32_t rows = 0;
        std::uint64_t payload_bytes = 0;
        bool any_payload = false;
    };
    /// Takes the memory that appending so much needs. A failure changes nothing that anyone sees.
    [[nodiscard]] Result<void> reserve(const Room& room);
    /// REQUIRES: reserve() made room. One vector per field.
    void append(const PointId& id, Lsn version, std::span<const VectorView> vectors,
                std::span<const std::byte> payload) noexcept;
    /// Makes the row findable by its id. Done for a whole batch at its end, so that readers of the version before rarely
    /// meet rows they cannot see.
    void enroll(std::uint32_t row, const PointId& id, std::uint64_t hash) noexcept {
        id_map_.insert(ids_.view(), row, id, hash);
    }

    [[nodiscard]] std::uint32_t row_count() const noexcept { return row_count_; }
    [[nodiscard]] bool wide() const noexcept { return ids_.wide(); }
    [[nodiscard]] std::uint64_t payload_bytes() const noexcept { return payloads_.used_bytes(); }
    /// What a version published now would see; tombstones and overlay as they are current.
    [[nodiscard]] SegmentState state(std::shared_ptr<Segment> self) const;

    [[nodiscard]] std::size_t field_count() const noexcept override { return fields_.size(); }
    [[nodiscard]] const FieldRows& field(std::size_t index) const noexcept override { return *fields_[index]; }
    [[nodiscard]] SegmentBytes bytes() const noexcept override;
    /// For the linker.
    [[nodiscard]] GrowingField& growing_field(std::size_t index) noexcept { return *fields_[index]; }
    /// Rows every field's graph holds.
    [[nodiscard]] std::uint32_t indexed_rows() const noexcept;

private:
    GrowingSegment(std::uint32_t max_rows, MemoryAccount& account) noexcept
        : Segment(SegmentKind::growing, max_rows, account) {}

    IdColumn ids_;
    Column<std::uint64_t> versions_;
    PayloadColumn payloads_;
    IdMap id_map_;
    std::vector<std::unique_ptr<GrowingField>> fields_;
    std::uint32_t row_count_ = 0;
};

}  // namespace sextant::inline v1
