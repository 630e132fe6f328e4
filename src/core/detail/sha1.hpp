/// sha1: the SHA-1 digest (FIPS 180-4, section 6.1), for name-based UUIDs alone: RFC 4122 demands it there.
/// Threads: a pure function.
/// Why not a library: sixty lines against a cryptography library in every program; nothing secret passes through.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sextant::inline v1::detail {

/// Digest of `first` followed by `second`.
[[nodiscard]] std::array<std::uint8_t, 20> sha1(std::span<const std::uint8_t> first, std::string_view second) noexcept;

}  // namespace sextant::inline v1::detail
