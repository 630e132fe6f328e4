#include "sextant/segment/field_base.hpp"

#include <algorithm>

#include "core/format_text.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "sextant/quantizer/float_scorer.hpp"
#include "sextant/segment/field_build.hpp"
#include "sextant/segment/field_growing.hpp"
#include "sextant/segment/field_layout.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr std::uint64_t page = 4096;

std::uint64_t pages(std::uint64_t bytes) noexcept { return (bytes + page - 1) / page * page; }

/// What an arena that grew to `bytes` in small steps has committed: it doubles from 64 KiB to 2 MiB, then adds 2 MiB.
std::uint64_t grown(std::uint64_t bytes) noexcept {
    constexpr std::uint64_t largest_step = std::uint64_t{2} << 20U;
    std::uint64_t committed = std::uint64_t{64} << 10U;
    while (committed < bytes) committed += std::min(committed, largest_step);
    return committed;
}

/// What a graph takes while it is built and no longer once it is finished: the spanning tree, and upper levels in
/// columns that grow, beside the section they are copied into.
std::uint64_t graph_building_bytes(std::uint64_t rows, const HnswParams& params) noexcept {
    const std::uint64_t slots = rows / (params.m - 1);  // m^-1 + m^-2 + … slots a row
    return pages(rows * sizeof(std::uint32_t)) + grown(slots * sizeof(std::uint32_t)) +
           grown(slots * params.m * sizeof(std::uint32_t));
}

}  // namespace

Result<void> verify_graph(const HnswIndex& graph, BitmapView deleted) {
    SEXTANT_TRY_ASSIGN(const HnswIndex::Audit audit, graph.audit(deleted));
    if (audit.reachable_live_rows == audit.live_rows) return {};
    return Error{ErrorCode::corruption,
                 format_text("graph: row {} cannot be reached, and {} of {} live rows in all", audit.first_unreachable,
                             audit.live_rows - audit.reachable_live_rows, audit.live_rows)};
}

Result<std::unique_ptr<GrowingField>> FieldBase::make_growing(std::uint32_t max_rows, MemoryAccount& account) const {
    return GrowingRows::create(shape_, head_, max_rows, account);
}

FieldBytes FieldBase::estimate(std::uint64_t rows) const noexcept {
    FieldBytes bytes;
    bytes.vectors = pages(rows * raw_stride(shape_.dimension, shape_.raw));
    bytes.codes = has_codes() ? pages(rows * code_stride(code_size())) : 0;
    bytes.graph = HnswIndex::estimate_bytes(rows, shape_.graph);
    bytes.other = shape_.metric.unit_length ? pages(rows * sizeof(float)) : 0;
    const std::uint64_t sample =
        has_codes() ? std::min<std::uint64_t>(rows, sample_rows()) * shape_.dimension * sizeof(float) : 0;
    const bool linked_apart = has_codes() && head_ != nullptr && !links_by_codes();
    bytes.linking = linked_apart ? pages(rows * code_stride(i8_row_size(shape_.dimension))) : 0;
    const std::uint64_t link_sample =
        linked_apart ? std::min<std::uint64_t>(rows, link_sample_rows) * shape_.dimension * sizeof(float) : 0;
    const std::uint64_t linking =
        std::max(link_sample, bytes.linking + bytes.graph + graph_building_bytes(rows, shape_.graph));
    bytes.peak = bytes.vectors + bytes.other + std::max(sample, bytes.codes + linking);
    return bytes;
}

float FieldBase::distance(VectorView a, VectorView b) const noexcept { return float_distance(shape_.metric, a, b); }

}  // namespace sextant::inline v1::detail
