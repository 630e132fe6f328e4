/// payload_edit: changes of encoded payloads, bytes to bytes.
/// REQUIRES of all: valid payloads; `out` overlaps none of them and is replaced, also by an error (then it is empty).
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sextant/core/result.hpp"
#include "sextant/payload/payload_path.hpp"

namespace sextant::inline v1 {

/// Top-level keys of `patch` replace those of `base` or join them; nothing below the top level is merged.
[[nodiscard]] Result<void> set_payload_keys(std::span<const std::byte> base, std::span<const std::byte> patch,
                                            std::vector<std::byte>& out);

/// `replacement` alone.
[[nodiscard]] Result<void> overwrite_payload(std::span<const std::byte> base, std::span<const std::byte> replacement,
                                             std::vector<std::byte>& out);

/// Without what the paths yield, taken one path after the other: `a` removes the key a, `a.b` the key b inside a,
/// `a[0]` the first element (later ones move up), `a[]` all elements (an empty array stays), `a[].b` the key b of every
/// element. A path that yields nothing changes nothing.
[[nodiscard]] Result<void> delete_payload_keys(std::span<const std::byte> base, std::span<const PayloadPath> paths,
                                               std::vector<std::byte>& out);

/// The empty payload.
void clear_payload(std::vector<std::byte>& out) noexcept;

}  // namespace sextant::inline v1
