#include "sextant/format/row_changes.hpp"

#include "core/format_text.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/format/sealed_body.hpp"

namespace sextant::inline v1::format {
namespace {

std::size_t words_for(std::uint32_t row_count) noexcept { return (std::size_t{row_count} + 63) / 64; }

/// The sequence in the header is the segment's number; the body begins with the row count.
Result<ByteReader> open(std::span<const std::byte> bytes, const FileIdentity& identity, std::uint64_t segment,
                        std::uint32_t row_count, std::string_view path) {
    SEXTANT_TRY_ASSIGN(const SealedBody sealed, open_body(bytes, identity, path));
    if (sealed.header.sequence != segment) {
        return damaged(path, 40, format_text("it is of segment {}, expected {}", sealed.header.sequence, segment));
    }
    ByteReader in(sealed.body);
    const auto rows = in.number<std::uint32_t>();
    if (rows != row_count) {
        return damaged(path, body_offset, format_text("it is of {} rows, the segment has {}", rows, row_count));
    }
    return in;
}

}  // namespace

std::vector<std::byte> encode_tombstones(const FileIdentity& identity, const TombstonesFile& file) {
    std::vector<std::byte> body;
    ByteWriter out(body);
    out.number(file.row_count);
    out.zeros(4);
    for (const std::uint64_t word : file.words) out.number(word);
    return seal_body(FileHeader{.identity = identity, .sequence = file.segment}, body);
}

Result<TombstonesFile> decode_tombstones(std::span<const std::byte> bytes, const FileIdentity& identity,
                                         std::uint64_t segment, std::uint32_t row_count, std::string_view path) {
    SEXTANT_TRY_ASSIGN(ByteReader in, open(bytes, identity, segment, row_count, path));
    in.zeros(4);
    TombstonesFile file{.segment = segment, .row_count = row_count, .words = {}};
    const std::size_t words = words_for(row_count);
    if (in.left() != words * sizeof(std::uint64_t))
        return damaged(path, body_offset + in.at(), "the bitmap has another size");
    file.words.resize(words);
    for (std::uint64_t& word : file.words) word = in.number<std::uint64_t>();
    const std::uint32_t rest = row_count % 64;
    if (in.failed() || (rest != 0 && (file.words.back() >> rest) != 0)) {
        return damaged(path, bytes.size() - 8, "a bit is set past the last row");
    }
    return file;
}

std::vector<std::byte> encode_overlay(const FileIdentity& identity, std::uint64_t segment, std::uint32_t row_count,
                                      std::span<const ChangedPayload> changes) {
    std::vector<std::byte> body;
    ByteWriter out(body);
    out.number(row_count);
    out.number(static_cast<std::uint32_t>(changes.size()));
    for (const ChangedPayload& change : changes) {
        out.number(change.row);
        out.number(static_cast<std::uint32_t>(change.payload.size()));
        out.number(change.version);
        out.raw(change.payload);
        out.pad_to(8);
    }
    return seal_body(FileHeader{.identity = identity, .sequence = segment}, body);
}

Result<std::vector<ChangedPayload>> decode_overlay(std::span<const std::byte> bytes, const FileIdentity& identity,
                                                   std::uint64_t segment, std::uint32_t row_count,
                                                   std::string_view path) {
    SEXTANT_TRY_ASSIGN(ByteReader in, open(bytes, identity, segment, row_count, path));
    const auto count = in.number<std::uint32_t>();
    constexpr std::size_t least = 16;
    if (in.failed() || count > row_count || count > in.left() / least) {
        return damaged(path, body_offset + 4, format_text("{} changes do not fit", count));
    }
    std::vector<ChangedPayload> changes(count);
    std::uint64_t next_row = 0;
    for (ChangedPayload& change : changes) {
        const std::size_t offset = body_offset + in.at();
        change.row = in.number<std::uint32_t>();
        const auto size = in.number<std::uint32_t>();
        change.version = in.number<std::uint64_t>();
        if (change.row < next_row || change.row >= row_count) return damaged(path, offset, "its row is out of order");
        next_row = std::uint64_t{change.row} + 1;
        if (size > limits::max_payload_size) return damaged(path, offset, format_text("a payload of {} bytes", size));
        change.payload = in.raw(size);
        in.zeros((8 - size % 8) % 8);
        if (in.failed()) return damaged(path, offset, "it ends in the middle of a change, or padding is not zero");
    }
    if (in.left() != 0) return damaged(path, body_offset + in.at(), "there is more than its changes");
    return changes;
}

}  // namespace sextant::inline v1::format
