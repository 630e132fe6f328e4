/// SealedSegment: rows that no longer change: plain arrays, a finished graph, the configured quantizer.
/// Invariants: (1) every array is one contiguous section, laid out as docs/format/sections.md says for files; (2) only
/// tombstones and overlay change after it was built.
/// Threads: as Segment.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "sextant/core/executor.hpp"
#include "sextant/core/function_ref.hpp"
#include "sextant/segment/segment.hpp"

namespace sextant::inline v1 {

namespace detail {
class SegmentFiles;  // src/segment: reads one
}
class SegmentDraft;

class SealedSegment final : public Segment {
public:
    [[nodiscard]] std::uint32_t row_count() const noexcept { return max_rows(); }
    /// What a version published now would see.
    [[nodiscard]] SegmentState state(std::shared_ptr<Segment> self) const;

    [[nodiscard]] std::size_t field_count() const noexcept override { return fields_.size(); }
    [[nodiscard]] const FieldRows& field(std::size_t index) const noexcept override { return *fields_[index]; }
    [[nodiscard]] SegmentBytes bytes() const noexcept override;
    /// Of the files it was read from; 0: it was built, and has none.
    [[nodiscard]] std::uint64_t file_number() const noexcept { return file_number_; }

private:
    friend class SegmentSealer;
    friend class SegmentDraft;
    friend class detail::SegmentFiles;
    SealedSegment(std::uint32_t row_count, MemoryAccount& account) noexcept
        : Segment(SegmentKind::sealed, row_count, account) {}

    IdColumn ids_;
    Column<std::uint64_t> versions_;
    PayloadColumn payloads_;
    std::shared_ptr<IdTable> id_table_;
    std::vector<std::shared_ptr<const SealedField>>
        fields_;  ///< immutable; another segment of the same rows may have them, too
    Lsn at_{};    ///< last write of the version whose rows these are
    std::uint64_t file_number_ = 0;
};

/// Which rows of a source went where: kept rows keep their order.
class KeptRows {
public:
    KeptRows(const SegmentState& source, std::uint32_t first_new_row);
    [[nodiscard]] std::uint32_t kept_count() const noexcept { return kept_count_; }
    /// REQUIRES: the row was kept.
    [[nodiscard]] std::uint32_t new_row(std::uint32_t row) const noexcept;

private:
    BitmapView dropped_;
    std::vector<std::uint32_t> dropped_before_;  ///< per word of 64 rows; empty where nothing was dropped
    std::uint32_t first_new_row_ = 0;
    std::uint32_t kept_count_ = 0;
};

/// Makes one sealed segment of the live rows of others, which go on being searched and changed meanwhile.
class SegmentSealer {
public:
    /// What the sources were when the build began; `at` is the Lsn of that version. They must stay held until done.
    SegmentSealer(std::span<const SegmentState> sources, Lsn at);

    struct Environment {
        std::span<const std::unique_ptr<VectorField>> fields = {};
        MemoryAccount* account = nullptr;
        Executor* executor = nullptr;
        std::stop_token stop = {};
        SegmentDraft* draft = nullptr;  ///< not null: vectors and codes are written while they are made
        bool recode = false;            ///< nothing of a source is shared: its codes are not those of `fields`
    };
    /// REQUIRES: kept_rows() > 0. cancelled or resource_exhausted leave nothing behind. `progress` gets 0 .. 1.
    /// Cost: of a single sealed source that keeps every row, copies ids, versions and payloads alone.
    [[nodiscard]] Result<std::shared_ptr<SealedSegment>> build(const Environment& environment,
                                                               FunctionRef<void(double)> progress) const;

    [[nodiscard]] std::uint64_t kept_rows() const noexcept { return kept_rows_; }
    [[nodiscard]] std::span<const SegmentState> sources() const noexcept { return sources_; }
    [[nodiscard]] Lsn at() const noexcept { return at_; }

    /// Brings the new segment up to date with what was done to source `index` since the build began.
    struct LateChanges {
        std::vector<std::uint32_t> dead;  ///< new row numbers
        struct Payload {
            std::uint32_t row;
            const PayloadChange* change;
        };
        std::vector<Payload> payloads;  ///< new row numbers
    };
    void collect_late_changes(std::size_t index, const SegmentState& now, Lsn now_at, LateChanges& out) const;

private:
    [[nodiscard]] Result<void> copy_rows(SealedSegment& segment, MemoryAccount& account,
                                         const std::stop_token& stop) const;
    /// Takes the fields of a single sealed source as they are, where every row of it is kept. False: it is not such.
    [[nodiscard]] bool share_fields(SealedSegment& segment) const;

    std::span<const SegmentState> sources_;
    Lsn at_;
    std::vector<KeptRows> kept_;
    std::uint64_t kept_rows_ = 0;
};

}  // namespace sextant::inline v1
