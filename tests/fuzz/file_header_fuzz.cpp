// Bytes as the header of a file: what is read is what would be written.
// Input: a byte that says whether the checksum is made right first, then the header.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/format/file_header.hpp"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace format = sextant::format;
    if (size == 0) return 0;
    const auto* const first = reinterpret_cast<const std::byte*>(data);
    std::vector<std::byte> bytes(first + 1, first + size);
    constexpr std::size_t checksum_offset = 56;
    if ((data[0] & 1U) != 0 && bytes.size() >= format::file_header_size) {
        format::store_le(bytes.data() + checksum_offset,
                         sextant::hash64(std::span<const std::byte>(bytes).first(checksum_offset)));
    }
    const auto header = format::decode_file_header(bytes, "file");
    if (!header) {
        require(header.error().message.rfind("file: ", 0) == 0);
        return 0;
    }
    const auto again = format::encode(*header);
    require(std::equal(again.begin(), again.end(), bytes.begin()));
    require(format::decode_file_header(bytes, header->identity, "file").value() == *header);
    auto other = header->identity;
    other.number ^= 1;
    require(!format::decode_file_header(bytes, other, "file"));
    return 0;
}
