#include "sextant/format/file_header.hpp"

#include <algorithm>
#include <cstring>

#include "core/format_text.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"

namespace sextant::inline v1::format {
namespace {

constexpr char magic[8] = {'S', 'E', 'X', 'T', 'A', 'N', 'T', '\n'};
constexpr std::size_t kind_offset = 8;
constexpr std::size_t version_offset = 10;
constexpr std::size_t reserved_offset = 12;
constexpr std::size_t number_offset = 16;
constexpr std::size_t collection_offset = 24;
constexpr std::size_t sequence_offset = 40;
constexpr std::size_t reserved2_offset = 48;
constexpr std::size_t checksum_offset = 56;

std::string name_of(const FileIdentity& identity) {
    std::string collection;
    for (const std::byte byte : identity.collection) collection += format_text("{:02x}", std::to_integer<int>(byte));
    return format_text("kind {}, number {} of collection {}", static_cast<unsigned>(identity.kind), identity.number,
                       collection);
}

}  // namespace

Error damaged(std::string_view path, std::uint64_t offset, std::string_view what) {
    return Error{ErrorCode::corruption, format_text("{}: offset {}: {}", path, offset, what)};
}

std::uint64_t checksum_seed(const FileIdentity& identity, std::uint64_t position) noexcept {
    std::array<std::byte, 34> bytes;
    std::copy(identity.collection.begin(), identity.collection.end(), bytes.begin());
    store_le(bytes.data() + 16, identity.number);
    store_le(bytes.data() + 24, position);
    store_le(bytes.data() + 32, static_cast<std::uint16_t>(identity.kind));
    return hash64(bytes);
}

FileHeaderBytes encode(const FileHeader& header) noexcept {
    FileHeaderBytes bytes{};
    std::byte* const out = bytes.data();
    std::memcpy(out, magic, sizeof(magic));
    store_le(out + kind_offset, static_cast<std::uint16_t>(header.identity.kind));
    store_le(out + version_offset, format_version);
    store_le(out + number_offset, header.identity.number);
    std::copy(header.identity.collection.begin(), header.identity.collection.end(), out + collection_offset);
    store_le(out + sequence_offset, header.sequence);
    store_le(out + checksum_offset, hash64(std::span(bytes).first(checksum_offset)));
    return bytes;
}

Result<FileHeader> decode_file_header(std::span<const std::byte> bytes, std::string_view path) {
    if (bytes.size() < file_header_size) {
        return damaged(path, 0, format_text("the file has {} bytes, its header {}", bytes.size(), file_header_size));
    }
    const std::byte* const from = bytes.data();
    if (std::memcmp(from, magic, sizeof(magic)) != 0) return damaged(path, 0, "this is no file of this library");
    const auto stored = load_le<std::uint64_t>(from + checksum_offset);
    const std::uint64_t computed = hash64(bytes.first(checksum_offset));
    if (stored != computed) {
        return damaged(path, checksum_offset,
                       format_text("header checksum is {:016x}, computed {:016x}", stored, computed));
    }
    const auto version = load_le<std::uint16_t>(from + version_offset);
    if (version != format_version) {
        return Error{ErrorCode::unsupported, format_text("{}: offset {}: version is {}, this library reads {}", path,
                                                         version_offset, version, format_version)};
    }
    if (load_le<std::uint32_t>(from + reserved_offset) != 0) return damaged(path, reserved_offset, "is not zero");
    if (load_le<std::uint64_t>(from + reserved2_offset) != 0) return damaged(path, reserved2_offset, "is not zero");
    FileHeader header;
    header.identity.kind = FileKind{load_le<std::uint16_t>(from + kind_offset)};
    header.identity.number = load_le<std::uint64_t>(from + number_offset);
    std::copy_n(from + collection_offset, header.identity.collection.size(), header.identity.collection.begin());
    header.sequence = load_le<std::uint64_t>(from + sequence_offset);
    return header;
}

Result<FileHeader> decode_file_header(std::span<const std::byte> bytes, const FileIdentity& expected,
                                      std::string_view path) {
    SEXTANT_TRY_ASSIGN(const FileHeader header, decode_file_header(bytes, path));
    if (header.identity == expected) return header;
    return damaged(path, kind_offset,
                   format_text("this is {}, expected {}", name_of(header.identity), name_of(expected)));
}

}  // namespace sextant::inline v1::format
