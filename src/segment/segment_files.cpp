#include "sextant/segment/segment_files.hpp"

#include <algorithm>
#include <utility>

#include "core/format_text.hpp"
#include "segment/section_file.hpp"
#include "segment/segment_layout.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/format/segment_footer.hpp"
#include "sextant/format/segment_meta.hpp"

namespace sextant::inline v1 {

using format::FileEntry;
using format::FileIdentity;
using format::FileKind;

std::string SegmentPlace::path() const { return format_text("{}/{:06}", directory, number); }

namespace detail {

FileIdentity identity_of(const SegmentPlace& place, FileKind kind, std::uint16_t field) noexcept {
    return format::segment_file_identity({place.collection, kind, place.number}, kind, field);
}

std::string name_of(FileKind kind, std::uint16_t field) {
    switch (kind) {
        case FileKind::segment_meta: return "meta";
        case FileKind::segment_footer: return "footer";
        case FileKind::ids: return "ids";
        case FileKind::payload: return "payload";
        case FileKind::graph: return format_text("v{}/graph", field);
        case FileKind::codes: return format_text("v{}/codes", field);
        case FileKind::vectors: return format_text("v{}/vectors", field);
        case FileKind::codebook: return format_text("v{}/codebook", field);
        default: return "unknown";
    }
}

FileKind kind_of(FieldPart part) noexcept {
    switch (part) {
        case FieldPart::vectors: return FileKind::vectors;
        case FieldPart::codebook: return FileKind::codebook;
        case FieldPart::codes: return FileKind::codes;
        case FieldPart::graph: return FileKind::graph;
    }
    return FileKind::vectors;
}

namespace {

Error missing(const std::string& path) { return Error{ErrorCode::corruption, format_text("{}: it is missing", path)}; }

/// A file that is not there is damage: whoever asks was told that it is.
Error as_damage(Error error) {
    if (error.code == ErrorCode::not_found) error.code = ErrorCode::corruption;
    return error;
}

}  // namespace

class SegmentFiles {
public:
    static Result<ReadSegment> read(const SegmentPlace& place, std::span<const std::unique_ptr<VectorField>> fields,
                                    const ReadOptions& options);
};

namespace {

Result<format::SegmentFooter> read_footer(const SegmentPlace& place, std::uint64_t expected) {
    const std::string path = place.path() + "/" + name_of(FileKind::segment_footer, 0);
    auto bytes = read_file(*place.files, path, format::max_footer_size);
    if (!bytes) return as_damage(std::move(bytes).error());
    const std::uint64_t checksum = hash64(*bytes);
    if (expected != 0 && checksum != expected) {
        return Error{ErrorCode::corruption,
                     format_text("{}: checksum is {:016x}, the manifest says {:016x}", path, checksum, expected)};
    }
    return format::decode_segment_footer(*bytes, identity_of(place, FileKind::segment_footer), path);
}

/// That the footer lists the files which meta says there are, and no others.
Result<void> check_list(const SegmentPlace& place, const format::SegmentFooter& footer,
                        const format::SegmentMeta& meta) {
    std::vector<std::pair<FileKind, std::uint16_t>> wanted{{FileKind::segment_meta, 0}, {FileKind::ids, 0}};
    if (meta.payload_size != 0) wanted.emplace_back(FileKind::payload, 0);
    for (std::size_t i = 0; i < meta.fields.size(); ++i) {
        const auto field = static_cast<std::uint16_t>(i);
        wanted.emplace_back(FileKind::vectors, field);
        wanted.emplace_back(FileKind::graph, field);
        if (!meta.fields[i].has_codes) continue;
        wanted.emplace_back(FileKind::codebook, field);
        wanted.emplace_back(FileKind::codes, field);
    }
    for (const auto& [kind, field] : wanted) {
        if (footer.find(kind, field) == nullptr) return missing(place.path() + "/" + name_of(kind, field));
    }
    if (footer.files.size() == wanted.size()) return {};
    return Error{ErrorCode::corruption, format_text("{}/footer: lists {} files, expected {}", place.path(),
                                                    footer.files.size(), wanted.size())};
}

Result<format::SegmentMeta> read_meta(const SegmentPlace& place, const format::SegmentFooter& footer) {
    const std::string path = place.path() + "/" + name_of(FileKind::segment_meta, 0);
    const FileEntry* const entry = footer.find(FileKind::segment_meta, 0);
    if (entry == nullptr) return missing(path);
    constexpr std::uint64_t most = std::uint64_t{1} << 20U;
    auto bytes = read_file(*place.files, path, most);
    if (!bytes) return as_damage(std::move(bytes).error());
    const FileIdentity identity = identity_of(place, FileKind::segment_meta);
    SEXTANT_TRY(check_section_file(*place.files, path, identity, *entry));
    SEXTANT_TRY_ASSIGN(format::SegmentMeta meta, format::decode_segment_meta(*bytes, identity, path));
    SEXTANT_TRY(check_list(place, footer, meta));
    return meta;
}

Result<void> check_field(const format::FieldMeta& meta, const VectorField& field, const std::string& path) {
    const auto wrong = [&](std::string_view what, std::uint64_t got, std::uint64_t expected) {
        return Error{ErrorCode::corruption, format_text("{}/meta: {} is {}, expected {}", path, what, got, expected)};
    };
    if (meta.metric != field.metric()) {
        return wrong("metric", static_cast<std::uint64_t>(meta.metric), static_cast<std::uint64_t>(field.metric()));
    }
    if (meta.quantizer != field.quantizer()) {
        return wrong("quantizer", static_cast<std::uint64_t>(meta.quantizer),
                     static_cast<std::uint64_t>(field.quantizer()));
    }
    if (meta.dimension != field.dimension()) return wrong("dimension", meta.dimension, field.dimension());
    if (meta.raw != field.raw_precision()) {
        return wrong("precision of vectors", static_cast<std::uint64_t>(meta.raw),
                     static_cast<std::uint64_t>(field.raw_precision()));
    }
    return {};
}

/// Codebooks and graphs do not know which files they lie in.
Error with_place(Error error, const std::string& path, std::size_t field) {
    if (!error.message.starts_with(path)) error.message = format_text("{}/v{}: {}", path, field, error.message);
    return error;
}

/// unsupported where a whole header says so. What else is wrong with a file, its reader finds.
Result<void> check_version(const File& file) {
    format::FileHeaderBytes header{};
    SEXTANT_TRY_ASSIGN(const std::size_t size, file.read_at(0, header));
    const auto decoded = format::decode_file_header(std::span<const std::byte>(header).first(size), file.path());
    if (!decoded && decoded.error().code == ErrorCode::unsupported) return decoded.error();
    return {};
}

/// Reads the parts of one segment.
class PartReader {
public:
    PartReader(const SegmentPlace& place, const format::SegmentFooter& footer, const std::stop_token& stop)
        : place_(place), footer_(footer), stop_(stop) {}

