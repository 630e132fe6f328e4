/// payload_limits: how large a path and the lists of a filter may be; the sizes of payloads and of filter trees stand
/// with the other limits in core/limits. Past one of these is an error that names it; nothing is cut short in silence.
/// Threads: immutable.
#pragma once

#include <cstddef>

#include "sextant/core/limits.hpp"

namespace sextant::inline v1::limits {

/// Bytes of the text of a path.
inline constexpr std::size_t max_payload_path_size = 4096;
/// Steps of a path: no value of a payload lies deeper, so a longer one could yield nothing.
inline constexpr std::size_t max_payload_path_steps = max_payload_depth;

/// Paths in one delete_payload_keys(): each is a walk through the payload and a copy of it.
inline constexpr std::size_t max_payload_paths = 1024;

/// Values in one list of a filter (any_of, except, has_id). At 40 bytes a string that is 40 MB, checked by binary search.
inline constexpr std::size_t max_filter_values = 1'000'000;

}  // namespace sextant::inline v1::limits
