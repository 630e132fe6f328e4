/// RawRows: the vectors of a field as they were given, and beside them 1/|x| where the metric works on unit vectors. Those
/// of a stored segment can be left in its file (mapped): then read() checks what it hands out, and all else needs check_all().
/// Of half precision, they were rounded before they came here.
/// Invariants: rows never move.
/// Threads: one writer beside readers of rows that are already published.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sextant/core/arena.hpp"
#include "sextant/core/types.hpp"
#include "sextant/quantizer/metric_traits.hpp"
#include "sextant/segment/section_map.hpp"
#include "sextant/segment/vector_reader.hpp"

namespace sextant::inline v1::detail {

class RawRows final : public VectorReader {
public:
    RawRows() = default;
    /// Addresses for max_rows of floats; memory is taken by ensure().
    [[nodiscard]] static Result<RawRows> reserve(const MetricTraits& metric, std::size_t dimension,
                                                 std::uint32_t max_rows, MemoryAccount& account);
    /// Memory for exactly row_count rows.
    [[nodiscard]] static Result<RawRows> exact(const MetricTraits& metric, std::size_t dimension,
                                               RawPrecision precision, std::uint32_t row_count, MemoryAccount& account);
    /// Vectors stay in `map`, whose sections are those of sections(); norms are read into memory. corruption names the
    /// file.
    [[nodiscard]] static Result<RawRows> mapped(const MetricTraits& metric, std::size_t dimension,
                                                RawPrecision precision, std::uint32_t row_count,
                                                std::shared_ptr<const SectionMap> map, MemoryAccount& account);
    /// Memory for rows [0, row_count). When it fails nothing changed.
    [[nodiscard]] Result<void> ensure(std::uint32_t row_count);
    /// Gives back what ensure() took for rows past row_count.
    void shrink(std::uint32_t row_count) noexcept;

    /// REQUIRES: each component is one that the precision has.
    void set(RowId row, VectorView vector) noexcept;
    /// Of unit length where the metric asks for it: written to `room` then, or where rows are not floats. `zero` tells a
    /// zero vector under such a metric.
    [[nodiscard]] VectorView unit(RowId row, std::span<float> room, bool& zero) const noexcept;
    [[nodiscard]] RowSource source() const noexcept;
    /// Where they lie: no copy, no failure. Rows of a file are copied to the scratch where any of them is not in memory, or
    /// lies in a block that was not checked.
    [[nodiscard]] Result<VectorRows> read(std::span<const RowId> rows, QueryScratch& scratch) const override;
    [[nodiscard]] bool in_file() const noexcept override { return map_ != nullptr; }

    [[nodiscard]] Result<void> check_all(const std::stop_token& stop) const override;

    /// That vectors are finite and their norms right. corruption names the row.
    [[nodiscard]] Result<void> verify(std::uint32_t row_count) const;

    /// Vectors and norms (empty where there are none) as they lie in a file: to be written out.
    [[nodiscard]] std::array<std::span<const std::byte>, 2> sections(std::uint32_t row_count) const noexcept {
        return {std::span(base(), row_count * stride_), inverse_norms_.bytes(unit_length_ ? row_count : 0)};
    }
    /// The same, to be read into. REQUIRES: not mapped.
    [[nodiscard]] std::array<std::span<std::byte>, 2> writable_sections(std::uint32_t row_count) noexcept {
        return {vectors_.bytes(row_count * stride_), inverse_norms_.bytes(unit_length_ ? row_count : 0)};
    }
    [[nodiscard]] std::size_t stride() const noexcept { return stride_; }
    [[nodiscard]] RawPrecision precision() const noexcept { return precision_; }
    [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
    /// In memory: none of those that are mapped.
    [[nodiscard]] std::uint64_t vector_bytes() const noexcept { return vectors_.arena().committed(); }
    [[nodiscard]] std::uint64_t norm_bytes() const noexcept { return inverse_norms_.arena().committed(); }

private:
    RawRows(const MetricTraits& metric, std::size_t dimension, RawPrecision precision) noexcept;
    [[nodiscard]] Result<VectorRows> copy(std::span<const RowId> rows, QueryScratch& scratch) const;
    [[nodiscard]] const std::byte* base() const noexcept {
        return map_ == nullptr ? vectors_.data() : map_->bytes_to_scan(0).data();
    }

    std::size_t dimension_ = 0;
    std::size_t stride_ = 0;
    RawPrecision precision_ = RawPrecision::F32;
    bool unit_length_ = false;
    Column<std::byte> vectors_;
    Column<float> inverse_norms_;
    std::shared_ptr<const SectionMap> map_;  ///< null: vectors are in memory
};

}  // namespace sextant::inline v1::detail
