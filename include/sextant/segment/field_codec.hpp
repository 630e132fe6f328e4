/// FieldCodec: a trained quantizer bound to its metric, as an interface. Called once per query, per worker, or per row
/// while encoding; never per scored row.
/// Threads: immutable. Why virtual here: everything around it is then compiled once, for user-written metrics and
/// quantizers too; a call per query cannot be measured.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sextant/concepts/quantizer.hpp"
#include "sextant/quantizer/code_trust.hpp"

namespace sextant::inline v1::detail {

class FieldCodec {
public:
    virtual ~FieldCodec() = default;
    [[nodiscard]] virtual std::size_t code_size() const noexcept = 0;
    /// Floats that encode() is given to work in.
    [[nodiscard]] virtual std::size_t room_floats() const noexcept = 0;
    /// `vector` has unit length where the metric asks for it; `zero`: it is the zero vector of such a metric.
    virtual void encode(VectorView vector, bool zero, std::span<std::byte> out,
                        std::span<float> room) const noexcept = 0;
    /// Whether no row decodes to itself, so that nobody has to look.
    [[nodiscard]] virtual bool always_lossy() const noexcept = 0;
    virtual void decode(CodeView code, std::span<float> out) const noexcept = 0;
    /// `query` as the caller gave it.
    [[nodiscard]] virtual RowScorer bind(VectorView query, RowSource rows, QueryScratch& scratch) const = 0;
    [[nodiscard]] virtual PairScorer between(RowSource rows, QueryScratch& scratch) const = 0;
    [[nodiscard]] virtual CodeTrust trust(const RowScorer& bound) const noexcept = 0;
    /// Of the true distance of `row`, whose distance by `bound` is `code_distance`.
    [[nodiscard]] virtual float lower_bound(const RowScorer& bound, RowId row, float code_distance) const noexcept = 0;
    /// Whether that differs from row to row.
    [[nodiscard]] virtual bool bounds_rows() const noexcept = 0;
    /// Whether a row of which `lost` (a squared distance) was lost is coded worse than the codebook means it to be.
    [[nodiscard]] virtual bool misfit(float lost) const noexcept = 0;
    [[nodiscard]] virtual std::vector<std::byte> save() const = 0;
};

template <Metric M, QuantizerFor<M> Q>
class QuantizerCodec final : public FieldCodec {
public:
    explicit QuantizerCodec(Q quantizer) : quantizer_(std::move(quantizer)) {}

    [[nodiscard]] std::size_t code_size() const noexcept override { return quantizer_.code_size(); }
    [[nodiscard]] std::size_t room_floats() const noexcept override {
        if constexpr (requires { quantizer_.room_floats(); }) {
            return quantizer_.room_floats();
        } else {
            return 0;
        }
    }
    void encode(VectorView vector, bool zero, std::span<std::byte> out,
                [[maybe_unused]] std::span<float> room) const noexcept override {
        if constexpr (requires { quantizer_.template encode_zero<M>(out); }) {
            if (zero) return quantizer_.template encode_zero<M>(out);
        }
        if constexpr (requires { quantizer_.template encode_for<M>(vector, out, room); }) {
            quantizer_.template encode_for<M>(vector, out, room);
        } else {
            quantizer_.encode(vector, out);
        }
    }
    [[nodiscard]] bool always_lossy() const noexcept override {
        if constexpr (requires { Q::lossy; }) {
            return Q::lossy;
        } else {
            return false;
        }
    }
    void decode(CodeView code, std::span<float> out) const noexcept override { quantizer_.decode(code, out); }
    [[nodiscard]] RowScorer bind(VectorView query, RowSource rows, QueryScratch& scratch) const override {
        return quantizer_.template bind<M>(query, rows, scratch);
    }
    [[nodiscard]] PairScorer between(RowSource rows, QueryScratch& scratch) const override {
        return quantizer_.template between<M>(rows, scratch);
    }
    [[nodiscard]] CodeTrust trust([[maybe_unused]] const RowScorer& bound) const noexcept override {
        if constexpr (requires { quantizer_.template trust<M>(bound); }) {
            return quantizer_.template trust<M>(bound);
        } else {
            return CodeTrust::estimate;
        }
    }
    [[nodiscard]] float lower_bound([[maybe_unused]] const RowScorer& bound, [[maybe_unused]] RowId row,
                                    [[maybe_unused]] float code_distance) const noexcept override {
        if constexpr (RowBoundedQuantizer<Q, M>) {
            return quantizer_.template lower_bound<M>(bound, row, code_distance);
        } else if constexpr (BoundedQuantizer<Q, M>) {
            return quantizer_.template lower_bound<M>(code_distance);
        } else {
            return std::numeric_limits<float>::lowest();
        }
    }
    [[nodiscard]] bool bounds_rows() const noexcept override { return RowBoundedQuantizer<Q, M>; }
    [[nodiscard]] bool misfit([[maybe_unused]] float lost) const noexcept override {
        if constexpr (requires { quantizer_.misfit(lost); }) {
            return quantizer_.misfit(lost);
        } else {
            return false;
        }
    }
    [[nodiscard]] std::vector<std::byte> save() const override { return quantizer_.save(); }

private:
    Q quantizer_;
};

/// Trains a quantizer and wraps it.
template <Metric M, QuantizerFor<M> Q>
[[nodiscard]] Result<std::unique_ptr<FieldCodec>> train_codec(MatrixView sample, const typename Q::Options& options,
                                                              const TrainContext& context) {
    SEXTANT_TRY_ASSIGN(Q quantizer, Q::train(sample, options, context));
    return std::unique_ptr<FieldCodec>(std::make_unique<QuantizerCodec<M, Q>>(std::move(quantizer)));
}

/// Loads what save() gave and wraps it. corruption when it is for vectors of another dimension: its codes, and the
/// queries it would read, would have other sizes.
template <Metric M, QuantizerFor<M> Q>
[[nodiscard]] Result<std::unique_ptr<FieldCodec>> load_codec(std::span<const std::byte> saved, std::size_t dimension) {
    SEXTANT_TRY_ASSIGN(Q quantizer, Q::load(saved));
    if (quantizer.dimension() != dimension) {
        return Error{ErrorCode::corruption, "codebook: dimension is " + std::to_string(quantizer.dimension()) +
                                                ", expected " + std::to_string(dimension)};
    }
    return std::unique_ptr<FieldCodec>(std::make_unique<QuantizerCodec<M, Q>>(std::move(quantizer)));
}

}  // namespace sextant::inline v1::detail
