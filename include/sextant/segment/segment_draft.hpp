/// SegmentDraft: a sealed segment on its way to the disk: "…/000007.tmp", which becomes "…/000007" when all of it is there.
/// What is too large for memory is written while the segment is built, the rest when it is finished.
/// Threads: confined.
/// Lifetime: borrows what `written` refers to, and the file system of its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sextant/core/function_ref.hpp"
#include "sextant/core/result.hpp"
#include "sextant/format/segment_footer.hpp"
#include "sextant/format/segment_meta.hpp"
#include "sextant/segment/field_draft.hpp"
#include "sextant/segment/segment_files.hpp"

namespace sextant::inline v1 {

class SegmentDraft {
public:
    /// Makes the temporary directory, without what an attempt that was cut off left in it. `written` is told after each
    /// piece of at most 1 MiB; it may take its time.
    [[nodiscard]] static Result<std::unique_ptr<SegmentDraft>> create(SegmentPlace place, std::stop_token stop,
                                                                      FunctionRef<void(std::size_t)> written);
    SegmentDraft(const SegmentDraft&) = delete;
    SegmentDraft& operator=(const SegmentDraft&) = delete;
    /// Removes what was not finished.
    ~SegmentDraft();

    /// For the parts of one field. Lives as long as the draft.
    [[nodiscard]] FieldDraft& field(std::uint16_t index);
    /// Writes what is not there yet, syncs every file and directory, renames, syncs the directory of all segments.
    [[nodiscard]] Result<WrittenSegment> finish(const SealedSegment& segment,
                                                std::span<const std::unique_ptr<VectorField>> fields);

private:
    class Part;
    using Sections = std::vector<std::span<const std::byte>>;

    SegmentDraft(SegmentPlace place, std::stop_token stop, FunctionRef<void(std::size_t)> written);
    [[nodiscard]] Result<void> write_rows(const SealedSegment& segment, std::uint64_t payload_size);
    [[nodiscard]] Result<void> write_field(std::uint16_t index, const SealedField& sealed, const VectorField& field,
                                           format::SegmentMeta& meta);
    [[nodiscard]] Result<void> make_field_directory(std::uint16_t index);
    /// Does nothing where the file is there already.
    [[nodiscard]] Result<void> write_sections(format::FileKind kind, std::uint16_t field, const Sections& sections);
    [[nodiscard]] Result<void> write_small(format::FileKind kind, std::span<const std::byte> bytes);
    void list(format::FileEntry entry, std::uint16_t field);

    SegmentPlace place_;
    std::stop_token stop_;
    FunctionRef<void(std::size_t)> written_;
    std::string path_;
    format::SegmentFooter footer_;
    WrittenSegment result_;
    std::vector<std::unique_ptr<Part>> parts_;  ///< by field; null until it is asked for
    std::vector<bool> directories_;             ///< by field: made
    bool finished_ = false;
};

}  // namespace sextant::inline v1
