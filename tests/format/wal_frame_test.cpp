#include "sextant/format/wal_frame.hpp"

#include <string>

#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"
#include "wal/wal_support.hpp"

using namespace sextant;
using namespace sextant::format;

namespace {

const FileIdentity log34{.collection = wal_test::some_collection(), .kind = FileKind::wal, .number = 34};

/// The worked example of docs/format/wal.md: an erase, then a clean close.
const char* const erase_hex = "0201000000000000505152535455565758595a5b5c5d5e5f";
const char* const example_hex =
    "67bf48f3b51935411800000001000000"
    "e9030000000000000100000000000000"
    "e8030000000000000000000000000000"
    "02010000000000005051525354555657"
    "58595a5b5c5d5e5f";
const char* const close_hex =
    "d25e8f7313c8a0970000000002000000"
    "ea030000000000000000000000000000"
    "e9030000000000000000000000000000";

std::vector<std::byte> bytes_of(std::uint64_t position, const WalFrame& frame) {
    std::vector<std::byte> bytes;
    append_frame(bytes, log34, position, frame);
    return bytes;
}

std::vector<std::byte> example_bytes() { return test_support::from_hex(example_hex); }

/// With the checksum made right.
FrameState state_of(std::vector<std::byte> bytes) {
    if (const auto size = plausible_frame_size(bytes); size && *size <= bytes.size()) {
        const auto covered = std::span<const std::byte>(bytes).subspan(8, static_cast<std::size_t>(*size) - 8);
        store_le(bytes.data(), hash64(covered, checksum_seed(log34, 64)));
    } else {
        store_le(bytes.data(), hash64(std::span<const std::byte>(bytes).subspan(8), checksum_seed(log34, 64)));
    }
    return parse_frame(bytes, log34, 64).state;
}

}  // namespace

TEST_CASE("The worked example of the log page is what is written and read", "[format]") {
    const auto payload = test_support::from_hex(erase_hex);
    const WalFrame frame{.first = 1001, .count = 1, .synced = 1000, .payload = payload};
    CHECK(test_support::to_hex(bytes_of(64, frame)) == example_hex);
    CHECK(test_support::to_hex(bytes_of(136, {.kind = WalFrameKind::clean_close, .first = 1002, .synced = 1001})) ==
          close_hex);
    const auto bytes = example_bytes();
    const auto parsed = parse_frame(bytes, log34, 64);
    REQUIRE(parsed.state == FrameState::valid);
    CHECK(parsed.size == 72);
    CHECK(parsed.frame.kind == WalFrameKind::effects);
    CHECK(parsed.frame.first == 1001);
    CHECK(parsed.frame.count == 1);
    CHECK(parsed.frame.synced == 1000);
    CHECK(test_support::to_hex(parsed.frame.payload) == erase_hex);
    const auto close = parse_frame(test_support::from_hex(close_hex), log34, 136);
    REQUIRE(close.state == FrameState::valid);
    CHECK(close.frame.kind == WalFrameKind::clean_close);
    CHECK(close.size == 48);
}

TEST_CASE("Frames are padded to 8 bytes, wherever they are appended", "[format]") {
    for (std::size_t size = 0; size <= 17; ++size) {
        const auto payload = wal_test::payload_of(1, size);
        std::vector<std::byte> bytes(3);
        append_frame(bytes, log34, 640, {.first = 1, .count = 1, .payload = payload});
        CHECK(bytes.size() == 3 + frame_size(size));
        CHECK(frame_size(size) == (48 + size + 7) / 8 * 8);
        const auto parsed = parse_frame(std::span<const std::byte>(bytes).subspan(3), log34, 640);
        REQUIRE(parsed.state == FrameState::valid);
        CHECK(std::equal(payload.begin(), payload.end(), parsed.frame.payload.begin(), parsed.frame.payload.end()));
    }
    CHECK(frame_size(limits::max_wal_payload) == limits::max_wal_payload + 48);
}

TEST_CASE("A frame is valid at its place in its file and nowhere else", "[format]") {
    const auto bytes = example_bytes();
    CHECK(parse_frame(bytes, log34, 72).state == FrameState::invalid);
    auto other = log34;
    other.number = 33;
    CHECK(parse_frame(bytes, other, 64).state == FrameState::invalid);
    other = log34;
    other.collection[0] ^= std::byte{1};
    CHECK(parse_frame(bytes, other, 64).state == FrameState::invalid);
}

