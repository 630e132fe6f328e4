/// SegmentMeta: what a sealed segment's other files hold, and how long their sections are; docs/format/segment.md is the
/// same in words.
/// Invariants: decode(encode(x)) gives x; every number of a decoded meta is within the library's limits, so sizes
/// computed from it do not wrap.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"
#include "sextant/format/calibration.hpp"
#include "sextant/format/file_header.hpp"

namespace sextant::inline v1::format {

struct FieldMeta {
    MetricId metric = MetricId::squared_l2;
    QuantizerId quantizer = QuantizerId::none;
    std::uint32_t dimension = 0;
    bool has_codes = false;
    bool lossless = false;  ///< every code decodes to its vector bit for bit
    RawPrecision raw = RawPrecision::F32;
    std::uint32_t vector_stride = 0;  ///< bytes from one row to the next
    std::uint32_t code_stride = 0;    ///< 0 without codes
    std::uint64_t codebook_size = 0;  ///< 0 without codes
    std::uint64_t upper_size = 0;     ///< bytes of the graph's upper section
    std::uint32_t m = 0;
    std::uint32_t ef_construction = 0;
    std::uint64_t seed = 0;
    Calibration calibration = {};

    friend bool operator==(const FieldMeta&, const FieldMeta&) = default;
};

struct SegmentMeta {
    std::uint64_t at = 0;  ///< Lsn of the version whose rows these are
    std::uint32_t row_count = 0;
    bool wide_ids = false;
    std::uint64_t id_slots = 0;
    std::uint64_t payload_size = 0;  ///< 0: every payload is empty, and there is no payload file
    std::vector<FieldMeta> fields = {};

    friend bool operator==(const SegmentMeta&, const SegmentMeta&) = default;
};

inline constexpr std::size_t max_fields = 256;
inline constexpr std::uint64_t max_codebook_size = std::uint64_t{1} << 32U;

[[nodiscard]] std::vector<std::byte> encode_segment_meta(const FileIdentity& identity, const SegmentMeta& meta);
[[nodiscard]] Result<SegmentMeta> decode_segment_meta(std::span<const std::byte> bytes, const FileIdentity& identity,
                                                      std::string_view path);

}  // namespace sextant::inline v1::format
