/// journal: effects to log frames and back.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "effects.hpp"
#include "sextant/core/result.hpp"
#include "sextant/format/wal_frame.hpp"
#include "sextant/wal/wal_writer.hpp"

namespace sextant::inline v1::detail {

/// Writes one frame; `room` is where it is made. REQUIRES: the effects have consecutive versions; there is one.
[[nodiscard]] Result<void> log_effects(const ResolvedEffects& resolved, std::vector<std::byte>& room, WalWriter& log);

/// What of a frame is still to be done to `version`, whose segments hold every effect up to `flushed` and may hold any
/// later one: an effect on a point that has been written since does nothing. Views go into the frame.
[[nodiscard]] Result<void> replay_effects(const format::WalFrame& frame, const Version& version, std::uint64_t flushed,
                                          std::size_t dimension, std::string_view path, std::uint64_t position,
                                          ResolvedEffects& out);

/// That each effect of a frame keeps its rules, its payload too.
[[nodiscard]] Result<void> check_effects(const format::WalFrame& frame, std::size_t dimension, std::string_view path,
                                         std::uint64_t position);

}  // namespace sextant::inline v1::detail
