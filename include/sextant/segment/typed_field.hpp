/// TypedField: a vector field whose metric and quantizer are known: the one place where their types meet the segments.
/// Threads: immutable. Lifetime: rows it made may outlive it.
/// Cost: a user's translation unit compiles this class and QuantizerCodec; what they stand on is compiled in the
/// library, and for the shipped metrics and quantizers these are too. Bodies stand outside the class because a compiler
/// instantiates inline members where they are used even if the library has them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sextant/metric/cosine.hpp"
#include "sextant/metric/inner_product.hpp"
#include "sextant/metric/squared_l2.hpp"
#include "sextant/quantizer/no_quantizer.hpp"
#include "sextant/quantizer/product_quantizer.hpp"
#include "sextant/quantizer/rabitq_quantizer.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"
#include "sextant/segment/field_base.hpp"

namespace sextant::inline v1 {

template <Metric M, QuantizerFor<M> Q>
class TypedField final : public detail::FieldBase {
public:
    /// REQUIRES: 1 ≤ dimension ≤ limits::max_dimension; params and options are valid.
    explicit TypedField(std::size_t dimension, const HnswParams& params = {}, typename Q::Options options = {},
                        RawPrecision raw = RawPrecision::F32);

    [[nodiscard]] MetricId metric() const noexcept override { return M::id; }
    [[nodiscard]] QuantizerId quantizer() const noexcept override { return Q::id; }
    [[nodiscard]] float to_score(float distance) const noexcept override { return M::to_score(distance); }
    [[nodiscard]] float from_score(float score) const noexcept override { return M::from_score(score); }

private:
    static constexpr bool identity = IdentityQuantizer<Q>;

    [[nodiscard]] static Result<std::unique_ptr<detail::FieldCodec>> train_head(MatrixView sample,
                                                                                const TrainContext& context);
    [[nodiscard]] static detail::CodecTrainer head_trainer() noexcept;
    [[nodiscard]] Result<std::unique_ptr<detail::FieldCodec>> train(MatrixView sample,
                                                                    const TrainContext& context) const override;
    [[nodiscard]] Result<std::unique_ptr<detail::FieldCodec>> load_codec(
        std::span<const std::byte> saved) const override;
    [[nodiscard]] bool has_codes() const noexcept override { return !identity; }
    [[nodiscard]] std::size_t sample_rows() const noexcept override;
    [[nodiscard]] std::size_t code_size() const noexcept override;
    [[nodiscard]] bool links_by_codes() const noexcept override;

    typename Q::Options options_;
};

template <Metric M, QuantizerFor<M> Q>
TypedField<M, Q>::TypedField(std::size_t dimension, const HnswParams& params, typename Q::Options options,
                             RawPrecision raw)
    : FieldBase({metric_traits<M>(), dimension, params, raw}, head_trainer()), options_(std::move(options)) {}

template <Metric M, QuantizerFor<M> Q>
Result<std::unique_ptr<detail::FieldCodec>> TypedField<M, Q>::train_head(MatrixView sample,
                                                                         const TrainContext& context) {
    SEXTANT_TRY_ASSIGN(ScalarQuantizer quantizer, ScalarQuantizer::train8(sample, context));
    return std::unique_ptr<detail::FieldCodec>(
        std::make_unique<detail::QuantizerCodec<M, ScalarQuantizer>>(std::move(quantizer)));
}

/// A metric of its own arithmetic would decode each row of codes before it compares: slower than floats.
template <Metric M, QuantizerFor<M> Q>
detail::CodecTrainer TypedField<M, Q>::head_trainer() noexcept {
    return metric_traits<M>().geometry == Geometry::other ? nullptr : &train_head;
}

template <Metric M, QuantizerFor<M> Q>
Result<std::unique_ptr<detail::FieldCodec>> TypedField<M, Q>::train(MatrixView sample,
                                                                    const TrainContext& context) const {
    if constexpr (identity) {
        return std::unique_ptr<detail::FieldCodec>();
    } else {
        return detail::train_codec<M, Q>(sample, options_, context);
    }
}

template <Metric M, QuantizerFor<M> Q>
Result<std::unique_ptr<detail::FieldCodec>> TypedField<M, Q>::load_codec(
    [[maybe_unused]] std::span<const std::byte> saved) const {
    if constexpr (identity) {
        return std::unique_ptr<detail::FieldCodec>();
    } else {
        return detail::load_codec<M, Q>(saved, dimension());
    }
}

template <Metric M, QuantizerFor<M> Q>
std::size_t TypedField<M, Q>::sample_rows() const noexcept {
    if constexpr (requires { Q::sample_rows; }) {
        return Q::sample_rows;
    } else {
        return 65'536;
    }
}

template <Metric M, QuantizerFor<M> Q>
std::size_t TypedField<M, Q>::code_size() const noexcept {
    if constexpr (identity) {
        return 0;
    } else if constexpr (requires { Q::code_size_for(dimension(), options_); }) {
        return Q::code_size_for(dimension(), options_);
    } else {
        // The smallest training there is tells the size: one vector of zeros.
        const std::vector<float> zeros(dimension());
        auto quantizer = Q::train({zeros.data(), 1, dimension(), dimension()}, options_, {});
        return quantizer ? quantizer->code_size() : dimension() * sizeof(float);
    }
}

template <Metric M, QuantizerFor<M> Q>
bool TypedField<M, Q>::links_by_codes() const noexcept {
    if constexpr (requires { Q::links_well(std::size_t{1}, std::size_t{1}); }) {
        return Q::links_well(code_size(), dimension());
    } else {
        return true;
    }
}

extern template class TypedField<SquaredL2, NoQuantizer>;
extern template class TypedField<InnerProduct, NoQuantizer>;
extern template class TypedField<Cosine, NoQuantizer>;
extern template class TypedField<SquaredL2, ScalarQuantizer>;
extern template class TypedField<InnerProduct, ScalarQuantizer>;
extern template class TypedField<Cosine, ScalarQuantizer>;
extern template class TypedField<SquaredL2, ProductQuantizer>;
extern template class TypedField<InnerProduct, ProductQuantizer>;
extern template class TypedField<Cosine, ProductQuantizer>;
extern template class TypedField<SquaredL2, RabitqQuantizer>;
extern template class TypedField<InnerProduct, RabitqQuantizer>;
extern template class TypedField<Cosine, RabitqQuantizer>;

}  // namespace sextant::inline v1
