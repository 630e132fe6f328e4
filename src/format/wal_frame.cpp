#include "sextant/format/wal_frame.hpp"

#include <algorithm>
#include <limits>

#include "sextant/core/assert.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"

namespace sextant::inline v1::format {
namespace {

constexpr std::size_t payload_size_offset = 8;
constexpr std::size_t kind_offset = 12;  // 16 bits of kind, 16 reserved
constexpr std::size_t first_offset = 16;
constexpr std::size_t count_offset = 24;
constexpr std::size_t reserved_offset = 28;
constexpr std::size_t synced_offset = 32;
constexpr std::size_t reserved2_offset = 40;

bool all_zero(std::span<const std::byte> bytes) noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

std::uint64_t checksum_of(std::span<const std::byte> frame, const FileIdentity& identity,
                          std::uint64_t position) noexcept {
    return hash64(frame.subspan(payload_size_offset), checksum_seed(identity, position));
}

bool fields_fit(WalFrameKind kind, std::uint64_t first, std::uint32_t count, std::uint64_t synced,
                std::size_t payload_size) noexcept {
    if (first == 0 || synced >= first) return false;
    if (count > std::numeric_limits<std::uint64_t>::max() - first) return false;
    if (kind == WalFrameKind::effects) return count != 0 && payload_size <= limits::max_wal_payload;
    return kind == WalFrameKind::clean_close && count == 0 && payload_size == 0;
}

}  // namespace

void append_frame(std::vector<std::byte>& out, const FileIdentity& identity, std::uint64_t position,
                  const WalFrame& frame) {
    SEXTANT_CHECK(fields_fit(frame.kind, frame.first, frame.count, frame.synced, frame.payload.size()));
    const std::size_t begin = out.size();
    const auto size = static_cast<std::size_t>(frame_size(frame.payload.size()));
    out.reserve(begin + size);
    ByteWriter writer(out);
    writer.number(std::uint64_t{0});  // the checksum, once the rest is there
    writer.number(static_cast<std::uint32_t>(frame.payload.size()));
    writer.number(static_cast<std::uint16_t>(frame.kind));
    writer.number(std::uint16_t{0});
    writer.number(frame.first);
    writer.number(frame.count);
    writer.number(std::uint32_t{0});
    writer.number(frame.synced);
    writer.number(std::uint64_t{0});
    writer.raw(frame.payload);
    writer.zeros(begin + size - writer.size());
    store_le(out.data() + begin, checksum_of(std::span(out).subspan(begin), identity, position));
}

std::uint64_t first_of_header(std::span<const std::byte> header) noexcept {
    SEXTANT_ASSERT(header.size() >= wal_frame_header_size);
    return load_le<std::uint64_t>(header.data() + first_offset);
}

std::optional<std::uint64_t> plausible_frame_size(std::span<const std::byte> header) noexcept {
    SEXTANT_ASSERT(header.size() >= wal_frame_header_size);
    const std::byte* const from = header.data();
    // Kind and the reserved bytes beside it at once: nearly every place that is no header is refused here.
    const auto kind = load_le<std::uint32_t>(from + kind_offset);
    if (kind != static_cast<std::uint32_t>(WalFrameKind::effects) &&
        kind != static_cast<std::uint32_t>(WalFrameKind::clean_close)) {
        return std::nullopt;
    }
    if (load_le<std::uint32_t>(from + reserved_offset) != 0) return std::nullopt;
    if (load_le<std::uint64_t>(from + reserved2_offset) != 0) return std::nullopt;
    const auto payload_size = load_le<std::uint32_t>(from + payload_size_offset);
    if (!fields_fit(static_cast<WalFrameKind>(kind), first_of_header(header),
                    load_le<std::uint32_t>(from + count_offset), load_le<std::uint64_t>(from + synced_offset),
                    payload_size)) {
        return std::nullopt;
    }
    return frame_size(payload_size);
}

ParsedFrame parse_frame(std::span<const std::byte> file_bytes, const FileIdentity& identity,
                        std::uint64_t position) noexcept {
    const auto header = file_bytes.first(std::min(file_bytes.size(), wal_frame_header_size));
    if (all_zero(header)) return {.state = FrameState::end};
    ParsedFrame parsed{.state = FrameState::invalid};
    if (header.size() < wal_frame_header_size) return parsed;
    const auto size = plausible_frame_size(header);
    if (!size || *size > file_bytes.size()) return parsed;
    const auto bytes = file_bytes.first(static_cast<std::size_t>(*size));
    if (load_le<std::uint64_t>(bytes.data()) != checksum_of(bytes, identity, position)) return parsed;
    const std::size_t payload_size = load_le<std::uint32_t>(bytes.data() + payload_size_offset);
    if (!all_zero(bytes.subspan(wal_frame_header_size + payload_size))) return parsed;
    parsed.state = FrameState::valid;
    parsed.size = *size;
    parsed.frame = {.kind = WalFrameKind{load_le<std::uint16_t>(bytes.data() + kind_offset)},
                    .first = first_of_header(header),
                    .count = load_le<std::uint32_t>(bytes.data() + count_offset),
                    .synced = load_le<std::uint64_t>(bytes.data() + synced_offset),
                    .payload = bytes.subspan(wal_frame_header_size, payload_size)};
    return parsed;
}

}  // namespace sextant::inline v1::format
