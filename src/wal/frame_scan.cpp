#include "wal/frame_scan.hpp"

#include <algorithm>

namespace sextant::inline v1::detail {
namespace {

using format::ParsedFrame;
using format::wal_frame_alignment;
using format::wal_frame_header_size;

}  // namespace

Result<ParsedFrame> read_frame(LogWindow& window, const format::FileIdentity& identity, std::uint64_t position) {
    SEXTANT_TRY_ASSIGN(auto bytes, window.at(position, wal_frame_header_size));
    if (bytes.size() >= wal_frame_header_size) {
        const auto size = format::plausible_frame_size(bytes);
        // Only what the file has is ever read, and so allocated.
        if (size && *size > bytes.size() && *size <= window.file_size() - position) {
            SEXTANT_TRY_ASSIGN(bytes, window.at(position, *size));
        }
    }
    return format::parse_frame(bytes, identity, position);
}

Result<FrameScan> scan_frames(LogWindow& window, const format::FileIdentity& identity, std::uint64_t position,
                              std::uint64_t expected) {
    FrameScan scan{.end = position};
    // True frames do not overlap, so they take one pass; chance look-alikes are rarer than any number here. Payloads
    // made of headers could ask for the square of the file's size.
    constexpr std::uint64_t passes = 4;
    constexpr std::uint64_t least_budget = std::uint64_t{16} << 20U;
    std::uint64_t budget = least_budget + passes * window.file_size();
    while (position < window.file_size() && window.file_size() - position >= wal_frame_header_size) {
        SEXTANT_TRY_ASSIGN(const auto bytes, window.at(position, wal_frame_header_size));
        if (bytes.size() < wal_frame_header_size) break;  // became shorter meanwhile
        // Within what is held the steps cost a few comparisons each; no call.
        std::size_t at = 0;
        std::uint64_t size = 0;
        for (; bytes.size() - at >= wal_frame_header_size; at += wal_frame_alignment) {
            const auto header = bytes.subspan(at, wal_frame_header_size);
            const auto plausible = format::plausible_frame_size(header);
            if (!plausible || *plausible > window.file_size() - position - at) continue;
            if (format::first_of_header(header) < expected) continue;  // of the file this one was made of
            size = *plausible;
            break;
        }
        position += at;
        if (size == 0) continue;
        if (size > budget) {
            scan.gave_up = true;
            break;
        }
        budget -= size;
        SEXTANT_TRY_ASSIGN(const ParsedFrame parsed, read_frame(window, identity, position));
        if (parsed.state != format::FrameState::valid) {
            position += wal_frame_alignment;
            continue;
        }
        if (!scan.next_position) {
            scan.next_position = position;
            scan.next_first = parsed.frame.first;
        }
        ++scan.frames;
        scan.bytes += parsed.size;
        if (parsed.frame.count > 0) scan.last = std::max(scan.last, parsed.frame.first + parsed.frame.count - 1);
        scan.synced = std::max(scan.synced, parsed.frame.synced);
        position += parsed.size;
        scan.end = position;
    }
    return scan;
}

}  // namespace sextant::inline v1::detail
