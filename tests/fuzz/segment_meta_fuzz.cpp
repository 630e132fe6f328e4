// Bytes as the meta file of a segment: what is read is what would be written.
// Input: a byte that says whether the checksums are made right first, then the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "sextant/format/bytes.hpp"
#include "sextant/format/sealed_body.hpp"
#include "sextant/format/segment_meta.hpp"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    namespace format = sextant::format;
    format::FileIdentity identity;
    identity.kind = format::FileKind::segment_meta;
    identity.number = 7;
    const auto* const first = reinterpret_cast<const std::byte*>(data);
    std::vector<std::byte> bytes(first + 1, first + size);
    if ((data[0] & 1U) != 0 && bytes.size() >= format::body_offset + 8) {
        const auto at = format::load_le<std::uint64_t>(bytes.data() + format::body_offset);
        bytes = format::seal_body({identity, at}, std::span(bytes).subspan(format::body_offset));
    }
    const auto decoded = format::decode_segment_meta(bytes, identity, "meta");
    if (!decoded) {
        require(!decoded.error().message.empty());
        return 0;
    }
    require(format::encode_segment_meta(identity, *decoded) == bytes);
    return 0;
}
