/// page_segment: reads the files of a segment by the pages segment.md, sections.md, codebook.md, graph.md and
/// row_changes.md of docs/format.
/// Threads: confined.
#pragma once

#include <cstdint>
#include <string>

#include "collection/durable_support.hpp"
#include "collection/page_files.hpp"
#include "collection/page_reader.hpp"

namespace test_support {

/// As the manifest has them.
struct PageOptions {
    std::uint64_t dimension = 0;
    std::uint16_t metric = 0;
    std::uint16_t quantizer = 0;
    std::uint32_t m = 0;
    std::uint32_t ef_construction = 0;
    std::uint64_t seed = 0;
    bool halves = false;
};

struct PageSegment {
    std::string path = {};
    std::uint64_t number = 0;
    std::uint64_t footer_checksum = 0;
    std::uint64_t tombstones_file = 0;
    std::uint64_t overlay_file = 0;
    std::uint32_t rows = 0;
};

/// PointId::bytes() and whether it is a UUID.
[[nodiscard]] sextant::PointId page_id(const PageBytes& bytes, std::uint8_t kind);
[[nodiscard]] sextant::Payload page_payload(const PageBytes& blob);

/// Adds the live rows.
void read_segment_pages(const PageFiles& files, const PageOptions& options, const PageSegment& segment,
                        Contents& contents, PageSummary& summary);

}  // namespace test_support
