/// segment_layout: how the files of a segment are called, and what identity is in their headers.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "sextant/format/file_header.hpp"
#include "sextant/segment/field_draft.hpp"
#include "sextant/segment/segment_files.hpp"

namespace sextant::inline v1::detail {

[[nodiscard]] format::FileIdentity identity_of(const SegmentPlace& place, format::FileKind kind,
                                               std::uint16_t field = 0) noexcept;
/// "meta", "v0/graph".
[[nodiscard]] std::string name_of(format::FileKind kind, std::uint16_t field);
[[nodiscard]] format::FileKind kind_of(FieldPart part) noexcept;

}  // namespace sextant::inline v1::detail
