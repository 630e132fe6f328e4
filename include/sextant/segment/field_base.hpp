/// FieldBase: everything of a vector field that does not depend on its metric's or its quantizer's type.
/// Threads: immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "sextant/index/hnsw/hnsw_params.hpp"
#include "sextant/quantizer/metric_traits.hpp"
#include "sextant/segment/field_codec.hpp"
#include "sextant/segment/vector_field.hpp"

namespace sextant::inline v1 {
class HnswIndex;
}

namespace sextant::inline v1::detail {

class CodeRows;
class RawRows;
struct FieldBuild;

using CodecTrainer = Result<std::unique_ptr<FieldCodec>> (*)(MatrixView sample, const TrainContext& context);

/// What growing and sealed rows need to know of their field; they keep a copy.
struct FieldShape {
    MetricTraits metric;
    std::size_t dimension = 0;
    HnswParams graph;
    RawPrecision raw = RawPrecision::F32;  ///< of sealed rows; growing ones are floats
};

/// Structure of a graph, and that every row that is not deleted can be reached. REQUIRES: nobody links.
[[nodiscard]] Result<void> verify_graph(const HnswIndex& graph, BitmapView deleted);

class FieldBase : public VectorField {
public:
    [[nodiscard]] std::size_t dimension() const noexcept final { return shape_.dimension; }
    [[nodiscard]] RawPrecision raw_precision() const noexcept final { return shape_.raw; }
    [[nodiscard]] Result<std::unique_ptr<GrowingField>> make_growing(std::uint32_t max_rows,
                                                                     MemoryAccount& account) const final;
    [[nodiscard]] Result<std::unique_ptr<SealedField>> seal(const SealRequest& request) const final;
    [[nodiscard]] Result<std::unique_ptr<SealedField>> load(const FieldSource& source) const final;
    [[nodiscard]] FieldBytes estimate(std::uint64_t rows) const noexcept final;
    [[nodiscard]] float distance(VectorView a, VectorView b) const noexcept final;

protected:
    /// `head`: trains the codes of growing rows; null where codes would gain nothing.
    FieldBase(const FieldShape& shape, CodecTrainer head) noexcept : shape_(shape), head_(head) {}

private:
    [[nodiscard]] Result<std::unique_ptr<CodeRows>> make_codes(const RawRows& raw, const FieldBuild& build) const;
    [[nodiscard]] Result<std::unique_ptr<CodeRows>> load_codes(const FieldSource& source) const;
    /// What rows are linked by where their own codes are too coarse for it: codes of the head's quantizer, for the time
    /// of the build. Null: by raw vectors, because there is no such quantizer or too little memory.
    [[nodiscard]] Result<std::unique_ptr<CodeRows>> make_link_codes(const RawRows& raw, const FieldBuild& build) const;
    /// Links the rows that are not linked yet, by `codes` or, where they are null, raw vectors, and finishes.
    [[nodiscard]] Result<void> build_graph(HnswIndex& graph, const RawRows& raw, const CodeRows* codes,
                                           const FieldBuild& build, FunctionRef<void(double)> progress) const;
    /// Null where raw vectors are the codes.
    [[nodiscard]] virtual Result<std::unique_ptr<FieldCodec>> train(MatrixView sample,
                                                                    const TrainContext& context) const = 0;
    /// What the codec's save() gave.
    [[nodiscard]] virtual Result<std::unique_ptr<FieldCodec>> load_codec(std::span<const std::byte> saved) const = 0;
    [[nodiscard]] virtual bool has_codes() const noexcept = 0;
    /// Rows of a sample that are worth their memory.
    [[nodiscard]] virtual std::size_t sample_rows() const noexcept = 0;
    [[nodiscard]] virtual std::size_t code_size() const noexcept = 0;
    /// Whether distances between codes are good enough to link rows by.
    [[nodiscard]] virtual bool links_by_codes() const noexcept = 0;

    FieldShape shape_;
    CodecTrainer head_;
};

}  // namespace sextant::inline v1::detail
