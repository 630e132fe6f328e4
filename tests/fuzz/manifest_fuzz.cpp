// Bytes as a manifest and as CURRENT: what is read is what would be written.
// Input: a byte that says whether the checksums are made right first, then the file.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/format/manifest.hpp"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

constexpr std::size_t body_offset = sextant::format::file_header_size + 16;
constexpr std::uint64_t number = 12;

void make_right(std::vector<std::byte>& bytes) {
    if (bytes.size() < body_offset) return;
    sextant::format::FileHeader header;
    header.identity.kind = sextant::format::FileKind::manifest;
    header.identity.number = number;
    header.sequence = sextant::format::load_le<std::uint64_t>(bytes.data() + 40);
    const auto first = sextant::format::encode(header);
    std::copy(first.begin(), first.end(), bytes.begin());
    const auto body = std::span<const std::byte>(bytes).subspan(body_offset);
    sextant::format::store_le(bytes.data() + 64, std::uint64_t{body.size()});
    sextant::format::store_le(bytes.data() + 72,
                              sextant::hash64(body, sextant::format::checksum_seed(header.identity, body_offset)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto* const first = reinterpret_cast<const std::byte*>(data);
    std::vector<std::byte> bytes(first + 1, first + size);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (const auto current = sextant::format::decode_current(text, "CURRENT")) {
        require(sextant::format::encode_current(current->manifest_number, current->manifest_checksum) == text);
    }
    if ((data[0] & 1U) != 0) make_right(bytes);
    const auto decoded = sextant::format::decode_manifest(bytes, number, "MANIFEST-000012");
    if (!decoded) {
        require(!decoded.error().message.empty());
        return 0;
    }
    const auto again = sextant::format::encode_manifest(decoded->identity, decoded->manifest);
    // Options that were passed over are not written again.
    if (again.size() == bytes.size()) require(again == bytes);
    return 0;
}
