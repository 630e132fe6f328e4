#include "sextant/core/point_id.hpp"

#include <algorithm>
#include <limits>
#include <sstream>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "core/detail/sha1.hpp"
#include "support/catch.hpp"

using sextant::ErrorCode;
using sextant::PointId;

namespace {

std::string hex(const std::array<std::uint8_t, 20>& digest) {
    std::string out;
    for (const std::uint8_t byte : digest) {
        out += "0123456789abcdef"[byte >> 4U];
        out += "0123456789abcdef"[byte & 15U];
    }
    return out;
}

constexpr std::string_view canonical = "550e8400-e29b-41d4-a716-446655440000";
constexpr PointId::Bytes dns = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

static_assert(std::is_trivially_copyable_v<PointId>);
static_assert(sizeof(PointId) == 24);
static_assert(!std::is_convertible_v<std::uint64_t, PointId>, "a number becomes an id only where it says so");
static_assert(!std::is_constructible_v<PointId, const char*>, "text goes through parse or from_name");
static_assert(PointId{7}.integer() == 7);
static_assert(PointId{} == PointId{0});

}  // namespace

TEST_CASE("SHA-1 agrees with the vectors of FIPS 180-4", "[core][point_id]") {
    using sextant::detail::sha1;
    CHECK(hex(sha1({}, "")) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK(hex(sha1({}, "abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(hex(sha1({}, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    CHECK(hex(sha1({}, std::string(1'000'000, 'a'))) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    // Padding crosses a block at 55, 56 and 64 bytes; splitting the input changes nothing.
    for (const std::size_t size : {1U, 54U, 55U, 56U, 57U, 63U, 64U, 65U, 119U, 120U, 128U}) {
        const std::string text(size, 'q');
        const std::vector<std::uint8_t> head(size / 2, 'q');
        CHECK(sha1({}, text) == sha1(head, text.substr(size / 2)));
    }
}

TEST_CASE("a name gives the version 5 UUID of RFC 4122", "[core][point_id]") {
    CHECK(PointId::from_name(dns, "www.example.com").to_string() == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    CHECK(PointId::from_name(dns, "sextant.point_id").uuid_bytes() == PointId::name_space());
    CHECK(PointId::from_name("").to_string() == "08d7c56a-8279-5dbb-840e-a83aea4fce5f");
    CHECK(PointId::from_name("a").to_string() == "5cb7531d-3a64-5aae-8483-ffd4563d72e6");
    CHECK(PointId::from_name("photo-42.jpg").to_string() == "f1f62a71-30ba-579c-9a7b-d9bb0048aabf");
    CHECK(PointId::from_name("Z\xc3\xbcrich").to_string() == "72675d33-7ac1-55ca-a3e3-3dd74e63e774");
    CHECK(PointId::from_name(std::string(200, 'x')).to_string() == "9e1fe4aa-9893-5fa8-8d67-8473ed323964");
    CHECK(PointId::from_name("42") != PointId{42});
}

TEST_CASE("decimal text is an integer id", "[core][point_id]") {
    for (const std::uint64_t value :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{42}, std::numeric_limits<std::uint64_t>::max()}) {
        const auto parsed = PointId::parse(std::to_string(value));
        REQUIRE(parsed.has_value());
        CHECK(*parsed == PointId{value});
        CHECK(parsed->is_integer());
        CHECK(parsed->to_string() == std::to_string(value));
    }
}

TEST_CASE("each spelling of a UUID gives the same id", "[core][point_id]") {
    const PointId expected = PointId::from_uuid(
        {0x55, 0x0e, 0x84, 0x00, 0xe2, 0x9b, 0x41, 0xd4, 0xa7, 0x16, 0x44, 0x66, 0x55, 0x44, 0x00, 0x00});
    for (const std::string_view text : {canonical, std::string_view("{550e8400-e29b-41d4-a716-446655440000}"),
                                        std::string_view("urn:uuid:550e8400-e29b-41d4-a716-446655440000"),
                                        std::string_view("URN:UUID:550E8400-E29B-41D4-A716-446655440000"),
                                        std::string_view("550E8400-E29B-41D4-A716-446655440000"),
                                        std::string_view("550e8400e29b41d4a716446655440000")}) {
        INFO(text);
        const auto parsed = PointId::parse(text);
        REQUIRE(parsed.has_value());
        CHECK(*parsed == expected);
        CHECK_FALSE(parsed->is_integer());
        CHECK(parsed->to_string() == canonical);
    }
    const auto all_digits = PointId::parse("12345678901234567890123456789012");
    REQUIRE(all_digits.has_value());
    CHECK(all_digits->to_string() == "12345678-9012-3456-7890-123456789012");
}

TEST_CASE("malformed text is refused with the place of the fault", "[core][point_id]") {
    const auto refused = [](std::string_view text, std::string_view part) {
        const auto parsed = PointId::parse(text);
        INFO(text);
        REQUIRE_FALSE(parsed.has_value());
        INFO(parsed.error().message);
        CHECK(parsed.error().code == ErrorCode::invalid_argument);
        CHECK(parsed.error().message.find("point id:") == 0);
        CHECK(parsed.error().message.find(part) != std::string::npos);
    };
    refused("", "empty");
    refused("-1", "UUID");
    refused("+1", "position 0");
    refused(" 1", "position 0");
    refused("1 ", "position 1");
    refused("007", "leading zero");
    refused("1.5", "position 1");
    refused("18446744073709551616", "position 19");
    refused("99999999999999999999999", "18446744073709551615");
    refused("550e8400-e29b-41d4-a716-44665544000", "got 35");
    refused("550e8400-e29b-41d4-a716-4466554400000", "got 37");
    refused("550e8400-e29b-41d4-a716-44665544000g", "position 35");
    refused("550e8400_e29b-41d4-a716-446655440000", "position 8");
    refused("550e8400-e29b-41d4-a716-446655440000\n", "position 36");
    refused("{550e8400-e29b-41d4-a716-446655440000", "'}'");
    refused("{", "'}'");
    refused("{}", "got 0");
    refused("550e8400-e29b-41d4-a716-446655440000}", "position 36");
    refused("{550e8400e29b41d4a716446655440000}", "got 32");
    refused("urn:uuid:", "got 0");
    refused("urn:uuid:550e8400e29b41d4a716446655440000", "got 32");
    refused("urn:uuid:550e8400-e29b-41d4-a716-44665544000x", "position 44");
    refused(std::string_view("4\0002", 3), "position 1");
    refused("550e8400e29b41d4a71644665544000z", "position 31");
    refused(std::string(10'000, 'z'), "(10000 bytes)");
}

TEST_CASE("text of every id reads back as that id", "[core][point_id]") {
    std::uint64_t state = 1;
    for (int round = 0; round < 2000; ++round) {
        PointId::Bytes bytes{};
        for (std::uint8_t& byte : bytes) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            byte = static_cast<std::uint8_t>(state >> 56U);
        }
        const PointId uuid = PointId::from_uuid(bytes);
        const PointId integer{state >> (round % 64)};
        REQUIRE(uuid.uuid_bytes() == bytes);
        REQUIRE(PointId::parse(uuid.to_string()).value() == uuid);
        REQUIRE(PointId::parse(integer.to_string()).value() == integer);
    }
}

TEST_CASE("integers order before UUIDs, each kind by its bytes", "[core][point_id]") {
    const PointId nil = PointId::from_uuid({});
    PointId::Bytes top{};
    top.fill(0xff);
    PointId::Bytes first_byte{};
    first_byte[0] = 1;
    PointId::Bytes last_byte{};
    last_byte[15] = 0xff;
    const std::vector<PointId> sorted = {PointId{0},
                                         PointId{1},
                                         PointId{256},
                                         PointId{UINT64_MAX},
                                         nil,
                                         PointId::from_uuid(last_byte),
                                         PointId::from_uuid(first_byte),
                                         PointId::from_uuid(top)};
    CHECK(std::is_sorted(sorted.begin(), sorted.end()));
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        for (std::size_t j = 0; j < sorted.size(); ++j) {
            CHECK((sorted[i] == sorted[j]) == (i == j));
            CHECK((sorted[i] < sorted[j]) == (i < j));
        }
    }
}

TEST_CASE("an integer is never a UUID, even with the same bytes", "[core][point_id]") {
    const PointId integer{42};
    const PointId uuid = PointId::from_uuid(integer.bytes());
    CHECK(integer.bytes() == uuid.bytes());
    CHECK(integer != uuid);
    CHECK(integer < uuid);
    CHECK(std::unordered_set<PointId>{integer, uuid}.size() == 2);
    CHECK(integer.bytes() == PointId::Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 42});
}

TEST_CASE("the hash never changes", "[core][point_id]") {
    // Golden values: placement of points on shards and the id map of stored segments rest on them.
    CHECK(PointId{0}.hash() == 0xd0a66a65c7528968U);
    CHECK(PointId{42}.hash() == 0x1a3a77f472545239U);
    CHECK(PointId{UINT64_MAX}.hash() == 0x97854e4711dd158aU);
    CHECK(PointId::parse(canonical).value().hash() == 0xf25f3467eb84d6e6U);
    CHECK(std::hash<PointId>{}(PointId{42}) == PointId{42}.hash());
}

TEST_CASE("a stream shows the text of an id", "[core][point_id]") {
    std::ostringstream out;
    out << PointId{42} << ' ' << PointId::from_uuid({});
    CHECK(out.str() == "42 00000000-0000-0000-0000-000000000000");
}
