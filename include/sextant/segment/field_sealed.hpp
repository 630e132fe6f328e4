/// SealedRows: the rows of a sealed segment: raw vectors, codes of the field's quantizer (none where raw vectors are
/// the codes) and a finished graph over them.
/// Threads: immutable.
#pragma once

#include <memory>
#include <optional>

#include "sextant/index/hnsw/hnsw_index.hpp"
#include "sextant/segment/field_base.hpp"
#include "sextant/segment/field_codes.hpp"
#include "sextant/segment/field_rows.hpp"
#include "sextant/segment/field_search.hpp"

namespace sextant::inline v1::detail {

class SealedRows final : public SealedField {
public:
    SealedRows(const FieldShape& shape, RawRows raw, std::unique_ptr<CodeRows> codes, HnswIndex graph,
               std::uint32_t row_count, std::uint64_t codebook_bytes, const Calibration& calibration = {}) noexcept;

    [[nodiscard]] FieldAnswer search(const FieldQuery& query, std::uint32_t row_count, FieldScratch& scratch,
                                     std::span<Neighbor> out) const noexcept override;
    [[nodiscard]] bool search_exact_batch(std::span<const FieldQuery> queries, std::uint32_t row_count,
                                          FieldScratch& scratch, std::span<Neighbor> out,
                                          std::span<std::size_t> found) const noexcept override;
    [[nodiscard]] const VectorReader& vectors() const noexcept override { return raw_; }
    [[nodiscard]] std::uint32_t indexed_rows() const noexcept override { return graph_.linked(); }
    [[nodiscard]] FieldBytes bytes() const noexcept override;
    [[nodiscard]] Result<void> verify(std::uint32_t row_count, BitmapView deleted) const override;

    [[nodiscard]] FieldSections sections() const override;
    [[nodiscard]] const Calibration* calibration() const noexcept override {
        return calibration_.queries == 0 ? nullptr : &calibration_;
    }
    /// Before anybody else sees the rows.
    void adopt(const Calibration& calibration) noexcept { calibration_ = calibration; }

    [[nodiscard]] const HnswIndex& graph() const noexcept { return graph_; }

    [[nodiscard]] FieldView view() const noexcept;

private:
    FieldShape shape_;
    RawRows raw_;
    std::unique_ptr<CodeRows> codes_;
    HnswIndex graph_;
    std::uint32_t row_count_;
    std::uint64_t codebook_bytes_;
    Calibration calibration_;
};

}  // namespace sextant::inline v1::detail
