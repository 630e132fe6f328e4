#include "sextant/segment/field_sealed.hpp"

#include <utility>

namespace sextant::inline v1::detail {

SealedRows::SealedRows(const FieldShape& shape, RawRows raw, std::unique_ptr<CodeRows> codes, HnswIndex graph,
                       std::uint32_t row_count, std::uint64_t codebook_bytes, const Calibration& calibration) noexcept
    : shape_(shape),
      raw_(std::move(raw)),
      codes_(std::move(codes)),
      graph_(std::move(graph)),
      row_count_(row_count),
      codebook_bytes_(codebook_bytes),
      calibration_(calibration) {}

FieldView SealedRows::view() const noexcept {
    FieldView view;
    view.metric = shape_.metric;
    view.raw = raw_.source();
    view.vectors = &raw_;
    view.graph = &graph_;
    view.linked = row_count_;
    view.max_rows = row_count_;
    view.calibration = calibration();
    if (codes_ != nullptr) {
        view.codec = &codes_->codec();
        view.codes = codes_->source();
        view.coded = row_count_;
        view.lossless = codes_->lossless();
    }
    return view;
}

FieldAnswer SealedRows::search(const FieldQuery& query, std::uint32_t row_count, FieldScratch& scratch,
                               std::span<Neighbor> out) const noexcept {
    return search_field(view(), query, row_count, scratch, out);
}

bool SealedRows::search_exact_batch(std::span<const FieldQuery> queries, std::uint32_t row_count, FieldScratch& scratch,
                                    std::span<Neighbor> out, std::span<std::size_t> found) const noexcept {
    return search_field_batch(view(), queries, row_count, scratch, out, found);
}

FieldBytes SealedRows::bytes() const noexcept {
    return {.vectors = raw_.vector_bytes(),
            .codes = codes_ == nullptr ? 0 : codes_->bytes(),
            .graph = graph_.memory_bytes(),
            .other = raw_.norm_bytes() + codebook_bytes_};
}

FieldSections SealedRows::sections() const {
    FieldSections all;
    for (const auto section : raw_.sections(row_count_)) {
        if (!section.empty()) all.vectors.push_back(section);
    }
    if (codes_ != nullptr) {
        all.codebook = codes_->codec().save();
        all.codes.push_back(codes_->section(row_count_));
        all.lossless = codes_->lossless();
        all.code_stride = codes_->stride();
    }
    const HnswSections graph = graph_.sections();
    all.graph = {graph.level0, graph.upper};
    all.dimension = static_cast<std::uint32_t>(raw_.dimension());
    all.raw = raw_.precision();
    all.params = graph_.params();
    all.vector_stride = raw_.stride();
    all.upper_size = graph.upper.size();
    all.calibration = calibration_;
    return all;
}

Result<void> SealedRows::verify(std::uint32_t row_count, BitmapView deleted) const {
    SEXTANT_TRY(verify_graph(graph_, deleted));
    SEXTANT_TRY(raw_.verify(row_count));
    return codes_ == nullptr ? Result<void>() : codes_->verify(raw_, row_count);
}

}  // namespace sextant::inline v1::detail