    Result<void> read(FileKind kind, std::uint16_t field, std::span<const std::span<std::byte>> sections) const {
        const std::string path = place_.path() + "/" + name_of(kind, field);
        const FileEntry* const entry = footer_.find(kind, field);
        if (entry == nullptr) return missing(path);
        auto done = read_section_file(*place_.files, path, identity_of(place_, kind, field), *entry, sections, stop_);
        if (!done) return as_damage(std::move(done).error());
        return done;
    }
    Result<std::shared_ptr<const SectionMap>> map(FileKind kind, std::uint16_t field,
                                                  std::span<const std::uint64_t> section_sizes) const {
        const std::string path = place_.path() + "/" + name_of(kind, field);
        const FileEntry* const entry = footer_.find(kind, field);
        if (entry == nullptr) return missing(path);
        auto mapped = map_section_file(*place_.files, path, identity_of(place_, kind, field), *entry, section_sizes);
        if (!mapped) return as_damage(std::move(mapped).error());
        return mapped;
    }
    /// That the file is as large as these sections, so that no memory is taken for what is not there.
    Result<void> fits(FileKind kind, std::uint16_t field, std::span<const std::uint64_t> section_sizes) const {
        const std::string path = place_.path() + "/" + name_of(kind, field);
        auto file = place_.files->open(path, FileMode::read);
        if (!file) return as_damage(std::move(file).error());
        SEXTANT_TRY_ASSIGN(const std::uint64_t size, (*file)->size());
        const std::uint64_t expected = section_file_size(section_sizes);
        if (size == expected) return {};
        // One of a later version may have other sections. It must not be taken for one that is damaged.
        SEXTANT_TRY(check_version(**file));
        return Error{ErrorCode::corruption,
                     format_text("{}: offset {}: the file has {} bytes, expected {} for its sections", path,
                                 std::min(size, expected), size, expected)};
    }

