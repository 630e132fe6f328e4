/// WantedOptions: what a program says a durable collection should be, with what it left out left out.
/// Threads: a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sextant/collection/collection_options.hpp"
#include "sextant/concepts/storage.hpp"
#include "sextant/core/function_ref.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1 {

class VectorField;

namespace detail {

struct WantedOptions {
    std::optional<std::size_t> dimension = {};
    IndexOptions index = {};
    std::optional<Durability> durability = {};
    std::optional<bool> deterministic = {};
    std::optional<RawPrecision> raw = {};
    MetricId metric = MetricId::squared_l2;
    QuantizerId quantizer = QuantizerId::none;
    std::optional<std::vector<std::byte>> quantizer_options = {};  ///< encoded
    std::vector<std::byte> default_quantizer_options = {};         ///< for a new collection
    Residency residency = Residency::resident;
    /// For a new collection under a budget, the longest codes first.
    std::vector<std::vector<std::byte>> shorter_quantizer_options = {};
};

/// Makes the vector fields of a collection once its options are known.
using FieldMaker = FunctionRef<Result<std::vector<std::unique_ptr<VectorField>>>(
    const CoreOptions& options, std::span<const std::byte> quantizer_options)>;

}  // namespace detail
}  // namespace sextant::inline v1
