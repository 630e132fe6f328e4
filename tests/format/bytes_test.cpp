#include "sextant/format/bytes.hpp"

#include <array>
#include <limits>

#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace sextant::format;

TEST_CASE("Numbers are little-endian, and come back", "[format]") {
    std::vector<std::byte> bytes{std::byte{0xAA}};
    ByteWriter writer(bytes);
    writer.number(std::uint8_t{1});
    writer.number(std::uint16_t{0x0203});
    writer.number(std::uint32_t{0x04050607});
    writer.number(std::uint64_t{0x08090A0B0C0D0E0F});
    CHECK(test_support::to_hex(bytes) == "aa010302070605040f0e0d0c0b0a0908");
    CHECK(writer.size() == 16);
    ByteReader reader(bytes);
    CHECK(reader.number<std::uint8_t>() == 0xAA);
    CHECK(reader.number<std::uint8_t>() == 1);
    CHECK(reader.number<std::uint16_t>() == 0x0203);
    CHECK(reader.number<std::uint32_t>() == 0x04050607);
    CHECK(reader.number<std::uint64_t>() == 0x08090A0B0C0D0E0F);
    CHECK(reader.left() == 0);
    CHECK(reader.at() == 16);
    CHECK_FALSE(reader.failed());
}

TEST_CASE("Numbers are stored and loaded at any address", "[format]") {
    std::array<std::byte, 16> bytes{};
    for (std::size_t at = 0; at + 8 <= bytes.size(); ++at) {
        store_le(bytes.data() + at, std::uint64_t{0x1122334455667788});
        CHECK(load_le<std::uint64_t>(bytes.data() + at) == 0x1122334455667788);
        CHECK(load_le<std::uint8_t>(bytes.data() + at) == 0x88);
    }
}

TEST_CASE("Padding fills up to a multiple with zeros", "[format]") {
    for (std::size_t size = 0; size <= 16; ++size) {
        std::vector<std::byte> bytes(size, std::byte{0xFF});
        ByteWriter writer(bytes);
        writer.pad_to(8);
        CHECK(bytes.size() == (size + 7) / 8 * 8);
        for (std::size_t i = size; i < bytes.size(); ++i) CHECK(bytes[i] == std::byte{0});
    }
}

TEST_CASE("A read past the end gives nothing, and every later one neither", "[format]") {
    const std::array<std::byte, 5> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}};
    ByteReader reader(bytes);
    CHECK(reader.number<std::uint32_t>() == 0x04030201);
    CHECK(reader.number<std::uint16_t>() == 0);
    CHECK(reader.failed());
    CHECK(reader.at() == 4);
    CHECK(reader.number<std::uint8_t>() == 0);  // would fit
    CHECK(reader.raw(1).empty());
    ByteReader huge(bytes);
    CHECK(huge.raw(std::numeric_limits<std::uint64_t>::max()).empty());
    CHECK(huge.failed());
    ByteReader exact(bytes);
    CHECK(exact.raw(5).size() == 5);
    CHECK(exact.raw(0).empty());
    CHECK_FALSE(exact.failed());
}

TEST_CASE("Bytes that must be zero are looked at", "[format]") {
    const std::array<std::byte, 4> bytes{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
    ByteReader good(bytes);
    good.zeros(3);
    CHECK_FALSE(good.failed());
    good.zeros(1);
    CHECK(good.failed());
    ByteReader beyond(bytes);
    beyond.zeros(5);
    CHECK(beyond.failed());
}
