/// page_reader: reads the files of a collection by the pages of docs/format and by nothing of the library but XXH3-64 and
/// the encoding of payloads, so that the pages are held to what they say. Checks every field, offset, checksum and
/// padding on its way.
/// Threads: confined.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collection/durable_support.hpp"

namespace test_support {

/// What was on the way.
struct PageSummary {
    std::uint64_t rows = 0;     ///< of all segments
    std::uint64_t dead = 0;     ///< of those, as their tombstones say
    std::uint64_t changed = 0;  ///< payloads in overlays
    std::uint64_t frames = 0;   ///< of effects, behind the last checkpoint
    std::uint64_t effects = 0;  ///< in them
    bool closed = false;
};

/// `files` by path below the collection.
[[nodiscard]] Contents read_by_pages(const std::map<std::string, std::vector<std::byte>>& files, PageSummary& summary);

}  // namespace test_support
