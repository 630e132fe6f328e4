/// Segment: rows of a collection that are stored, searched and rebuilt together: ids, versions, payloads, tombstones and
/// one or more vector fields over the same row numbers.
/// SegmentState: a segment as one version of the collection sees it.
/// Invariants: (1) rows never move and are never renumbered in a segment; (2) of all rows of all segments of a version
/// at most one with a given id is alive; (3) a state never changes.
/// Threads: SegmentState: immutable. Segment: tombstones() and overlay() belong to the writer; order() is thread-safe; the rest is
/// const-safe.
/// Lifetime: a state holds its segment; a segment goes with the last state that names it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sextant/core/memory_account.hpp"
#include "sextant/core/point_id.hpp"
#include "sextant/core/types.hpp"
#include "sextant/segment/id_column.hpp"
#include "sextant/segment/id_map.hpp"
#include "sextant/segment/id_order.hpp"
#include "sextant/segment/payload_column.hpp"
#include "sextant/segment/payload_overlay.hpp"
#include "sextant/segment/tombstones.hpp"
#include "sextant/segment/vector_field.hpp"

namespace sextant::inline v1 {

enum class SegmentKind : std::uint8_t {
    growing,  ///< takes rows, or took them and waits to be sealed
    sealed,
};

/// Bytes of one segment, by part, as charged to the account.
struct SegmentBytes {
    FieldBytes fields = {};
    std::uint64_t ids = 0;
    std::uint64_t versions = 0;
    std::uint64_t id_map = 0;  ///< and, once scrolled, the order of ids
    std::uint64_t payloads = 0;
    std::uint64_t overlay = 0;
    std::uint64_t tombstones = 0;
};

class Segment {
public:
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;
    virtual ~Segment() = default;

    [[nodiscard]] SegmentKind kind() const noexcept { return kind_; }
    /// Rows it can ever have; bitmaps handed to its fields cover as many.
    [[nodiscard]] std::uint32_t max_rows() const noexcept { return max_rows_; }
    [[nodiscard]] virtual std::size_t field_count() const noexcept = 0;
    [[nodiscard]] virtual const FieldRows& field(std::size_t index) const noexcept = 0;
    /// REQUIRES: no writer is at work.
    [[nodiscard]] virtual SegmentBytes bytes() const noexcept = 0;

    [[nodiscard]] Tombstones& tombstones() noexcept { return tombstones_; }
    [[nodiscard]] const Tombstones& tombstones() const noexcept { return tombstones_; }
    [[nodiscard]] PayloadOverlay& overlay() noexcept { return overlay_; }
    [[nodiscard]] const PayloadOverlay& overlay() const noexcept { return overlay_; }
    [[nodiscard]] const IdOrderCache& order() const noexcept { return order_; }

protected:
    Segment(SegmentKind kind, std::uint32_t max_rows, MemoryAccount& account) noexcept
        : kind_(kind), max_rows_(max_rows), tombstones_(max_rows, account), overlay_(account), order_(account) {}
    /// The parts that every segment has.
    [[nodiscard]] SegmentBytes shared_bytes() const noexcept;

private:
    SegmentKind kind_;
    std::uint32_t max_rows_;
    Tombstones tombstones_;
    PayloadOverlay overlay_;
    IdOrderCache order_;
};

struct SegmentState {
    std::shared_ptr<Segment> segment;
    std::uint32_t row_count = 0;  ///< rows past it do not exist for this version
    std::uint32_t live_count = 0;
    IdView ids = {};
    const std::uint64_t* versions = nullptr;
    PayloadSpans payloads = {};
    std::shared_ptr<const IdTable> id_table;
    std::shared_ptr<const OverlayTable> overlay;  ///< null: no payload was changed
    std::shared_ptr<const TombstoneSet> deleted;  ///< null: every row is alive

    /// The live row with this id, or no_row. `hash` is id.hash(): computed once for all segments.
    [[nodiscard]] RowId find(const PointId& id, std::uint64_t hash) const noexcept;
    [[nodiscard]] bool alive(std::uint32_t row) const noexcept {
        return row < row_count && (deleted == nullptr || !deleted->test(row));
    }
    /// Null words: none.
    [[nodiscard]] BitmapView deleted_view() const noexcept {
        return deleted == nullptr ? BitmapView{} : deleted->view();
    }
    [[nodiscard]] std::uint32_t dead_count() const noexcept { return row_count - live_count; }

    /// What the row holds for a version whose last write is `at`.
    [[nodiscard]] std::span<const std::byte> payload(std::uint32_t row, Lsn at) const noexcept;
    [[nodiscard]] Lsn version(std::uint32_t row, Lsn at) const noexcept;
};

}  // namespace sextant::inline v1
