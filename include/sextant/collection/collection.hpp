/// Collection: points (id, vector, JSON payload) and the nearest of them to a query, under a filter.
///   using Photos = sx::Collection<sx::Cosine, sx::MemoryStorage, sx::ScalarQuantizer>;
///   Photos photos = Photos::open({.dimension = 768}).value();                    // MemoryStorage: volatile
///   Archive archive = Archive::open("archive.sxt", {.dimension = 768}).value();  // MappedStorage: a directory
/// M says what near means, S where rows live, Q how sealed rows are compressed. All calls are CollectionHandle's.
/// Threads: thread-safe; moving and destroying need to be alone.
/// Lifetime: as of open(); the destructor closes and never throws.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sextant/collection/collection_handle.hpp"
#include "sextant/collection/collection_options.hpp"
#include "sextant/collection/open_options.hpp"
#include "sextant/concepts/metric.hpp"
#include "sextant/concepts/quantizer.hpp"
#include "sextant/concepts/storage.hpp"
#include "sextant/quantizer/no_quantizer.hpp"
#include "sextant/segment/typed_field.hpp"
#include "sextant/storage/mapped_storage.hpp"
#include "sextant/storage/memory_storage.hpp"

namespace sextant::inline v1 {

template <Metric M, Storage S = MemoryStorage, QuantizerFor<M> Q = NoQuantizer>
class Collection final : public CollectionHandle {
public:
    using Options = CollectionOptions<typename Q::Options>;

    /// A new, empty collection in memory. The error names the option.
    [[nodiscard]] static Result<Collection> open(const Options& options,
                                                 const OpenOptions& open_options = {}) requires(!S::durable);

    /// The collection in the directory `path`: created, or recovered and checked. Options left out are those it was
    /// created with, or the defaults of a new one; one that disagrees is an error that names it, as is damage.
    /// One process at a time has it open (busy otherwise).
    [[nodiscard]] static Result<Collection> open(const std::string& path, const Options& options = {},
                                                 const OpenOptions& open_options = {}) requires(S::durable);

    /// What memory `points` points without payloads will take, within a few percent, before any of it is taken.
    [[nodiscard]] static Result<MemoryEstimate> estimate(std::uint64_t points, const Options& options);

    /// Changes how sealed points are compressed: to other options of Q, or to another quantizer. All points become one
    /// sealed segment of new codes, in the background; until it is whole, and in a directory durable, the old codes serve.
    /// Searches and writes go on. Cancelled, failed or cut off by a crash it leaves the collection as it was. After another
    /// quantizer this object goes on to serve, and the directory is opened as a collection of that quantizer from then on.
    /// invalid_argument names the option. Cost: as optimize(), and memory, or disk, for both.
    template <QuantizerFor<M> To = Q>
    [[nodiscard]] Result<Task> start_requantize(const typename To::Options& options);
    /// The same, until it is done.
    template <QuantizerFor<M> To = Q>
    [[nodiscard]] Result<void> requantize(const typename To::Options& options) {
        SEXTANT_TRY_ASSIGN(const Task task, start_requantize<To>(options));
        return task.wait();
    }

private:
    explicit Collection(std::unique_ptr<detail::CollectionCore> core) noexcept : CollectionHandle(std::move(core)) {}

