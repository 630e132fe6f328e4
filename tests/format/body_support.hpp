/// body_support: what the tests of files with one body share: a file's identity, checksums made right again, and the
/// damage that each of them must find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "sextant/format/sealed_body.hpp"
#include "support/catch.hpp"

namespace test_support {

/// Of the collection 00 01 … 0f.
inline sextant::format::FileIdentity named(sextant::format::FileKind kind, std::uint64_t number) {
    sextant::format::FileIdentity identity;
    for (std::size_t i = 0; i < identity.collection.size(); ++i) identity.collection[i] = static_cast<std::byte>(i);
    identity.kind = kind;
    identity.number = number;
    return identity;
}

/// Makes size and checksum of the body right after a test changed it; the header too, with this sequence.
inline void reseal(std::vector<std::byte>& bytes, const sextant::format::FileHeader& header) {
    const std::vector<std::byte> body(bytes.begin() + sextant::format::body_offset, bytes.end());
    bytes = sextant::format::seal_body(header, body);
}

/// `read` says whether it took the bytes; it must take none of these.
template <class Read>
void refuses_damage(const std::vector<std::byte>& whole, const Read& read) {
    REQUIRE(read(std::span<const std::byte>(whole)));
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto bytes = whole;
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        INFO("bit " << bit);
        CHECK_FALSE(read(std::span<const std::byte>(bytes)));
    }
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        INFO("cut to " << size);
        CHECK_FALSE(read(std::span<const std::byte>(cut)));
    }
    auto longer = whole;
    longer.push_back(std::byte{0});
    CHECK_FALSE(read(std::span<const std::byte>(longer)));
}

}  // namespace test_support
