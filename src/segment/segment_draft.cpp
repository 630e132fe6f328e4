#include "sextant/segment/segment_draft.hpp"

#include <algorithm>
#include <utility>

#include "core/format_text.hpp"
#include "segment/section_file.hpp"
#include "segment/segment_layout.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/segment/sealed_segment.hpp"

namespace sextant::inline v1 {

using format::FileEntry;
using format::FileIdentity;
using format::FileKind;

class SegmentDraft::Part final : public FieldDraft {
public:
    Part(SegmentDraft& draft, std::uint16_t index) noexcept : draft_(draft), index_(index) {}

    Result<std::shared_ptr<const SectionMap>> write(FieldPart part,
                                                    FunctionRef<Result<void>(PartSink&)> fill) override {
        SEXTANT_TRY(draft_.make_field_directory(index_));
        FileSystem& files = *draft_.place_.files;
        const FileKind kind = detail::kind_of(part);
        const std::string path = draft_.path_ + "/" + detail::name_of(kind, index_);
        const FileIdentity identity = detail::identity_of(draft_.place_, kind, index_);
        SEXTANT_TRY_ASSIGN(const auto writer,
                           detail::SectionWriter::create(files, path, identity, draft_.stop_, draft_.written_));
        SEXTANT_TRY(fill(*writer));
        SEXTANT_TRY_ASSIGN(const FileEntry entry, writer->finish());
        SEXTANT_TRY_ASSIGN(auto map, detail::map_section_file(files, path, identity, entry, writer->section_sizes()));
        SEXTANT_TRY(map->check_all(draft_.stop_));
        draft_.list(entry, index_);
        return map;
    }

private:
    SegmentDraft& draft_;
    std::uint16_t index_;
};

SegmentDraft::SegmentDraft(SegmentPlace place, std::stop_token stop, FunctionRef<void(std::size_t)> written)
    : place_(std::move(place)), stop_(std::move(stop)), written_(written), path_(place_.path() + ".tmp") {}

Result<std::unique_ptr<SegmentDraft>> SegmentDraft::create(SegmentPlace place, std::stop_token stop,
                                                           FunctionRef<void(std::size_t)> written) {
    std::unique_ptr<SegmentDraft> draft(new SegmentDraft(std::move(place), std::move(stop), written));
    SEXTANT_TRY(remove_tree(*draft->place_.files, draft->path_));
    SEXTANT_TRY(draft->place_.files->create_directory(draft->path_));
    return draft;
}

SegmentDraft::~SegmentDraft() {
    if (finished_) return;
    parts_.clear();
    remove_tree(*place_.files, path_).ignore("it takes space and does nothing else; the next opening removes it");
}

FieldDraft& SegmentDraft::field(std::uint16_t index) {
    if (parts_.size() <= index) parts_.resize(index + std::size_t{1});
    if (parts_[index] == nullptr) parts_[index] = std::make_unique<Part>(*this, index);
    return *parts_[index];
}

Result<WrittenSegment> SegmentDraft::finish(const SealedSegment& segment,
                                            std::span<const std::unique_ptr<VectorField>> fields) {
    const std::uint32_t rows = segment.row_count();
    format::SegmentMeta meta{.at = static_cast<std::uint64_t>(segment.at_),
                             .row_count = rows,
                             .wide_ids = segment.ids_.wide(),
                             .id_slots = segment.id_table_->slot_count(),
                             .payload_size = segment.payloads_.present() ? segment.payloads_.used_bytes() : 0,
                             .fields = {}};
    SEXTANT_TRY(write_rows(segment, meta.payload_size));
    for (std::size_t i = 0; i < segment.fields_.size(); ++i) {
        SEXTANT_TRY(write_field(static_cast<std::uint16_t>(i), *segment.fields_[i], *fields[i], meta));
    }
    const FileIdentity identity = detail::identity_of(place_, FileKind::segment_meta);
    SEXTANT_TRY(write_small(FileKind::segment_meta, format::encode_segment_meta(identity, meta)));
    const auto footer = format::encode_segment_footer(detail::identity_of(place_, FileKind::segment_footer), footer_);
    result_.footer_checksum = hash64(footer);
    SEXTANT_TRY(write_small(FileKind::segment_footer, footer));
    SEXTANT_TRY(place_.files->sync_directory(path_));
    SEXTANT_TRY(place_.files->rename(path_, place_.path()));
    finished_ = true;
    SEXTANT_TRY(place_.files->sync_directory(place_.directory));
    return result_;
}

Result<void> SegmentDraft::write_rows(const SealedSegment& segment, std::uint64_t payload_size) {
    const std::uint32_t rows = segment.row_count();
    Sections ids;
    for (const auto section : segment.ids_.sections(rows)) {
        if (!section.empty()) ids.push_back(section);
    }
    ids.push_back(segment.versions_.bytes(rows));
    ids.push_back(segment.id_table_->section());
    SEXTANT_TRY(write_sections(FileKind::ids, 0, ids));
    if (payload_size == 0) return {};
    const auto payloads = segment.payloads_.sections(rows, payload_size);
    return write_sections(FileKind::payload, 0, {payloads[0], payloads[1]});
}

Result<void> SegmentDraft::write_field(std::uint16_t index, const SealedField& sealed, const VectorField& field,
                                       format::SegmentMeta& meta) {
    SEXTANT_TRY(sealed.vectors().check_all(stop_));
    const FieldSections parts = sealed.sections();
    SEXTANT_TRY(make_field_directory(index));
    SEXTANT_TRY(write_sections(FileKind::vectors, index, parts.vectors));
    if (parts.code_stride != 0) {
        SEXTANT_TRY(write_sections(FileKind::codebook, index, {std::span<const std::byte>(parts.codebook)}));
        SEXTANT_TRY(write_sections(FileKind::codes, index, parts.codes));
    }
    SEXTANT_TRY(write_sections(FileKind::graph, index, parts.graph));
    meta.fields.push_back({.metric = field.metric(),
                           .quantizer = field.quantizer(),
                           .dimension = parts.dimension,
                           .has_codes = parts.code_stride != 0,
                           .lossless = parts.lossless,
                           .raw = parts.raw,
                           .vector_stride = static_cast<std::uint32_t>(parts.vector_stride),
                           .code_stride = static_cast<std::uint32_t>(parts.code_stride),
                           .codebook_size = parts.codebook.size(),
                           .upper_size = parts.upper_size,
                           .m = parts.params.m,
                           .ef_construction = parts.params.ef_construction,
                           .seed = parts.params.seed,
                           .calibration = parts.calibration});
    return place_.files->sync_directory(format_text("{}/v{}", path_, index));
}

Result<void> SegmentDraft::make_field_directory(std::uint16_t index) {
    if (directories_.size() <= index) directories_.resize(index + std::size_t{1});
    if (directories_[index]) return {};
    SEXTANT_TRY(place_.files->create_directory(format_text("{}/v{}", path_, index)));
    directories_[index] = true;
    return {};
}

Result<void> SegmentDraft::write_sections(FileKind kind, std::uint16_t field, const Sections& sections) {
    if (footer_.find(kind, field) != nullptr) return {};
    SEXTANT_TRY_ASSIGN(FileEntry entry,
                       detail::write_section_file(*place_.files, path_ + "/" + detail::name_of(kind, field),
                                                  detail::identity_of(place_, kind, field), sections, stop_, written_));
    list(std::move(entry), field);
    return {};
}

/// Meta and footer carry their own checksums; meta is in the footer as well, so that it cannot be an older one.
Result<void> SegmentDraft::write_small(FileKind kind, std::span<const std::byte> bytes) {
    const std::string path = path_ + "/" + detail::name_of(kind, 0);
    SEXTANT_TRY_ASSIGN(const auto file, place_.files->open(path, FileMode::create_new));
    SEXTANT_TRY(file->write_at(0, bytes));
    SEXTANT_TRY(file->sync());
    if (kind == FileKind::segment_footer) {
        result_.bytes += bytes.size();
        return {};
    }
    FileEntry entry{.kind = kind, .field = 0, .size = bytes.size(), .blocks = {}};
    const FileIdentity identity = detail::identity_of(place_, kind);
    for (std::size_t at = 0; at < bytes.size(); at += format::block_size) {
        const auto block = bytes.subspan(at, std::min(format::block_size, bytes.size() - at));
        entry.blocks.push_back(format::block_checksum(identity, entry.blocks.size(), block));
    }
    list(std::move(entry), 0);
    return {};
}

void SegmentDraft::list(FileEntry entry, std::uint16_t field) {
    entry.field = field;
    result_.bytes += entry.size;
    footer_.files.push_back(std::move(entry));
}

Result<WrittenSegment> write_segment(const SegmentPlace& place, const SealedSegment& segment,
                                     std::span<const std::unique_ptr<VectorField>> fields, const std::stop_token& stop,
                                     FunctionRef<void(std::size_t)> written) {
    SEXTANT_TRY_ASSIGN(const auto draft, SegmentDraft::create(place, stop, written));
    return draft->finish(segment, fields);
}

}  // namespace sextant::inline v1
