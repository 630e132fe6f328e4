/// archetypes: the least that satisfies each concept, and nothing more. An algorithm that compiles with an archetype asks
/// for no more than its concept says; a concept that refuses one says more than it should.
/// Threads: as the concepts ask. Lifetime: values.
/// Why in the library: whoever writes a metric or quantizer of their own finds here the shortest one that is accepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sextant/concepts/index.hpp"
#include "sextant/concepts/metric.hpp"
#include "sextant/concepts/quantizer.hpp"
#include "sextant/concepts/row_scorer.hpp"
#include "sextant/concepts/storage.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1::archetype {

/// Metric: all vectors are equally near.
struct Metric {
    static constexpr MetricId id = MetricId::user;
    static constexpr std::string_view name = "archetype";
    static constexpr bool unit_length = false;
    static constexpr Geometry geometry = Geometry::other;
    static constexpr bool similarity = false;
    static constexpr DistanceFn distance_fn() noexcept {
        return [](const float*, const float*, std::size_t) noexcept { return 0.0F; };
    }
    static constexpr float to_score(float distance) noexcept { return distance; }
    static constexpr float from_score(float score) noexcept { return score; }
};

/// RowScorer: every row lies at its own number.
[[nodiscard]] inline RowScorer row_scorer() noexcept {
    const auto score = [](const void*, const RowId* rows, std::size_t count, float* out) noexcept {
        for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(to_index(rows[i]));
    };
    const auto range = [](const void*, RowId first, std::size_t count, float* out) noexcept {
        for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(to_index(first) + i);
    };
    return {nullptr, score, range, [](const void*, RowId) noexcept {}};
}

/// PairScorer: rows are points on a line, at their own numbers.
[[nodiscard]] inline PairScorer pair_scorer(QueryScratch& scratch) {
    const auto bind = [](void* state, RowId from) noexcept { *static_cast<RowId*>(state) = from; };
    const auto score = [](const void* state, const RowId* rows, std::size_t count, float* out) noexcept {
        const auto from = static_cast<float>(to_index(*static_cast<const RowId*>(state)));
        for (std::size_t i = 0; i < count; ++i) {
            const float apart = static_cast<float>(to_index(rows[i])) - from;
            out[i] = apart < 0 ? -apart : apart;
        }
    };
    return {scratch.make(RowId{0}), bind, score, [](const void*, RowId) noexcept {}};
}

/// Quantizer: keeps nothing of a vector.
struct Quantizer {
    struct Options {
        [[nodiscard]] Result<void> validate() const { return {}; }
    };
    static constexpr QuantizerId id = QuantizerId::user;
    static constexpr std::string_view name = "archetype";

    [[nodiscard]] static Result<Quantizer> train(MatrixView /*sample*/, const Options& /*options*/,
                                                 const TrainContext& /*context*/) {
        return Quantizer{};
    }
    [[nodiscard]] static Result<Quantizer> load(std::span<const std::byte> /*saved*/) { return Quantizer{}; }
    [[nodiscard]] std::vector<std::byte> save() const { return {}; }
    [[nodiscard]] std::size_t dimension() const noexcept { return 0; }
    [[nodiscard]] std::size_t code_size() const noexcept { return 0; }
    void encode(VectorView /*vector*/, std::span<std::byte> /*code*/) const noexcept {}
    void decode(CodeView /*code*/, std::span<float> /*vector*/) const noexcept {}

    template <class M>
    [[nodiscard]] RowScorer bind(VectorView /*query*/, RowSource /*rows*/, QueryScratch& /*scratch*/) const {
        return row_scorer();
    }
    template <class M>
    [[nodiscard]] PairScorer between(RowSource /*rows*/, QueryScratch& scratch) const {
        return pair_scorer(scratch);
    }
};

/// Storage: a policy and no more.
struct Storage {
    static constexpr std::string_view name = "archetype";
    static constexpr bool durable = false;
    static constexpr Residency residency = Residency::resident;
};

/// Index: finds nothing.
struct Index {
    struct Scratch {};
    [[nodiscard]] std::size_t search(const RowScorer& /*scorer*/, const RowFilter& /*filter*/,
                                     const SearchParams& /*params*/, Scratch& /*scratch*/, std::span<Neighbor> /*out*/,
                                     SearchCounters& /*counters*/) const noexcept {
        return 0;
    }
};

static_assert(sextant::v1::Metric<Metric>);
static_assert(sextant::v1::Quantizer<Quantizer>);
static_assert(sextant::v1::QuantizerFor<Quantizer, Metric>);
static_assert(sextant::v1::Storage<Storage>);
static_assert(sextant::v1::Index<Index>);

}  // namespace sextant::inline v1::archetype
