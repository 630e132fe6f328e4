#include "sextant/format/wal_effects.hpp"

#include <limits>
#include <string>

#include "sextant/core/limits.hpp"
#include "sextant/core/random.hpp"
#include "sextant/format/bytes.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace sextant;
using namespace sextant::format;

namespace {

/// The worked example of docs/format/wal_effects.md: an upsert, an erase, a change of payload; dimension 3.
const char* const example_hex =
    "01000100030000000000000000000000"
    "00000000000001020000000003000000"
    "0000803f000000c00000003f00000000"
    "c0010200000000000201000000000000"
    "505152535455565758595a5b5c5d5e5f"
    "03000000030000000000000000000000"
    "0000000000000007c001020000000000";
constexpr std::size_t erase_at = 56;
constexpr std::size_t payload_at = 80;

PointId some_uuid() {
    PointId::Bytes bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(0x50 + i);
    return PointId::from_uuid(bytes);
}

std::vector<std::byte> example_bytes() {
    const float vector[] = {1.0F, -2.0F, 0.5F};
    const auto payload = test_support::from_hex("c00102");
    std::vector<std::byte> bytes;
    EffectsWriter writer(bytes);
    writer.add({.kind = LoggedKind::upsert, .id = PointId(258), .vector = vector, .payload = payload});
    CHECK(writer.size() == logged_size(3, 3));
    writer.add({.kind = LoggedKind::erase, .id = some_uuid()});
    writer.add({.kind = LoggedKind::payload, .id = PointId(7), .payload = payload});
    CHECK(writer.count() == 3);
    CHECK(writer.size() == logged_size(3, 3) + logged_size(0, 0) + logged_size(0, 3));
    return bytes;
}

Result<void> read(const std::vector<std::byte>& bytes, std::uint32_t count = 3, std::size_t dimension = 3) {
    return read_effects(bytes, count, dimension, "log", 1000, [](const LoggedEffect&) -> Result<void> { return {}; });
}

std::string corruption_of(const std::vector<std::byte>& bytes, std::uint32_t count = 3, std::size_t dimension = 3) {
    const auto result = read(bytes, count, dimension);
    if (result) return "";
    CHECK(result.error().code == ErrorCode::corruption);
    return result.error().message;
}

}  // namespace

TEST_CASE("The worked example of the effects page is what is written and read", "[format]") {
    const auto bytes = example_bytes();
    CHECK(test_support::to_hex(bytes) == example_hex);
    std::vector<LoggedEffect> seen;
    read_effects(bytes, 3, 3, "log", 0, [&](const LoggedEffect& effect) -> Result<void> {
        seen.push_back(effect);
        return {};
    }).value();
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].kind == LoggedKind::upsert);
    CHECK(seen[0].id == PointId(258));
    REQUIRE(seen[0].vector.size() == 3);
    CHECK(seen[0].vector[1] == -2.0F);
    CHECK(reinterpret_cast<std::uintptr_t>(seen[0].vector.data()) % 8 == 0);
    CHECK(test_support::to_hex(seen[0].payload) == "c00102");
    CHECK(seen[1].kind == LoggedKind::erase);
    CHECK(seen[1].id == some_uuid());
    CHECK(seen[1].vector.empty());
    CHECK(seen[2].kind == LoggedKind::payload);
    CHECK(seen[2].id == PointId(7));
    CHECK(seen[2].payload.size() == 3);
}

TEST_CASE("Effects are written behind whatever is there, padded from their own beginning", "[format]") {
    std::vector<std::byte> bytes(5, std::byte{0xFF});
    EffectsWriter writer(bytes);
    writer.add({.kind = LoggedKind::payload, .id = PointId(1), .payload = test_support::from_hex("c00102")});
    CHECK(bytes.size() == 5 + 32);
    CHECK(read(std::vector<std::byte>(bytes.begin() + 5, bytes.end()), 1));
}