    /// That no file is of a later version, also where damage keeps it from being read: it must not be replaced.
    Result<void> check_versions() const {
        for (const FileEntry& entry : footer_.files) {
            const auto file =
                place_.files->open(place_.path() + "/" + name_of(entry.kind, entry.field), FileMode::read);
            if (file) SEXTANT_TRY(check_version(**file));
        }
        return {};
    }

private:
    const SegmentPlace& place_;
    const format::SegmentFooter& footer_;
    const std::stop_token& stop_;
};

/// That ids and payloads have the sizes which meta says.
Result<void> check_row_files(const format::SegmentMeta& meta, const PartReader& parts) {
    const std::uint64_t rows = meta.row_count;
    std::vector<std::uint64_t> ids{rows * sizeof(std::uint64_t)};
    if (meta.wide_ids) ids = {rows * sizeof(PointId::Bytes), rows};
    ids.push_back(rows * sizeof(std::uint64_t));           // versions
    ids.push_back(meta.id_slots * sizeof(std::uint32_t));  // id map
    SEXTANT_TRY(parts.fits(FileKind::ids, 0, ids));
    if (meta.payload_size == 0) return {};
    const std::uint64_t payloads[] = {rows * sizeof(std::uint64_t), meta.payload_size};
    return parts.fits(FileKind::payload, 0, payloads);
}

}  // namespace

Result<ReadSegment> SegmentFiles::read(const SegmentPlace& place, std::span<const std::unique_ptr<VectorField>> fields,
                                       const ReadOptions& options) {
    SEXTANT_TRY_ASSIGN(const format::SegmentFooter footer, read_footer(place, options.expected_footer));
    SEXTANT_TRY_ASSIGN(const format::SegmentMeta meta, read_meta(place, footer));
    if (meta.fields.size() != fields.size()) {
        return Error{ErrorCode::corruption, format_text("{}/meta: {} vector fields, expected {}", place.path(),
                                                        meta.fields.size(), fields.size())};
    }
    const PartReader parts(place, footer, options.stop);
    if (options.rebuild_derived) SEXTANT_TRY(parts.check_versions());
    const std::uint32_t rows = meta.row_count;
    SEXTANT_TRY(check_row_files(meta, parts));
    MemoryAccount& account = *options.account;
    ReadSegment result;
    result.segment = std::shared_ptr<SealedSegment>(new SealedSegment(rows, account));
    SealedSegment& segment = *result.segment;
    segment.at_ = Lsn{meta.at};
    segment.file_number_ = place.number;
    for (const FileEntry& file : footer.files) result.bytes += file.size;
    SEXTANT_TRY_ASSIGN(segment.ids_, IdColumn::exact(rows, meta.wide_ids, account));
    SEXTANT_TRY_ASSIGN(segment.versions_, Column<std::uint64_t>::exact(rows, account, "versions"));
    SEXTANT_TRY_ASSIGN(segment.id_table_, IdTable::create(static_cast<std::size_t>(meta.id_slots), rows, account));
    {
        std::vector<std::span<std::byte>> sections;
        for (const auto section : segment.ids_.sections(rows)) {
            if (!section.empty()) sections.push_back(section);
        }
        sections.push_back(segment.versions_.bytes(rows));
        sections.push_back(segment.id_table_->writable_section());
        SEXTANT_TRY(parts.read(FileKind::ids, 0, sections));
        SEXTANT_TRY(segment.ids_.check(rows));
        SEXTANT_TRY(segment.id_table_->check(segment.ids_.view(), rows));
    }
    SEXTANT_TRY_ASSIGN(segment.payloads_, PayloadColumn::exact(rows, meta.payload_size, account));
    if (meta.payload_size != 0) {
        SEXTANT_TRY(parts.read(FileKind::payload, 0, segment.payloads_.sections(rows, meta.payload_size)));
        SEXTANT_TRY(segment.payloads_.adopt(rows, meta.payload_size));
    }
    const IdView ids = segment.ids_.view();
    const auto row_key = [&](RowId row) { return ids[to_index(row)].hash(); };
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const format::FieldMeta& field = meta.fields[i];
        SEXTANT_TRY(check_field(field, *fields[i], place.path()));
        const auto read_part = [&](FieldPart part, std::span<const std::span<std::byte>> sections) {
            return parts.read(kind_of(part), static_cast<std::uint16_t>(i), sections);
        };
        const auto fits = [&](FieldPart part, std::span<const std::uint64_t> section_sizes) {
            return parts.fits(kind_of(part), static_cast<std::uint16_t>(i), section_sizes);
        };
        const auto map_part = [&](FieldPart part, std::span<const std::uint64_t> section_sizes) {
            return parts.map(kind_of(part), static_cast<std::uint16_t>(i), section_sizes);
        };
        const MapPart map = map_part;
        std::vector<std::string> rebuilt;
        const FieldSource source{.row_count = rows,
                                 .lossless = field.lossless,
                                 .codebook_size = field.codebook_size,
                                 .upper_size = field.upper_size,
                                 .calibration = field.calibration,
                                 .read = read_part,
                                 .fits = fits,
                                 .map = options.residency == Residency::resident ? nullptr : &map,
                                 .map_index = options.residency == Residency::mapped,
                                 .row_key = row_key,
                                 .stop = options.stop,
                                 .account = &account,
                                 .executor = options.executor,
                                 .rebuilt = options.rebuild_derived ? &rebuilt : nullptr};
        auto read = fields[i]->load(source);
        if (!read) return with_place(std::move(read).error(), place.path(), i);
        auto loaded = std::move(read).value();
        if (options.check_mapped) SEXTANT_TRY(loaded->vectors().check_all(options.stop));
        segment.fields_.push_back(std::move(loaded));
        for (std::string& part : rebuilt) result.rebuilt.push_back(std::move(part));
    }
    return result;
}

}  // namespace detail

Result<ReadSegment> read_segment(const SegmentPlace& place, std::span<const std::unique_ptr<VectorField>> fields,
                                 const ReadOptions& options) {
    return detail::SegmentFiles::read(place, fields, options);
}

Result<void> verify_segment_files(const SegmentPlace& place, std::uint64_t expected_footer) {
    SEXTANT_TRY_ASSIGN(const format::SegmentFooter footer, detail::read_footer(place, expected_footer));
    SEXTANT_TRY(detail::read_meta(place, footer));
    for (const FileEntry& entry : footer.files) {
        const std::string path = place.path() + "/" + detail::name_of(entry.kind, entry.field);
        auto done =
            detail::check_section_file(*place.files, path, detail::identity_of(place, entry.kind, entry.field), entry);
        if (!done) return detail::as_damage(std::move(done).error());
    }
    return {};
}

}  // namespace sextant::inline v1
