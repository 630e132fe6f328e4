/// Quantizer: a codec. It owns a codebook, never vectors; it does not know where codes lie.
/// Invariants: a trained quantizer is immutable and belongs to one segment.
/// Threads: immutable.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sextant/concepts/metric.hpp"
#include "sextant/concepts/row_scorer.hpp"
#include "sextant/core/executor.hpp"
#include "sextant/core/function_ref.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1 {

/// What training may use. Deterministic for a seed, whatever the executor.
struct TrainContext {
    std::uint64_t seed = 0;
    std::stop_token stop = {};
    Executor* executor = nullptr;                            ///< null: the calling thread alone
    const FunctionRef<void(double)>* progress = nullptr;     ///< not null: told the share done, from the calling thread
};

template <class Q>
concept Quantizer =
    std::movable<Q> && std::default_initializable<typename Q::Options> &&
    requires(const Q& q, MatrixView sample, const typename Q::Options& options, const TrainContext& context,
             VectorView vector, CodeView code, std::span<std::byte> code_out, std::span<float> vector_out,
             std::span<const std::byte> saved) {
        { Q::id } -> std::same_as<const QuantizerId&>;
        { Q::name } -> std::convertible_to<std::string_view>;
        /// The sample's rows have unit length where the metric asks for it. Never fails on ordinary finite data.
        { Q::train(sample, options, context) } -> std::same_as<Result<Q>>;
        { q.save() } -> std::same_as<std::vector<std::byte>>;
        { Q::load(saved) } -> std::same_as<Result<Q>>;
        { options.validate() } -> std::same_as<Result<void>>;
        { q.dimension() } noexcept -> std::same_as<std::size_t>;
        { q.code_size() } noexcept -> std::same_as<std::size_t>;  ///< bytes; a row's stride may be larger
        { q.encode(vector, code_out) } noexcept -> std::same_as<void>;
        { q.decode(code, vector_out) } noexcept -> std::same_as<void>;
    };

/// bind<M>: a query over rows of codes. between<M>: row against row, for building. Both borrow from the scratch.
template <class Q, class M>
concept QuantizerFor = Quantizer<Q> && Metric<M> &&
    requires(const Q& q, VectorView query, RowSource rows, QueryScratch& scratch) {
        { q.template bind<M>(query, rows, scratch) } -> std::same_as<RowScorer>;
        { q.template between<M>(rows, scratch) } -> std::same_as<PairScorer>;
    };

/// Options that can be stored with a collection. Options without any member need nothing.
template <class O>
concept StorableOptions = std::is_empty_v<O> || requires(const O& options, std::span<const std::byte> saved) {
    { options.save() } -> std::same_as<std::vector<std::byte>>;  ///< equal options give equal bytes
    { O::load(saved) } -> std::same_as<Result<O>>;
};

/// A quantizer whose codes are the raw floats: the segment keeps no second copy.
template <class Q>
concept IdentityQuantizer = Quantizer<Q> && requires { requires Q::identity; };

/// Optional: how far a code distance may lie from the true one, so that rescoring can stop early.
/// lower_bound<M>(code_distance) is a value the true distance stays above, but for a rate the docs state.
template <class Q, class M>
concept BoundedQuantizer = QuantizerFor<Q, M> && requires(const Q& q, float code_distance) {
    { q.template lower_bound<M>(code_distance) } noexcept -> std::same_as<float>;
};

/// The same, where it differs from row to row: `bound` is what bind<M>() gave, and the distance its own of `row`.
template <class Q, class M>
concept RowBoundedQuantizer = QuantizerFor<Q, M> && requires(const Q& q, const RowScorer& bound, RowId row, float code_distance) {
    { q.template lower_bound<M>(bound, row, code_distance) } noexcept -> std::same_as<float>;
};

}  // namespace sextant::inline v1