TEST_CASE("Absurd effects are refused by name and offset", "[format]") {
    struct Case {
        std::size_t offset;
        std::vector<unsigned> bytes;
        const char* says;
    };
    const Case cases[] = {
        {0, {0}, "log: offset 1000: kind of effect is 0, expected 1 .. 3"},
        {0, {4}, "log: offset 1000: kind of effect is 4"},
        {1, {2}, "log: offset 1001: kind of id is 2"},
        {2, {0}, "log: offset 1002: number of vectors is 0, expected 1"},
        {2, {2}, "log: offset 1002: number of vectors is 2, expected 1"},
        {erase_at + 2, {1}, "log: offset 1058: number of vectors is 1, expected 0"},
        {4, {1, 0, 0, 1}, "log: offset 1004: payload size is 16777217, expected at most 16777216"},
        {4, {200}, "log: offset 1048: the payload has 200 bytes, 64 are left"},
        {4, {4}, ""},  // the padding is zero, so it could have been payload
        {4, {2}, "log: offset 1050: padding behind the payload is missing or not zero"},
        {erase_at + 4, {1}, "log: offset 1060: payload size is 1, expected at most 0"},
        {8, {1}, "log: offset 1008: an integer id has bytes above the lowest eight"},
        {payload_at + 15, {1}, "log: offset 1088: an integer id"},
        {24, {1}, "log: offset 1024: field is 1, expected 0"},
        {26, {1}, "log: offset 1026: reserved bytes are 1"},
        {28, {4}, "log: offset 1028: vector has 4 floats, expected 3"},
        {28, {0xFF, 0xFF, 0xFF, 0xFF}, "log: offset 1028: vector has 4294967295 floats"},
        {32, {0, 0, 0x80, 0x7F}, "log: offset 1032: float 0 of the vector is not finite"},
        {40, {0, 0, 0xC0, 0xFF}, "log: offset 1040: float 2 of the vector is not finite"},
        {40, {0xFF, 0xFF, 0x7F, 0xFF}, ""},  // the least finite number
        {44, {1}, "log: offset 1044: padding behind the vector is missing or not zero"},
        {55, {1}, "log: offset 1051: padding behind the payload is missing or not zero"},
    };
    for (const Case& test : cases) {
        auto bytes = test_support::from_hex(example_hex);
        for (std::size_t i = 0; i < test.bytes.size(); ++i) {
            bytes[test.offset + i] = static_cast<std::byte>(test.bytes[i]);
        }
        CAPTURE(test.offset, test.says);
        CHECK(corruption_of(bytes).rfind(test.says, 0) == 0);
        if (*test.says == 0) CHECK(read(bytes));
    }
}

TEST_CASE("Too few and too many bytes or effects are refused", "[format]") {
    const auto whole = test_support::from_hex(example_hex);
    CHECK(corruption_of(whole, 2) == "log: offset 1080: 32 bytes are left behind the last effect");
    CHECK(corruption_of(whole, 4) == "log: offset 1112: 0 bytes are left for an effect");
    CHECK(corruption_of(whole, 0xFFFF'FFFF) == "log: offset 1112: 0 bytes are left for an effect");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK_FALSE(
            corruption_of(std::vector<std::byte>(whole.begin(), whole.begin() + static_cast<long>(size))).empty());
    }
    CHECK(read({}, 0));
}

TEST_CASE("The sink's error ends the reading of effects", "[format]") {
    int calls = 0;
    const auto result =
        read_effects(test_support::from_hex(example_hex), 3, 3, "log", 0, [&](const LoggedEffect&) -> Result<void> {
            if (++calls == 2) return invalid_argument("enough");
            return {};
        });
    CHECK(result.error().message == "enough");
    CHECK(calls == 2);
}

TEST_CASE("Random bytes as effects are refused or written again as they were", "[format]") {
    Random random(7);
    const auto golden = test_support::from_hex(example_hex);
    for (int round = 0; round < 20'000; ++round) {
        auto bytes = golden;
        bytes.resize(random.below(2 * golden.size()));
        for (std::size_t i = random.below(4); i > 0 && !bytes.empty(); --i) {
            bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(256));
        }
        std::vector<std::byte> again;
        EffectsWriter writer(again);
        const auto result = read_effects(bytes, 3, 3, "log", 0, [&](const LoggedEffect& effect) -> Result<void> {
            writer.add(effect);
            return {};
        });
        if (result) REQUIRE(again == bytes);
    }
}

// Written by version 1; never written again.
TEST_CASE("Effects of version 1 are read and written as ever", "[format]") {
    auto golden = test_support::golden_lines("wal_effects.txt");
    CHECK(test_support::to_hex(example_bytes()) == golden["upsert, erase, payload"]);
    CHECK(read(test_support::from_hex(golden["upsert, erase, payload"])));
    CHECK(golden.size() == 1);
}
