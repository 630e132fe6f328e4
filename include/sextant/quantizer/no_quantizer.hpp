/// NoQuantizer: the codec that changes nothing: a code is the raw floats, and a segment keeps no second copy.
/// Threads: immutable.
/// Cost: 4 bytes per dimension and scored row; distances are exact, so nothing is rescored.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/concepts/quantizer.hpp"
#include "sextant/quantizer/code_trust.hpp"
#include "sextant/quantizer/float_scorer.hpp"
#include "sextant/quantizer/metric_traits.hpp"

namespace sextant::inline v1 {

class NoQuantizer {
public:
    static constexpr QuantizerId id = QuantizerId::none;
    static constexpr std::string_view name = "none";
    static constexpr bool identity = true;

    struct Options {
        [[nodiscard]] Result<void> validate() const { return {}; }
        friend bool operator==(const Options&, const Options&) = default;
    };

    /// Learns the dimension, nothing else.
    [[nodiscard]] static Result<NoQuantizer> train(MatrixView sample, const Options& options,
                                                   const TrainContext& context);
    /// Format: docs/format/codebook.md.
    [[nodiscard]] std::vector<std::byte> save() const;
    [[nodiscard]] static Result<NoQuantizer> load(std::span<const std::byte> saved);

    [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
    [[nodiscard]] std::size_t code_size() const noexcept { return dimension_ * sizeof(float); }
    void encode(VectorView vector, std::span<std::byte> out) const noexcept;
    void decode(CodeView code, std::span<float> out) const noexcept;

    /// Rows as they were given, with their inverse norms where the metric has unit_length.
    template <Metric M>
    [[nodiscard]] RowScorer bind(VectorView query, RowSource rows, QueryScratch& scratch) const {
        return detail::bind_floats(metric_traits<M>(), query, rows, scratch);
    }
    template <Metric M>
    [[nodiscard]] PairScorer between(RowSource rows, QueryScratch& scratch) const {
        return detail::pair_floats(metric_traits<M>(), dimension_, rows, scratch);
    }
    template <Metric M>
    [[nodiscard]] CodeTrust trust(const RowScorer&) const noexcept {
        return CodeTrust::exact;
    }

private:
    explicit NoQuantizer(std::size_t dimension) noexcept : dimension_(dimension) {}

    std::size_t dimension_ = 0;
};

static_assert(IdentityQuantizer<NoQuantizer>);

}  // namespace sextant::inline v1
