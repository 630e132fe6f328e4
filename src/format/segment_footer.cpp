#include "sextant/format/segment_footer.hpp"

#include "core/format_text.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/format/sealed_body.hpp"
#include "sextant/format/segment_meta.hpp"

namespace sextant::inline v1::format {
namespace {

/// The bound on fields also bounds the list, so that looking for files that are named twice stays cheap.
bool is_segment_file(FileKind kind, std::uint16_t field) noexcept {
    switch (kind) {
        case FileKind::segment_meta:
        case FileKind::ids:
        case FileKind::payload: return field == 0;
        case FileKind::graph:
        case FileKind::codes:
        case FileKind::vectors:
        case FileKind::codebook: return field < max_fields;
        default: return false;
    }
}

}  // namespace

std::uint64_t block_checksum(const FileIdentity& identity, std::uint64_t index,
                             std::span<const std::byte> block) noexcept {
    return hash64(block, checksum_seed(identity, index));
}

FileIdentity segment_file_identity(const FileIdentity& segment, FileKind kind, std::uint16_t field) noexcept {
    FileIdentity identity = segment;
    identity.kind = kind;
    identity.number |= std::uint64_t{field} << 48U;
    return identity;
}

std::vector<std::byte> encode_segment_footer(const FileIdentity& identity, const SegmentFooter& footer) {
    std::vector<std::byte> body;
    ByteWriter out(body);
    out.number(static_cast<std::uint32_t>(footer.files.size()));
    out.zeros(4);
    for (const FileEntry& file : footer.files) {
        out.number(static_cast<std::uint16_t>(file.kind));
        out.number(file.field);
        out.zeros(4);
        out.number(file.size);
        for (const std::uint64_t checksum : file.blocks) out.number(checksum);
    }
    return seal_body(FileHeader{.identity = identity}, body);
}

Result<SegmentFooter> decode_segment_footer(std::span<const std::byte> bytes, const FileIdentity& identity,
                                            std::string_view path) {
    SEXTANT_TRY_ASSIGN(const SealedBody sealed, open_body(bytes, identity, path));
    if (sealed.header.sequence != 0) return damaged(path, 40, "the sequence is not 0");
    ByteReader in(sealed.body);
    const auto count = in.number<std::uint32_t>();
    in.zeros(4);
    SegmentFooter footer;
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const std::size_t offset = body_offset + in.at();
        FileEntry file;
        file.kind = FileKind{in.number<std::uint16_t>()};
        file.field = in.number<std::uint16_t>();
        in.zeros(4);
        file.size = in.number<std::uint64_t>();
        if (in.failed()) break;
        if (!is_segment_file(file.kind, file.field))
            return damaged(path, offset, "names a file that is none of a segment");
        if (footer.find(file.kind, file.field) != nullptr) return damaged(path, offset, "names a file twice");
        const std::uint64_t blocks = block_count(file.size);
        if (file.size < file_header_size || blocks > in.left() / sizeof(std::uint64_t)) {
            return damaged(path, offset, format_text("a file of {} bytes", file.size));
        }
        file.blocks.resize(static_cast<std::size_t>(blocks));
        for (std::uint64_t& checksum : file.blocks) checksum = in.number<std::uint64_t>();
        footer.files.push_back(std::move(file));
    }
    if (in.failed() || in.left() != 0)
        return damaged(path, body_offset + in.at(), "the list of files has another size");
    return footer;
}

}  // namespace sextant::inline v1::format
