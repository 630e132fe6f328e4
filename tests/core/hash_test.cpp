#include "sextant/core/hash.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <string>

#include "support/catch.hpp"

using sextant::hash64;

namespace {

/// The generator of xxHash's own self-test (xxhsum sanity buffer).
std::string sanity_buffer(std::size_t size) {
    std::uint64_t state = 2654435761U;
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) {
        bytes.push_back(static_cast<char>(state >> 56U));
        state *= 11400714785074694797ULL;
    }
    return bytes;
}

}  // namespace

TEST_CASE("hash64 is XXH3-64: the reference values of its self-test", "[core][hash]") {
    constexpr std::uint64_t seed = 0x9E3779B185EBCA8DULL;
    const std::string bytes = sanity_buffer(2367);
    const auto head = [&](std::size_t size) { return std::string_view(bytes).substr(0, size); };
    CHECK(hash64(head(0)) == 0x2D06800538D394C2ULL);
    CHECK(hash64(head(0), seed) == 0xA8A6B918B2F0364AULL);
    CHECK(hash64(head(1)) == 0xC44BDFF4074EECDBULL);
    CHECK(hash64(head(1), seed) == 0x032BE332DD766EF8ULL);
    CHECK(hash64(head(6)) == 0x27B56A84CD2D7325ULL);
    CHECK(hash64(head(12)) == 0xA713DAF0DFBB77E7ULL);
    CHECK(hash64(head(24)) == 0xA3FE70BF9D3510EBULL);
    CHECK(hash64(head(48)) == 0x397DA259ECBA1F11ULL);
    CHECK(hash64(head(80)) == 0xBCDEFBBB2C47C90AULL);
    CHECK(hash64(head(195)) == 0xCD94217EE362EC3AULL);
    CHECK(hash64(head(403)) == 0xCDEB804D65C6DEA4ULL);
    CHECK(hash64(head(2048)) == 0xDD59E2C3A5F038E0ULL);
    CHECK(hash64(head(2367)) == 0xCB37AEB9E5D361EDULL);
}

TEST_CASE("Bytes and text of the same content hash alike", "[core][hash]") {
    const std::array<std::byte, 3> bytes{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
    CHECK(hash64(bytes) == hash64("abc"));
    CHECK(hash64(bytes, 7) == hash64("abc", 7));
    CHECK(hash64(bytes, 7) != hash64("abc", 8));
}

TEST_CASE("Any changed bit of 64 bytes changes the hash", "[core][hash]") {
    std::string bytes = sanity_buffer(64);
    std::set<std::uint64_t> seen{hash64(bytes)};
    for (std::size_t bit = 0; bit < 512; ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        seen.insert(hash64(bytes));
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
    CHECK(seen.size() == 513);
}
