#include "sextant/core/hash.hpp"

// Inlined: no symbol of xxHash leaves this file, so it cannot clash with the application's copy.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sextant::inline v1 {

std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace sextant::inline v1
