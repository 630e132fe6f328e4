#include "sextant/collection/collection_options.hpp"

#include "core/format_text.hpp"
#include "sextant/core/limits.hpp"

namespace sextant::inline v1::detail {

Result<void> validate_options(const std::optional<std::size_t>& dimension, const IndexOptions& index,
                              const std::optional<RawPrecision>& raw) {
    if (dimension.has_value() && (*dimension == 0 || *dimension > limits::max_dimension)) {
        return invalid_argument(
            format_text("options.dimension: got {}, expected 1 to {}", *dimension, limits::max_dimension));
    }
    constexpr std::uint32_t least_m = 4;
    constexpr std::uint32_t most_m = 64;
    constexpr std::uint32_t most_ef = 4096;
    if (index.m.has_value() && (*index.m < least_m || *index.m > most_m)) {
        return invalid_argument(format_text("options.index.m: got {}, expected {} to {}", *index.m, least_m, most_m));
    }
    const HnswParams defaults;
    const std::uint32_t m = index.m.value_or(defaults.m);
    const std::uint32_t ef = index.ef_construction.value_or(defaults.ef_construction);
    if (ef < m || ef > most_ef) {
        return invalid_argument(
            format_text("options.index.ef_construction: got {}, expected options.index.m = {} to {}", ef, m, most_ef));
    }
    if (raw.has_value() && *raw != RawPrecision::F32 && *raw != RawPrecision::F16) {
        return invalid_argument(
            format_text("options.raw: got {}, expected F32 (1) or F16 (2)", static_cast<unsigned>(*raw)));
    }
    return {};
}

}  // namespace sextant::inline v1::detail
