#include "sextant/segment/field_rows.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "core/format_text.hpp"
#include "sextant/quantizer/half_vectors.hpp"
#include "sextant/quantizer/vector_math.hpp"
#include "sextant/segment/field_layout.hpp"

namespace sextant::inline v1::detail {

RawRows::RawRows(const MetricTraits& metric, std::size_t dimension, RawPrecision precision) noexcept
    : dimension_(dimension),
      stride_(raw_stride(dimension, precision)),
      precision_(precision),
      unit_length_(metric.unit_length) {}

Result<RawRows> RawRows::reserve(const MetricTraits& metric, std::size_t dimension, std::uint32_t max_rows,
                                 MemoryAccount& account) {
    RawRows rows(metric, dimension, RawPrecision::F32);
    SEXTANT_TRY_ASSIGN(rows.vectors_, Column<std::byte>::reserve(max_rows * rows.stride_, account, "raw vectors"));
    if (metric.unit_length) {
        SEXTANT_TRY_ASSIGN(rows.inverse_norms_, Column<float>::reserve(max_rows, account, "norms of vectors"));
    }
    return rows;
}

Result<RawRows> RawRows::exact(const MetricTraits& metric, std::size_t dimension, RawPrecision precision,
                               std::uint32_t row_count, MemoryAccount& account) {
    RawRows rows(metric, dimension, precision);
    SEXTANT_TRY_ASSIGN(rows.vectors_, Column<std::byte>::exact(row_count * rows.stride_, account, "raw vectors"));
    if (metric.unit_length) {
        SEXTANT_TRY_ASSIGN(rows.inverse_norms_, Column<float>::exact(row_count, account, "norms of vectors"));
    }
    return rows;
}

Result<RawRows> RawRows::mapped(const MetricTraits& metric, std::size_t dimension, RawPrecision precision,
                                std::uint32_t row_count, std::shared_ptr<const SectionMap> map,
                                MemoryAccount& account) {
    RawRows rows(metric, dimension, precision);
    if (metric.unit_length) {
        SEXTANT_TRY_ASSIGN(rows.inverse_norms_, Column<float>::exact(row_count, account, "norms of vectors"));
        const std::span<const std::byte> norms = map->bytes(1);
        SEXTANT_TRY(map->check(1, 0, norms.size()));
        std::memcpy(rows.inverse_norms_.data(), norms.data(), norms.size());
    }
    rows.map_ = std::move(map);
    return rows;
}

Result<void> RawRows::check_all(const std::stop_token& stop) const {
    return map_ == nullptr ? Result<void>() : map_->check_all(stop);
}

Result<void> RawRows::ensure(std::uint32_t row_count) {
    const std::size_t before = vectors_.arena().committed();
    SEXTANT_TRY(vectors_.ensure(row_count * stride_));
    if (!unit_length_) return {};
    auto norms = inverse_norms_.ensure(row_count);
    if (!norms) vectors_.shrink(before);
    return norms;
}

void RawRows::shrink(std::uint32_t row_count) noexcept {
    vectors_.shrink(row_count * stride_);
    inverse_norms_.shrink(row_count);
}

void RawRows::set(RowId row, VectorView vector) noexcept {
    store_raw(vector, precision_, vectors_.data() + to_index(row) * stride_);
    if (unit_length_) inverse_norms_[to_index(row)] = inverse_norm(vector);
}

VectorView RawRows::unit(RowId row, std::span<float> room, bool& zero) const noexcept {
    const std::span<float> own = room.first(dimension_);
    const VectorView given = raw_vector(source(), row, dimension_, own.data());
    zero = false;
    if (!unit_length_) return given;
    zero = !to_unit(given, own.data());
    return own;
}

Result<void> RawRows::verify(std::uint32_t row_count) const {
    SEXTANT_TRY(check_all({}));
    const RowSource rows = source();
    std::vector<float> room(dimension_);
    for (std::uint32_t row = 0; row < row_count; ++row) {
        const VectorView vector = raw_vector(rows, RowId{row}, dimension_, room.data());
        if (any_non_finite(vector.data(), vector.size())) {
            return Error{ErrorCode::corruption, format_text("vectors: row {}: a component is not finite", row)};
        }
        if (unit_length_ && inverse_norms_[row] != inverse_norm(vector)) {
            return Error{ErrorCode::corruption, format_text("vectors: row {}: 1/norm is {}, its vector's is {}", row,
                                                            inverse_norms_[row], inverse_norm(vector))};
        }
    }
    return {};
}

Result<VectorRows> RawRows::read(std::span<const RowId> rows, QueryScratch& scratch) const {
    VectorRows found{source(), rows};
    if (map_ == nullptr) return found;
    // Rows that lie close together are a copy of a whole segment under way: it reads ahead.
    if (rows.size() >= 64 && rows.back() > rows.front() &&
        to_index(rows.back()) - to_index(rows.front()) < 4 * rows.size() && std::is_sorted(rows.begin(), rows.end())) {
        for (const RowId row : rows) SEXTANT_TRY(map_->check(0, to_index(row) * stride_, stride_));
        found.source.base = map_->bytes_to_scan(0).data();
        return found;
    }
    const bool ask = map_->should_ask();
    for (const RowId row : rows) {
        const std::uint64_t first = to_index(row) * stride_;
        if (ask ? map_->at_hand(0, first, stride_) : map_->checked(0, first, stride_)) continue;
        map_->note(false);
        return copy(rows, scratch);
    }
    map_->note(true);
    found.source.base = map_->bytes(0).data();
    return found;
}

Result<VectorRows> RawRows::copy(std::span<const RowId> rows, QueryScratch& scratch) const {
    const auto copies = scratch.take<std::byte>(rows.size() * stride_);
    const auto parts = scratch.take<SectionMap::Part>(rows.size());
    const auto places = scratch.take<RowId>(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        ::new (&parts[i]) SectionMap::Part{to_index(rows[i]) * stride_, copies.subspan(i * stride_, stride_)};
        places[i] = RowId{static_cast<std::uint32_t>(i)};
    }
    SEXTANT_TRY(map_->copy(0, parts, scratch));
    VectorRows found{{copies.data(), stride_, nullptr, precision_}, places};
    if (unit_length_) {
        const auto norms = scratch.take<float>(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) norms[i] = inverse_norms_[to_index(rows[i])];
        found.source.inverse_norm = norms.data();
    }
    return found;
}

RowSource RawRows::source() const noexcept {
    return {base(), stride_, unit_length_ ? inverse_norms_.data() : nullptr, precision_};
}

}  // namespace sextant::inline v1::detail
