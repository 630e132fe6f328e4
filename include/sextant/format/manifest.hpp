/// Manifest: what a collection is and which segments it has, as of one moment; docs/format/manifest.md is the same in
/// words. Each change writes a new file and then points CURRENT at it (decision 0010).
/// Invariants: decode(encode(x)) gives x; no input makes decode() touch memory outside its bytes or allocate by an
/// unchecked size.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"
#include "sextant/format/file_header.hpp"

namespace sextant::inline v1::format {

/// The options a collection was created with: effective values, never "left out".
struct StoredOptions {
    std::uint64_t dimension = 0;
    MetricId metric = MetricId::squared_l2;
    QuantizerId quantizer = QuantizerId::none;
    std::vector<std::byte> quantizer_options = {};  ///< the quantizer's own encoding
    std::uint32_t m = 0;
    std::uint32_t ef_construction = 0;
    std::uint64_t seed = 0;
    std::uint8_t durability = 0;
    bool deterministic = false;
    RawPrecision raw = RawPrecision::F32;

    friend bool operator==(const StoredOptions&, const StoredOptions&) = default;
};

struct ManifestSegment {
    std::uint64_t number = 0;
    std::uint64_t footer_checksum = 0;  ///< of the files the number names, and of no others
    std::uint64_t tombstones_file = 0;  ///< 0: no row is dead
    std::uint64_t overlay_file = 0;     ///< 0: no payload was changed
    std::uint32_t row_count = 0;

    friend bool operator==(const ManifestSegment&, const ManifestSegment&) = default;
};

struct Manifest {
    StoredOptions options = {};
    std::uint64_t last = 0;  ///< Lsn of a write that is on the disk, in segments or in the log, with all before it
    std::uint64_t replay_from = 0;  ///< effects up to this Lsn are in the segments; later ones are in the log
    std::uint64_t next_number = 1;  ///< greater than every number that files of the collection ever had, logs aside
    std::uint64_t first_log = 0;    ///< number of a log file that must exist; 0: none was begun
    std::vector<ManifestSegment> segments = {};

    friend bool operator==(const Manifest&, const Manifest&) = default;
};

inline constexpr std::size_t max_manifest_segments = 65'536;
inline constexpr std::size_t max_quantizer_options = 65'536;

[[nodiscard]] std::vector<std::byte> encode_manifest(const FileIdentity& identity, const Manifest& manifest);
struct DecodedManifest {
    FileIdentity identity;
    Manifest manifest;
};
/// `number` is the one in the file's name.
[[nodiscard]] Result<DecodedManifest> decode_manifest(std::span<const std::byte> bytes, std::uint64_t number,
                                                      std::string_view path);

/// The content of CURRENT: one line of text, "MANIFEST-000012 9f86d081884c7d65": the manifest's name and XXH3-64 of all its bytes.
[[nodiscard]] std::string encode_current(std::uint64_t manifest_number, std::uint64_t manifest_checksum);
struct Current {
    std::uint64_t manifest_number = 0;
    std::uint64_t manifest_checksum = 0;
};
[[nodiscard]] Result<Current> decode_current(std::string_view text, std::string_view path);

/// "MANIFEST-000012".
[[nodiscard]] std::string manifest_name(std::uint64_t number);

}  // namespace sextant::inline v1::format
