/// CollectionOptions: what a collection is. Persisted with it; every option is optional, so that "left out" can be told
/// from "said": left out means the default when a collection is created and the stored value when one is opened. Options
/// of the quantizer are left out where they are what they are without being set.
/// Threads: a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"
#include "sextant/index/hnsw/hnsw_params.hpp"

namespace sextant::inline v1 {

/// What an acknowledged write survives. Has no effect beyond `None` on a collection in memory, where asking for more is
/// an error.
enum class Durability : std::uint8_t {
    None = 0,  ///< nothing but the end of the call
    Os = 1,    ///< the end of the process
    Sync = 2,  ///< loss of power, on a disk that honours flush
};

/// The graph. Who cares about recall or memory more than about either's default changes these; most do not.
struct IndexOptions {
    /// Links per row; the lowest level has twice as many. 4 .. 64, default 16: 32 links, 128 bytes a row.
    std::optional<std::uint32_t> m = {};
    /// Candidates looked at to place a row: more is slower to build and better connected. m .. 4,096, default 64: sealed
    /// graphs are refined after linking, which finds more than 200 without refining do (docs/internals/hnsw.md).
    std::optional<std::uint32_t> ef_construction = {};
    /// Levels are drawn from it and the point's id. Any number, default 0.
    std::optional<std::uint64_t> seed = {};

    friend bool operator==(const IndexOptions&, const IndexOptions&) = default;
};

namespace detail {
/// The same for every quantizer: what CollectionCore is created with.
struct CoreOptions {
    std::size_t dimension = 0;
    HnswParams index = {};
    Durability durability = Durability::None;
    bool deterministic = false;
    RawPrecision raw = RawPrecision::F32;
};
[[nodiscard]] Result<void> validate_options(const std::optional<std::size_t>& dimension, const IndexOptions& index,
                                            const std::optional<RawPrecision>& raw);
/// What the quantizer says of its options, and of how they go with the dimension where it has an opinion on that.
template <class QuantizerOptions>
[[nodiscard]] Result<void> validate_quantizer(const QuantizerOptions& options,
                                              const std::optional<std::size_t>& dimension) {
    SEXTANT_TRY(options.validate());
    if constexpr (requires { options.validate_for(std::size_t{1}); }) {
        if (dimension.has_value()) return options.validate_for(*dimension);
    }
    return {};
}
}  // namespace detail

template <class QuantizerOptions>
struct CollectionOptions {
    // Behaviour
    /// Floats per vector, 1 .. limits::max_dimension. No default: a collection cannot be created without.
    std::optional<std::size_t> dimension = {};
    // Performance
    IndexOptions index = {};
    /// How sealed rows are compressed; the fields are the quantizer's own.
    QuantizerOptions quantizer = {};
    // Behaviour
    /// Default: Sync where the storage is durable, None in memory.
    std::optional<Durability> durability = {};
    /// The same calls give the same bytes, whatever the number of threads: background work then runs inside the calls
    /// that cause it, at moments the data decide, and only its inner loops are spread over threads. Default false.
    std::optional<bool> deterministic = {};
    /// What vectors are kept as: F32, as given, 4 bytes a component; F16, half floats, 2 bytes. Default F32.
    /// Under F16 a write rounds each component to the nearest half, of two the even one: within 1/2048 of it, or 2^-25 where
    /// it is below 2^-14. From then on the rounded vector is the vector: distances are its own, exact search is exact for it,
    /// and reading gives it, bit for bit, before and after it is sealed. A write with a component of 65,520 or more in size
    /// is refused: invalid_argument, none of its batch is written. Queries are not rounded. Saves half of the memory, or of
    /// the file, that vectors take once they are sealed; growing segments and the log hold floats. Not for who must get back
    /// what was given. Under cosine, a vector of components below 2^-25 becomes the zero vector. A collection cannot be
    /// changed from one to the other.
    std::optional<RawPrecision> raw = {};

    /// invalid_argument naming the field, what was got and what is allowed. Checks what is given; see resolved().
    [[nodiscard]] Result<void> validate() const {
        SEXTANT_TRY(detail::validate_options(dimension, index, raw));
        return detail::validate_quantizer(quantizer, dimension);
    }

    /// The same with every field set. REQUIRES: validate().
    [[nodiscard]] CollectionOptions resolved(bool durable = false) const {
        const HnswParams defaults;
        CollectionOptions all = *this;
        all.index.m = index.m.value_or(defaults.m);
        all.index.ef_construction = index.ef_construction.value_or(defaults.ef_construction);
        all.index.seed = index.seed.value_or(defaults.seed);
        all.durability = durability.value_or(durable ? Durability::Sync : Durability::None);
        all.deterministic = deterministic.value_or(false);
        all.raw = raw.value_or(RawPrecision::F32);
        return all;
    }
};

}  // namespace sextant::inline v1
