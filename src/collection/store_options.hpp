/// store_options: the options of a durable collection, between the program that names them and the manifest that keeps
/// them.
/// Threads: pure functions.
#pragma once

#include "sextant/collection/detail/wanted_options.hpp"
#include "sextant/core/result.hpp"
#include "sextant/format/manifest.hpp"

namespace sextant::inline v1::detail {

/// Of a new collection: what is wanted, and defaults for what was left out. invalid_argument names what is missing.
[[nodiscard]] Result<format::StoredOptions> new_options(const WantedOptions& wanted);
/// invalid_argument names the first option that disagrees; what was left out agrees with everything.
[[nodiscard]] Result<void> check_options(const WantedOptions& wanted, const format::StoredOptions& stored);
/// As the core of a collection takes them.
[[nodiscard]] CoreOptions core_options(const format::StoredOptions& stored) noexcept;

}  // namespace sextant::inline v1::detail