    static detail::WantedOptions wanted(const Options& options);
    static Result<detail::CoreOptions> checked(const Options& options);
    static detail::CoreOptions core_options(const Options& resolved);
    /// REQUIRES: checked(options).
    static std::unique_ptr<VectorField> make_field(const Options& options);
};

template <Metric M, Storage S, QuantizerFor<M> Q>
Result<Collection<M, S, Q>> Collection<M, S, Q>::open(const Options& options,
                                                      const OpenOptions& open_options) requires(!S::durable) {
    SEXTANT_TRY_ASSIGN(const detail::CoreOptions core_options, checked(options));
    std::vector<std::unique_ptr<VectorField>> fields;
    fields.push_back(make_field(options));
    SEXTANT_TRY_ASSIGN(auto core, detail::CollectionCore::create(core_options, open_options, std::move(fields)));
    return Collection(std::move(core));
}

template <Metric M, Storage S, QuantizerFor<M> Q>
Result<Collection<M, S, Q>> Collection<M, S, Q>::open(const std::string& path, const Options& options,
                                                      const OpenOptions& open_options) requires(S::durable) {
    static_assert(StorableOptions<typename Q::Options>, "a durable collection stores its quantizer's options");
    SEXTANT_TRY(options.validate());
    const auto make = [](const detail::CoreOptions& core,
                         std::span<const std::byte> saved) -> Result<std::vector<std::unique_ptr<VectorField>>> {
        typename Q::Options quantizer;
        if constexpr (!std::is_empty_v<typename Q::Options>) {
            SEXTANT_TRY_ASSIGN(quantizer, Q::Options::load(saved));
        } else if (!saved.empty()) {
            return Error{ErrorCode::corruption, "the stored options are not those of this quantizer"};
        }
        SEXTANT_TRY(detail::validate_quantizer(quantizer, core.dimension));
        std::vector<std::unique_ptr<VectorField>> fields;
        fields.push_back(std::make_unique<TypedField<M, Q>>(core.dimension, core.index, quantizer, core.raw));
        return fields;
    };
    SEXTANT_TRY_ASSIGN(auto core, detail::CollectionCore::open(path, wanted(options), open_options, make));
    return Collection(std::move(core));
}

template <Metric M, Storage S, QuantizerFor<M> Q>
detail::WantedOptions Collection<M, S, Q>::wanted(const Options& options) {
    detail::WantedOptions all{.dimension = options.dimension,
                              .index = options.index,
                              .durability = options.durability,
                              .deterministic = options.deterministic,
                              .raw = options.raw,
                              .metric = M::id,
                              .quantizer = Q::id,
                              .residency = S::residency};
    if constexpr (!std::is_empty_v<typename Q::Options>) {
        all.default_quantizer_options = typename Q::Options{}.save();
        auto given = options.quantizer.save();
        if (given != all.default_quantizer_options) all.quantizer_options = std::move(given);
    }
    // 1/32 and 1/64 of the size of floats.
    if constexpr (requires(typename Q::Options codes) { codes.subvectors; }) {
        for (const std::size_t floats : {std::size_t{8}, std::size_t{16}}) {
            if (options.dimension.value_or(0) < 2 * floats) break;
            typename Q::Options codes;
            codes.subvectors = static_cast<std::uint32_t>(*options.dimension / floats);
            all.shorter_quantizer_options.push_back(codes.save());
        }
    }
    return all;
}

template <Metric M, Storage S, QuantizerFor<M> Q>
Result<MemoryEstimate> Collection<M, S, Q>::estimate(std::uint64_t points, const Options& options) {
    SEXTANT_TRY_ASSIGN(const detail::CoreOptions core_options, checked(options));
    return detail::CollectionCore::estimate(points, core_options, *make_field(options));
}

template <Metric M, Storage S, QuantizerFor<M> Q>
Result<detail::CoreOptions> Collection<M, S, Q>::checked(const Options& options) {
    if (!options.dimension.has_value()) {
        return invalid_argument("options.dimension: not given, and a new collection needs it");
    }
    SEXTANT_TRY(options.validate());
    return core_options(options.resolved(S::durable));
}

template <Metric M, Storage S, QuantizerFor<M> Q>
detail::CoreOptions Collection<M, S, Q>::core_options(const Options& resolved) {
    return {.dimension = *resolved.dimension,
            .index = {.m = *resolved.index.m,
                      .ef_construction = *resolved.index.ef_construction,
                      .seed = *resolved.index.seed},
            .durability = *resolved.durability,
            .deterministic = *resolved.deterministic,
            .raw = *resolved.raw};
}

template <Metric M, Storage S, QuantizerFor<M> Q>
std::unique_ptr<VectorField> Collection<M, S, Q>::make_field(const Options& options) {
    const Options resolved = options.resolved(S::durable);
    return std::make_unique<TypedField<M, Q>>(*resolved.dimension, core_options(resolved).index, resolved.quantizer,
                                              *resolved.raw);
}

template <Metric M, Storage S, QuantizerFor<M> Q>
template <QuantizerFor<M> To>
Result<Task> Collection<M, S, Q>::start_requantize(const typename To::Options& options) {
    static_assert(!S::durable || StorableOptions<typename To::Options>,
                  "a durable collection stores its quantizer's options");
    const detail::CoreOptions& core = this->core().options();
    SEXTANT_TRY(detail::validate_quantizer(options, core.dimension));
    auto field = std::make_unique<TypedField<M, To>>(core.dimension, core.index, options, core.raw);
    std::vector<std::byte> saved;
    if constexpr (StorableOptions<typename To::Options> && !std::is_empty_v<typename To::Options>)
        saved = options.save();
    return this->core().start_requantize(std::move(field), std::move(saved));
}

// The shipped ones are compiled in the library.
extern template class Collection<SquaredL2, MemoryStorage, NoQuantizer>;
extern template class Collection<InnerProduct, MemoryStorage, NoQuantizer>;
extern template class Collection<Cosine, MemoryStorage, NoQuantizer>;
extern template class Collection<SquaredL2, MemoryStorage, ScalarQuantizer>;
extern template class Collection<InnerProduct, MemoryStorage, ScalarQuantizer>;
extern template class Collection<Cosine, MemoryStorage, ScalarQuantizer>;
extern template class Collection<SquaredL2, MappedStorage, NoQuantizer>;
extern template class Collection<InnerProduct, MappedStorage, NoQuantizer>;
extern template class Collection<Cosine, MappedStorage, NoQuantizer>;
extern template class Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
extern template class Collection<InnerProduct, MappedStorage, ScalarQuantizer>;
extern template class Collection<Cosine, MappedStorage, ScalarQuantizer>;
extern template class Collection<SquaredL2, MemoryStorage, ProductQuantizer>;
extern template class Collection<InnerProduct, MemoryStorage, ProductQuantizer>;
extern template class Collection<Cosine, MemoryStorage, ProductQuantizer>;
extern template class Collection<SquaredL2, MappedStorage, ProductQuantizer>;
extern template class Collection<InnerProduct, MappedStorage, ProductQuantizer>;
extern template class Collection<Cosine, MappedStorage, ProductQuantizer>;
extern template class Collection<SquaredL2, MemoryStorage, RabitqQuantizer>;
extern template class Collection<InnerProduct, MemoryStorage, RabitqQuantizer>;
extern template class Collection<Cosine, MemoryStorage, RabitqQuantizer>;
extern template class Collection<SquaredL2, MappedStorage, RabitqQuantizer>;
extern template class Collection<InnerProduct, MappedStorage, RabitqQuantizer>;
extern template class Collection<Cosine, MappedStorage, RabitqQuantizer>;

}  // namespace sextant::inline v1
