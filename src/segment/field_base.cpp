#include "sextant/segment/field_base.hpp"

#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/quantizer/float_scorer.hpp"
#include "sextant/segment/field_growing.hpp"
#include "sextant/segment/field_layout.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr std::uint64_t page = 4096;

std::uint64_t pages(std::uint64_t bytes) noexcept { return (bytes + page - 1) / page * page; }

}  // namespace

Result<std::unique_ptr<GrowingField>> FieldBase::make_growing(std::uint32_t max_rows, MemoryAccount& account) const {
    return GrowingRows::create(shape_, head_, max_rows, account);
}

FieldBytes FieldBase::estimate(std::uint64_t rows) const noexcept {
    FieldBytes bytes;
    bytes.vectors = pages(rows * float_stride(shape_.dimension));
    bytes.codes = has_codes() ? pages(rows * code_stride(code_size())) : 0;
    bytes.graph = HnswIndex::estimate_bytes(rows, shape_.graph);
    bytes.other = shape_.metric.unit_length ? pages(rows * sizeof(float)) : 0;
    return bytes;
}

float FieldBase::distance(VectorView a, VectorView b) const noexcept { return float_distance(shape_.metric, a, b); }

}  // namespace sextant::inline v1::detail