TEST_CASE("Any flipped bit of a frame makes it invalid, and so does a missing byte", "[format]") {
    const auto payload = wal_test::payload_of(1, 21);
    const auto whole = bytes_of(64, {.first = 5, .count = 2, .synced = 3, .payload = payload});
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto bytes = whole;
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        REQUIRE(parse_frame(bytes, log34, 64).state == FrameState::invalid);
    }
    for (std::size_t size = 1; size < whole.size(); ++size) {
        REQUIRE(parse_frame(std::span(whole).first(size), log34, 64).state == FrameState::invalid);
    }
}

TEST_CASE("Zeros are the end, be they few or many", "[format]") {
    for (const std::size_t size : {0U, 1U, 47U, 48U, 100U}) {
        CHECK(parse_frame(std::vector<std::byte>(size), log34, 64).state == FrameState::end);
    }
    std::vector<std::byte> bytes(60);
    bytes[50] = std::byte{1};
    CHECK(parse_frame(bytes, log34, 64).state == FrameState::end);
    bytes[47] = std::byte{1};
    CHECK(parse_frame(bytes, log34, 64).state == FrameState::invalid);
}

TEST_CASE("A right checksum over fields against the rules does not make a frame", "[format]") {
    REQUIRE(state_of(example_bytes()) == FrameState::valid);
    struct Case {
        std::size_t offset;
        std::uint64_t value;
        const char* what;
    };
    const Case cases[] = {
        {8, 0x0000'0001'FFFF'FFFFULL, "size beyond the limit"},
        {8, 0x0000'0001'0000'0019ULL, "size beyond the bytes"},
        {8, 0x0000'0000'0000'0018ULL, "kind 0"},
        {8, 0x0000'0003'0000'0018ULL, "kind 3"},
        {8, 0x0001'0001'0000'0018ULL, "reserved beside the kind"},
        {8, 0x0000'0002'0000'0018ULL, "a clean close with a payload"},
        {16, 0, "first is 0"},
        {16, 1000, "synced is not before first"},
        {16, ~0ULL, "no Lsn behind the last"},
        {24, 0, "no effects"},
        {24, 0x0000'0001'0000'0001ULL, "reserved beside the count"},
        {32, 1001, "synced is not before first"},
        {40, 1, "reserved"},
    };
    for (const Case& test : cases) {
        auto bytes = example_bytes();
        store_le(bytes.data() + test.offset, test.value);
        CAPTURE(test.what);
        CHECK(state_of(bytes) == FrameState::invalid);
    }
    auto padded = bytes_of(64, {.first = 5, .count = 2, .payload = wal_test::payload_of(1, 20)});
    REQUIRE(state_of(padded) == FrameState::valid);
    padded.back() = std::byte{1};
    CHECK(state_of(padded) == FrameState::invalid);
}

// Written by version 1; never written again.
TEST_CASE("Frames of version 1 are read and written as ever", "[format]") {
    auto golden = test_support::golden_lines("wal_frame.txt");
    const auto effects = test_support::from_hex(test_support::golden_lines("wal_effects.txt").begin()->second);
    const auto erase = test_support::from_hex(erase_hex);
    const auto odd = test_support::from_hex("c00102");
    const auto same = [&](const std::string& name, std::uint64_t position, const WalFrame& frame) {
        INFO(name);
        CHECK(test_support::to_hex(bytes_of(position, frame)) == golden[name]);
        CHECK(parse_frame(test_support::from_hex(golden[name]), log34, position).state == FrameState::valid);
        golden.erase(name);
    };
    same("one effect", 64, {.first = 1001, .count = 1, .synced = 1000, .payload = erase});
    same("three effects", 64, {.first = 1001, .count = 3, .synced = 998, .payload = effects});
    same("clean close", 136, {.kind = WalFrameKind::clean_close, .first = 1002, .synced = 1001});
    same("padded", 64, {.first = 1, .count = 1, .payload = odd});
    CHECK(golden.empty());
}
