// What is wanted of a durable collection against what is stored.
#include "store_options.hpp"

#include <string_view>

#include "core/format_text.hpp"

namespace sextant::inline v1::detail {
namespace {

template <class T, class U>
Result<void> agree(std::string_view option, const std::optional<T>& wanted, const U& stored) {
    if (!wanted.has_value() || static_cast<std::uint64_t>(*wanted) == static_cast<std::uint64_t>(stored)) return {};
    return invalid_argument(format_text("{}: got {}, the collection was created with {}", option,
                                        static_cast<std::uint64_t>(*wanted), static_cast<std::uint64_t>(stored)));
}

std::string name_of(MetricId metric) {
    switch (metric) {
        case MetricId::squared_l2: return "squared L2";
        case MetricId::inner_product: return "inner product";
        case MetricId::cosine: return "cosine";
        case MetricId::user: break;
    }
    return format_text("metric {:#x}", static_cast<unsigned>(metric));
}

std::string name_of(QuantizerId quantizer) {
    switch (quantizer) {
        case QuantizerId::none: return "none";
        case QuantizerId::scalar8: return "scalar";
        case QuantizerId::product: return "product";
        case QuantizerId::rabitq: return "rabitq";
        case QuantizerId::user: break;
    }
    return format_text("quantizer {:#x}", static_cast<unsigned>(quantizer));
}

std::string_view name_of(RawPrecision raw) noexcept { return raw == RawPrecision::F16 ? "F16" : "F32"; }

}  // namespace

Result<format::StoredOptions> new_options(const WantedOptions& wanted) {
    if (!wanted.dimension.has_value()) {
        return invalid_argument("options.dimension: not given, and a new collection needs it");
    }
    const HnswParams defaults;
    format::StoredOptions stored;
    stored.dimension = *wanted.dimension;
    stored.metric = wanted.metric;
    stored.quantizer = wanted.quantizer;
    stored.quantizer_options = wanted.quantizer_options.value_or(wanted.default_quantizer_options);
    stored.m = wanted.index.m.value_or(defaults.m);
    stored.ef_construction = wanted.index.ef_construction.value_or(defaults.ef_construction);
    stored.seed = wanted.index.seed.value_or(defaults.seed);
    stored.durability = static_cast<std::uint8_t>(wanted.durability.value_or(Durability::Sync));
    stored.deterministic = wanted.deterministic.value_or(false);
    stored.raw = wanted.raw.value_or(RawPrecision::F32);
    if (stored.quantizer_options.size() > format::max_quantizer_options) {
        return invalid_argument(format_text("options.quantizer: {} bytes when stored, at most {} are",
                                            stored.quantizer_options.size(), format::max_quantizer_options));
    }
    return stored;
}

Result<void> check_options(const WantedOptions& wanted, const format::StoredOptions& stored) {
    if (wanted.metric != stored.metric) {
        return invalid_argument(format_text("metric: got {}, the collection was created with {}",
                                            name_of(wanted.metric), name_of(stored.metric)));
    }
    if (wanted.quantizer != stored.quantizer) {
        return invalid_argument(format_text("quantizer: got {}, the collection was created with {}",
                                            name_of(wanted.quantizer), name_of(stored.quantizer)));
    }
    SEXTANT_TRY(agree("options.dimension", wanted.dimension, stored.dimension));
    SEXTANT_TRY(agree("options.index.m", wanted.index.m, stored.m));
    SEXTANT_TRY(agree("options.index.ef_construction", wanted.index.ef_construction, stored.ef_construction));
    SEXTANT_TRY(agree("options.index.seed", wanted.index.seed, stored.seed));
    SEXTANT_TRY(agree("options.durability", wanted.durability, stored.durability));
    SEXTANT_TRY(agree("options.deterministic", wanted.deterministic, stored.deterministic));
    if (wanted.raw.value_or(stored.raw) != stored.raw) {
        return invalid_argument(format_text("options.raw: got {}, the collection was created with {}",
                                            name_of(*wanted.raw), name_of(stored.raw)));
    }
    if (wanted.quantizer_options.has_value() && *wanted.quantizer_options != stored.quantizer_options) {
        return invalid_argument("options.quantizer: differs from what the collection was created with");
    }
    return {};
}

CoreOptions core_options(const format::StoredOptions& stored) noexcept {
    return {.dimension = static_cast<std::size_t>(stored.dimension),
            .index = {.m = stored.m, .ef_construction = stored.ef_construction, .seed = stored.seed},
            .durability = Durability{stored.durability},
            .deterministic = stored.deterministic,
            .raw = stored.raw};
}

}  // namespace sextant::inline v1::detail
