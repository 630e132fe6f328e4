#include "sextant/format/sealed_body.hpp"

#include "core/format_text.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"

namespace sextant::inline v1::format {

std::vector<std::byte> seal_body(const FileHeader& header, std::span<const std::byte> body) {
    std::vector<std::byte> bytes;
    bytes.reserve(body_offset + body.size());
    ByteWriter out(bytes);
    out.raw(encode(header));
    out.number(std::uint64_t{body.size()});
    out.number(hash64(body, checksum_seed(header.identity, body_offset)));
    out.raw(body);
    return bytes;
}

Result<SealedBody> open_body(std::span<const std::byte> bytes, const FileIdentity& identity, std::string_view path) {
    SEXTANT_TRY_ASSIGN(const FileHeader header, decode_file_header(bytes, identity, path));
    if (bytes.size() < body_offset) return damaged(path, bytes.size(), "the file ends before its body");
    const auto body = bytes.subspan(body_offset);
    const auto size = load_le<std::uint64_t>(bytes.data() + body_size_offset);
    if (size != body.size()) {
        return damaged(path, body_size_offset, format_text("the body has {} bytes, expected {}", body.size(), size));
    }
    const auto stored = load_le<std::uint64_t>(bytes.data() + body_checksum_offset);
    const std::uint64_t computed = hash64(body, checksum_seed(identity, body_offset));
    if (stored != computed) {
        return damaged(path, body_checksum_offset,
                       format_text("checksum is {:016x}, computed {:016x}", stored, computed));
    }
    return SealedBody{header, body};
}

}  // namespace sextant::inline v1::format
