/// wal_frame: one write in the log: a header of 48 bytes, its effects, zeros up to a multiple of 8; docs/format/wal.md is
/// the same in words.
/// Invariants: parse_frame(append_frame(x)) gives x, at the same position of the same file and nowhere else.
/// Threads: pure functions. Lifetime: a parsed frame borrows its payload from the bytes.
/// Why the file's identity and the position seed the checksum: files are recycled, and what an earlier file left behind
/// must never look like a frame of this one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sextant/format/file_header.hpp"

namespace sextant::inline v1::limits {

/// Bytes of effects in one frame. The size field would hold twice that; a batch of the largest size fits by far.
inline constexpr std::size_t max_wal_payload = (std::size_t{2} << 30U) - (std::size_t{1} << 20U);

}  // namespace sextant::inline v1::limits

namespace sextant::inline v1::format {

/// Persisted; never renumbered.
enum class WalFrameKind : std::uint16_t {
    effects = 1,
    clean_close = 2,  ///< the log was closed: nothing follows in this file
};

inline constexpr std::size_t wal_frame_header_size = 48;
/// Frames begin at multiples of this.
inline constexpr std::size_t wal_frame_alignment = 8;

struct WalFrame {
    WalFrameKind kind = WalFrameKind::effects;
    std::uint64_t first = 0;   ///< Lsn of the first effect; of a clean close, the last Lsn + 1
    std::uint32_t count = 0;   ///< of effects
    std::uint64_t synced = 0;  ///< every effect up to this Lsn was known to be on disk when the frame was written
    std::span<const std::byte> payload = {};
};

/// With header and padding.
[[nodiscard]] constexpr std::uint64_t frame_size(std::size_t payload_size) noexcept {
    return (std::uint64_t{wal_frame_header_size} + payload_size + (wal_frame_alignment - 1)) &
           ~std::uint64_t{wal_frame_alignment - 1};
}

/// Appends header, payload and padding to `out`. REQUIRES: payload of at most limits::max_wal_payload bytes, and the
/// rules of the format kept (an effects frame has a count, a clean close neither count nor payload; first is at least 1
/// and past synced). Throws std::bad_alloc.
void append_frame(std::vector<std::byte>& out, const FileIdentity& identity, std::uint64_t position,
                  const WalFrame& frame);

enum class FrameState : std::uint8_t {
    valid,
    end,      ///< the header is all zero (or as much of it as the file still has)
    invalid,  ///< anything else
};

struct ParsedFrame {
    FrameState state = FrameState::end;
    WalFrame frame = {};     ///< means something only where valid
    std::uint64_t size = 0;  ///< frame_size of a valid frame
};

/// `file_bytes` are those from `position` on; bytes behind the frame do not matter.
[[nodiscard]] ParsedFrame parse_frame(std::span<const std::byte> file_bytes, const FileIdentity& identity,
                                      std::uint64_t position) noexcept;

/// frame_size of what the header says, if each of its fields keeps its rule; the checksum is not looked at. For readers
/// that must know how much to read, or whether looking at the checksum is worth it.
/// REQUIRES: wal_frame_header_size bytes.
[[nodiscard]] std::optional<std::uint64_t> plausible_frame_size(std::span<const std::byte> header) noexcept;
/// The first Lsn in a header. REQUIRES: as above.
[[nodiscard]] std::uint64_t first_of_header(std::span<const std::byte> header) noexcept;

}  // namespace sextant::inline v1::format
