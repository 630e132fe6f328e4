/// estimate: what memory points will take, from the same rules that lay them out.
#include <algorithm>
#include <bit>

#include "sextant/collection/detail/collection_core.hpp"
#include "sextant/core/checked.hpp"
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

/// What an arena that grew to `bytes` in small steps has committed: it doubles from 64 KiB to 2 MiB, then adds 2 MiB.
std::uint64_t grown(std::uint64_t bytes) noexcept {
    if (bytes == 0) return 0;
    if (bytes > huge_page) return (bytes + huge_page - 1) / huge_page * huge_page;
    return std::max(std::uint64_t{64} << 10U, std::bit_ceil(bytes));
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

/// `points` points in a growing segment: vectors of floats, 8-bit head codes, and a graph whose parts grow one by one.
std::uint64_t growing_bytes(std::uint64_t points, const CoreOptions& options, const VectorField& field) noexcept {
    const FieldBytes bytes = field.estimate(points);
    const bool head_codes = field.metric() < MetricId::user && points >= 1024;
    const std::uint64_t code = code_stride(i8_row_size(field.dimension()));
    const std::uint64_t level0 = points * 2 * options.index.m * sizeof(std::uint32_t);
    const std::uint64_t upper = bytes.graph > level0 ? bytes.graph - level0 : 0;
    const std::uint64_t tree = points * sizeof(std::uint32_t);
    const std::uint64_t id_slots = std::max<std::uint64_t>(points * 6, page);
    const std::uint64_t vectors = pages(points * float_stride(field.dimension()));
    return grown(vectors) + (head_codes ? grown(points * code) : 0) + grown(level0) + grown(upper) + grown(tree) +
           grown(bytes.other) + 2 * grown(points * sizeof(std::uint64_t)) + id_slots;
}

/// What a sealed segment takes while it is built. The sample for training goes before the graph is begun.
std::uint64_t building_bytes(std::uint64_t points, const VectorField& field) noexcept {
    const PartBytes parts = sealed_parts(points, field);
    const std::uint64_t sampled = std::min<std::uint64_t>(points, ScalarQuantizer::sample_rows);
    const std::uint64_t sample = parts.codes == 0 ? 0 : pages(sampled * field.dimension() * sizeof(float));
    const std::uint64_t tree = pages(points * sizeof(std::uint32_t));
    const std::uint64_t linking = field.estimate(points).linking;
    return parts.total() - parts.codes - parts.graph + std::max(sample, parts.codes + linking + parts.graph + tree);
}

}  // namespace

Result<MemoryEstimate> CollectionCore::estimate(std::uint64_t points, const CoreOptions& options,
                                                const VectorField& field) {
    MemoryEstimate estimate;
    if (points == 0) return estimate;
    // More than a point can take, both times it is there at the peak: with this no sum below can wrap.
    const std::uint64_t most_per_point =
        64 * std::uint64_t{field.dimension()} + 64 * std::uint64_t{options.index.m} + 4096;
    SEXTANT_TRY(checked_mul(points, most_per_point, "points"));
    estimate.parts = sealed_parts(points, field);
    estimate.steady = estimate.parts.total();
    // The last step has all points twice: in the sealed segment that is built, and in what it is built from. That is a
    // growing segment, or, past one of them, mostly sealed ones.
    const std::uint64_t per_segment = growing_rows_for(field.dimension() * sizeof(float));
    const std::uint64_t in_growing = std::min(points, per_segment);
    std::uint64_t sources = growing_bytes(in_growing, options, field);
    if (points > in_growing) sources += sealed_parts(points - in_growing, field).total();
    estimate.peak = sources + building_bytes(points, field);
    return estimate;
}

}  // namespace sextant::inline v1::detail
