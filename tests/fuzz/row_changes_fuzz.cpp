// Bytes as the tombstones and as the changed payloads of a segment: what is read is what would be written.
// Input: a byte (bit 0: the checksums are made right first; bit 1: changed payloads), then the file. The number of rows
// is taken from the file, as otherwise nearly all of them would be of another segment.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "sextant/format/bytes.hpp"
#include "sextant/format/row_changes.hpp"
#include "sextant/format/sealed_body.hpp"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

constexpr std::uint64_t segment = 7;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    namespace format = sextant::format;
    const bool overlay = (data[0] & 2U) != 0;
    format::FileIdentity identity;
    identity.kind = overlay ? format::FileKind::payload_overlay : format::FileKind::tombstones;
    identity.number = 5;
    const auto* const first = reinterpret_cast<const std::byte*>(data);
    std::vector<std::byte> bytes(first + 1, first + size);
    if ((data[0] & 1U) != 0 && bytes.size() >= format::body_offset) {
        bytes = format::seal_body({identity, segment}, std::span(bytes).subspan(format::body_offset));
    }
    std::uint32_t rows = 70;
    if (bytes.size() >= format::body_offset + 4) {
        rows = format::load_le<std::uint32_t>(bytes.data() + format::body_offset);
    }
    if (overlay) {
        const auto decoded = format::decode_overlay(bytes, identity, segment, rows, "payload");
        require(decoded.has_value() || !decoded.error().message.empty());
        if (decoded) require(format::encode_overlay(identity, segment, rows, *decoded) == bytes);
    } else {
        const auto decoded = format::decode_tombstones(bytes, identity, segment, rows, "del");
        require(decoded.has_value() || !decoded.error().message.empty());
        if (decoded) require(format::encode_tombstones(identity, *decoded) == bytes);
    }
    return 0;
}
