/// estimate: what memory points will take, from the same rules that lay them out.
#include <algorithm>

#include "sextant/collection/detail/collection_core.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"
#include "sextant/segment/field_layout.hpp"
#include "sextant/segment/id_map.hpp"
#include "sextant/segment/segment_limits.hpp"
#include "sextant/segment/vector_field.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t huge_page = std::uint64_t{2} << 20U;

std::uint64_t pages(std::uint64_t bytes) noexcept { return (bytes + page - 1) / page * page; }

/// What an arena that grows has committed for `bytes`: half a step too much on average, a step at most.
std::uint64_t grown(std::uint64_t bytes) noexcept {
    const std::uint64_t step = std::clamp<std::uint64_t>(bytes / 2, std::uint64_t{64} << 10U, huge_page);
    return bytes == 0 ? 0 : bytes + step / 2;
}

PartBytes sealed_parts(std::uint64_t points, const VectorField& field) noexcept {
    const FieldBytes bytes = field.estimate(points);
    PartBytes parts;
    parts.vectors = bytes.vectors;
    parts.codes = bytes.codes;
    parts.graph = bytes.graph;
    parts.other = bytes.other;
    parts.ids = pages(points * sizeof(std::uint64_t));
    parts.versions = pages(points * sizeof(std::uint64_t));
    parts.id_map = pages(sealed_slot_count(static_cast<std::size_t>(points)) * sizeof(std::uint32_t));
    return parts;
}

/// `points` points in growing segments, before the first is sealed.
std::uint64_t growing_bytes(std::uint64_t points, const VectorField& field) noexcept {
    const FieldBytes bytes = field.estimate(points);
    const bool head_codes = field.metric() < MetricId::user;
    const std::uint64_t code = code_stride(ScalarQuantizer::code_size_for(field.dimension()));
    const std::uint64_t ids = 2 * grown(points * sizeof(std::uint64_t)) + points * 6;
    return grown(bytes.vectors) + (head_codes ? grown(points * code) : 0) + grown(bytes.graph) + grown(bytes.other) + ids;
}

}  // namespace

MemoryEstimate CollectionCore::estimate(std::uint64_t points, const VectorField& field) {
    MemoryEstimate estimate;
    if (points == 0) return estimate;
    estimate.parts = sealed_parts(points, field);
    estimate.steady = estimate.parts.total();
    // The last step has all points twice: in the sealed segment that is built, and in what it is built from. That is a
    // growing segment, or, past one of them, mostly sealed ones.
    const std::uint64_t per_segment = growing_rows_for(field.dimension() * sizeof(float));
    const std::uint64_t in_growing = std::min(points, per_segment);
    std::uint64_t sources = growing_bytes(in_growing, field);
    if (points > in_growing) sources += sealed_parts(points - in_growing, field).total();
    estimate.peak = estimate.steady + sources;
    return estimate;
}

}  // namespace sextant::inline v1::detail
