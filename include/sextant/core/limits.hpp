/// limits: the largest of everything a caller may give. Past one of these is invalid_argument that names the field.
/// Why limits at all: a size from outside is multiplied, allocated and recursed upon; a bound stated here keeps each of
/// those products inside 64 bits and each stack finite, and it can be tested.
/// Threads: immutable.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sextant::inline v1::limits {

/// Floats per vector. A row is then at most 256 KiB, and sums of 8-bit products (65,536 × 128 × 128 = 2^30) fit int32.
inline constexpr std::size_t max_dimension = 65'536;

/// Candidates a graph search keeps (SearchRequest::ef). The pool is one sorted array of 8-byte entries: 512 KiB at this
/// size, half of a usual second-level cache. Beyond it an exact scan is the faster way to the same rows.
inline constexpr std::size_t max_ef = 65'536;

/// Hits a search returns (SearchRequest::k). A quarter of max_ef, so that the default ef of 4·k is allowed for each k.
inline constexpr std::size_t max_k = 16'384;

/// Hits a search skips (SearchRequest::offset). offset + k is at most max_ef, so it never overflows and one pool holds
/// it. To page through everything use scroll(), whose cost does not grow with the page.
inline constexpr std::size_t max_offset = max_ef - max_k;

/// Bytes of one encoded payload. Every offset inside a blob fits 32 bits by far, and a log frame with one point stays
/// small beside the log segment it lies in.
inline constexpr std::size_t max_payload_size = std::size_t{16} << 20U;

/// Objects and arrays inside one another. Encoding, decoding and filtering recurse; at 64 levels of less than 1 KiB of
/// stack that is 64 KiB, half of the smallest default stack in use (musl: 128 KiB).
inline constexpr std::size_t max_payload_depth = 64;

/// Levels of and/or/not in one filter, and nodes of it in all. The same stack argument as for payloads.
inline constexpr std::size_t max_filter_depth = 64;
inline constexpr std::size_t max_filter_nodes = 4'096;

/// Operations in one WriteBatch, and bytes of their vectors and payloads together. A batch is one log frame that is held
/// in memory as a whole, by the writer and by recovery; its length field has 32 bits.
inline constexpr std::size_t max_batch_operations = std::size_t{1} << 20U;
inline constexpr std::size_t max_batch_size = std::size_t{1} << 30U;

/// Rows in one segment. Row numbers have 32 bits; the two highest stay free for marks in candidate pools and for hash
/// tables of twice the size. A collection has any number of segments.
inline constexpr std::uint32_t max_rows_per_segment = std::uint32_t{1} << 30U;

}  // namespace sextant::inline v1::limits
