/// background_rules: when background work sets in, and how hard it pushes back. Every figure of that kind is here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sextant::inline v1::detail {

/// Rows that wait for the graph before a job links them: enough for a batch that keeps all workers busy.
inline constexpr std::uint32_t link_trigger_rows = 1024;
/// A pass that linked nothing is not repeated before so many more rows have come.
inline constexpr std::uint32_t link_retry_rows = 256;
/// Erased rows that wait before their neighbours are relinked. Each costs a search or two.
inline constexpr std::size_t repair_trigger_rows = 64;

/// The tail is scanned by every search: 4 MB of 8-bit codes take about as long as a search of the graph, and so do
/// 10,000 rows of a few dimensions.
inline constexpr std::uint32_t tail_cap_rows = 10'000;
inline constexpr std::size_t tail_cap_bytes = std::size_t{4} << 20U;
[[nodiscard]] constexpr std::uint32_t tail_cap(std::size_t dimension) noexcept {
    const std::size_t by_bytes = tail_cap_bytes / std::max<std::size_t>(dimension, 1);
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(by_bytes, link_trigger_rows, tail_cap_rows));
}
/// Past the cap a write waits for as long as linking its rows takes, times how far the tail is past the cap (as a
/// multiple of the cap) up to this. At 1 writers go at the pace of linking; above it the tail shrinks.
inline constexpr double most_pressure = 2.0;
/// No single call waits longer than this.
inline constexpr std::int64_t longest_wait_ns = 250'000'000;
/// Assumed until the first rows were linked.
inline constexpr std::int64_t first_link_ns_per_row = 100'000;

/// Growing segments that may wait to be sealed before writers are slowed as well.
inline constexpr std::size_t full_segments_cap = 2;

/// A sealed segment is rebuilt when this share of its rows is dead …
inline constexpr double vacuum_dead_share = 0.20;
/// … and at least so many: below, the dead cost less than the rebuild.
inline constexpr std::uint32_t vacuum_dead_rows = 1000;

/// The recall of a sealed segment is measured each time this share of its rows has died …
inline constexpr double recall_step_share = 0.05;
/// … and at least so many. So there are at most four measurements before vacuum_dead_share is reached.
inline constexpr std::uint32_t recall_step_rows = 250;
[[nodiscard]] constexpr std::uint32_t recall_step(std::uint32_t dead, std::uint32_t rows) noexcept {
    const auto by_share = static_cast<std::uint32_t>(recall_step_share * rows);
    return dead / std::max(by_share, recall_step_rows);
}
/// Live rows it is measured on. Each costs two exact scans, which read the rows once for many of them, and two searches: in
/// all 1.5 to 2.6 % of the time that building the segment took (docs/threading.md).
inline constexpr std::size_t recall_sample_rows = 256;
inline constexpr std::size_t recall_at = 10;
/// The segment is made anew when recall fell by at least this …
inline constexpr double recall_margin = 0.02;
/// … and by so many standard errors. Each query is its own control (as built, and now), so the error is that of the mean
/// of 256 differences: about 0.007 where recall is above 0.9, and a drop of as much as the margin is more than twice that. By
/// chance alone one measurement in 40 would pass, did it not have to reach the margin as well.
inline constexpr double recall_standard_errors = 2.0;

/// Changed payloads of a sealed segment become its own when they are those of this share of its rows …
inline constexpr double compact_changed_share = 0.25;
/// … and of at least so many, …
inline constexpr std::uint64_t compact_changed_rows = 1000;
/// … or have so many bytes, and no fewer than the segment's own payloads.
inline constexpr std::uint64_t compact_overlay_bytes = std::uint64_t{4} << 20U;
/// In either case no more is written for it than so many times what is folded in: vectors, codes and graph are taken over
/// as they are, but files are written whole.
inline constexpr std::uint64_t most_written_per_folded_byte = 16;

struct OverlaySize {
    std::uint64_t rows = 0;           ///< of the segment
    std::uint64_t payload_bytes = 0;  ///< its own
    std::uint64_t changed_rows = 0;
    std::uint64_t changed_bytes = 0;
    std::uint64_t written_bytes = 0;  ///< that a compaction writes
};
[[nodiscard]] constexpr bool is_worth_compacting(const OverlaySize& size) noexcept {
    const bool many = size.changed_rows >= compact_changed_rows &&
                      static_cast<double>(size.changed_rows) > compact_changed_share * static_cast<double>(size.rows);
    const bool large = size.changed_bytes >= compact_overlay_bytes && size.changed_bytes >= size.payload_bytes;
    return (many || large) && size.changed_bytes >= size.written_bytes / most_written_per_folded_byte;
}

/// A growing segment is sealed early when this share of it is dead: overwriting the same points for ever must not fill it
/// with rows nobody sees. Together with what its arrays have in reserve that is a quarter of the live rows.
inline constexpr double seal_dead_share = 0.18;
inline constexpr std::uint32_t seal_dead_rows = 4096;

/// Sealed segments beyond this are merged: every search visits each, and two graphs cost 1.6 to 1.9 times one of both.
inline constexpr std::size_t most_sealed_segments = 4;

/// After a rebuild failed (memory, mostly) it is tried again when so many more writes were made.
inline constexpr std::uint64_t rebuild_retry_writes = 4096;

/// A log of so many bytes is replaced by segments even if the growing one is not full: it is what the next opening would
/// read and apply, at about half a gigabyte a second, and disk that holds data twice.
inline constexpr std::uint64_t long_log_bytes = std::uint64_t{256} << 20U;

/// The same for a log of so many files: each opening begins one, however little is written then.
inline constexpr std::uint64_t many_log_files = 32;

/// Log files that wait to be used again take at most this share of what segments take, or one file of the least size. A
/// larger one that holds nothing any more is not written on.
inline constexpr std::uint64_t spare_log_share = 16;
inline constexpr std::uint64_t least_spare_log_bytes = std::uint64_t{1} << 20U;

/// The order in which segments become one: first the one with most rows, whose graph is what linking begins with, then the
/// others as they came.
template <class RowsOf>
void put_largest_first(std::vector<std::size_t>& segments, RowsOf rows_of) {
    std::sort(segments.begin(), segments.end());
    const auto fewer = [&](std::size_t a, std::size_t b) { return rows_of(a) < rows_of(b); };
    const auto largest = std::max_element(segments.begin(), segments.end(), fewer);
    if (largest != segments.end()) std::rotate(segments.begin(), largest, largest + 1);
}

}  // namespace sextant::inline v1::detail
