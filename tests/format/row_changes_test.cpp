#include "sextant/format/row_changes.hpp"

#include <string_view>

#include "format/body_support.hpp"
#include "support/golden.hpp"

using namespace sextant;
using format::body_offset;
using format::ChangedPayload;
using format::FileKind;
using format::TombstonesFile;

namespace {

const format::FileIdentity dead_identity = test_support::named(FileKind::tombstones, 5);
const format::FileIdentity overlay_identity = test_support::named(FileKind::payload_overlay, 6);

std::span<const std::byte> blob(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// The worked examples of docs/format/row_changes.md: segment 7 of 70 rows.
TombstonesFile example() { return {.segment = 7, .row_count = 70, .words = {0x8000000000000001U, 0x20U}}; }
std::vector<ChangedPayload> changes() { return {{2, 11, blob("abc")}, {69, 12, {}}}; }

std::vector<std::byte> overlay_bytes() { return format::encode_overlay(overlay_identity, 7, 70, changes()); }

auto read_dead(std::span<const std::byte> bytes, std::uint64_t segment = 7, std::uint32_t rows = 70) {
    return format::decode_tombstones(bytes, dead_identity, segment, rows, "del");
}
auto read_overlay(std::span<const std::byte> bytes, std::uint64_t segment = 7, std::uint32_t rows = 70) {
    return format::decode_overlay(bytes, overlay_identity, segment, rows, "payload");
}

template <class Read>
void refuse(std::vector<std::byte> bytes, std::size_t offset, std::uint8_t value, const format::FileIdentity& identity,
            const Read& read) {
    bytes[body_offset + offset] = std::byte{value};
    test_support::reseal(bytes, {identity, 7});
    INFO("offset " << offset << " value " << int{value});
    const auto decoded = read(bytes);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == ErrorCode::corruption);
    CHECK(decoded.error().message.find(": offset ") != std::string::npos);
}

}  // namespace

TEST_CASE("tombstones are read as they were written", "[format]") {
    for (const std::uint32_t rows : {1U, 63U, 64U, 65U, 70U, 1000U}) {
        TombstonesFile file{.segment = 7, .row_count = rows, .words = {}};
        file.words.resize((rows + 63) / 64);
        for (std::uint32_t row = 0; row < rows; row += 3) file.words[row / 64] |= std::uint64_t{1} << (row % 64);
        const auto decoded = read_dead(format::encode_tombstones(dead_identity, file), 7, rows);
        REQUIRE(decoded.has_value());
        CHECK(*decoded == file);
    }
}

TEST_CASE("changed payloads are read as they were written", "[format]") {
    const auto bytes = overlay_bytes();
    const auto decoded = read_overlay(bytes);
    REQUIRE(decoded.has_value());
    const auto expected = changes();
    REQUIRE(decoded->size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK((*decoded)[i].row == expected[i].row);
        CHECK((*decoded)[i].version == expected[i].version);
        CHECK(test_support::to_hex((*decoded)[i].payload) == test_support::to_hex(expected[i].payload));
    }
    CHECK(read_overlay(format::encode_overlay(overlay_identity, 7, 70, {}))->empty());
}

TEST_CASE("tombstones and changed payloads of version 1 have the bytes they ever had", "[format][golden]") {
    const auto golden = test_support::golden_lines("row_changes.txt");
    CHECK(test_support::to_hex(format::encode_tombstones(dead_identity, example())) == golden.at("tombstones"));
    CHECK(test_support::to_hex(overlay_bytes()) == golden.at("overlay"));
}

TEST_CASE("each flipped bit, cut and byte too many of what changed in rows is found", "[format]") {
    test_support::refuses_damage(format::encode_tombstones(dead_identity, example()),
                                 [](std::span<const std::byte> bytes) { return read_dead(bytes).has_value(); });
    test_support::refuses_damage(overlay_bytes(),
                                 [](std::span<const std::byte> bytes) { return read_overlay(bytes).has_value(); });
}

TEST_CASE("what changed in another segment, or in one of another size, is refused", "[format]") {
    const auto dead = format::encode_tombstones(dead_identity, example());
    CHECK_FALSE(read_dead(dead, 8).has_value());
    CHECK_FALSE(read_dead(dead, 7, 71).has_value());
    CHECK_FALSE(read_dead(overlay_bytes()).has_value());
    CHECK_FALSE(read_overlay(overlay_bytes(), 8).has_value());
    CHECK_FALSE(read_overlay(overlay_bytes(), 7, 71).has_value());
    CHECK_FALSE(read_overlay(dead).has_value());
}

TEST_CASE("changes that cannot be are refused though the checksum is right", "[format]") {
    const auto dead = format::encode_tombstones(dead_identity, example());
    const auto by_dead = [](const auto& bytes) { return read_dead(bytes); };
    refuse(dead, 0, 71, dead_identity, by_dead);     // other rows
    refuse(dead, 4, 1, dead_identity, by_dead);      // reserved
    refuse(dead, 16, 0x40, dead_identity, by_dead);  // row 70
    refuse(dead, 23, 0x80, dead_identity, by_dead);  // row 127
    for (const std::size_t size : {std::size_t{0}, std::size_t{4}, std::size_t{8}, std::size_t{16}, std::size_t{32}}) {
        auto bytes = dead;
        bytes.resize(body_offset + size);
        if (size == 32) bytes[body_offset + 31] = std::byte{0};
        test_support::reseal(bytes, {dead_identity, 7});
        CHECK_FALSE(read_dead(bytes).has_value());
    }
    auto without_count = overlay_bytes();
    without_count.resize(body_offset + 4);
    test_support::reseal(without_count, {overlay_identity, 7});
    CHECK_FALSE(read_overlay(without_count).has_value());
    const auto overlay = overlay_bytes();
    const auto by_overlay = [](const auto& bytes) { return read_overlay(bytes); };
    refuse(overlay, 0, 71, overlay_identity, by_overlay);     // other rows
    refuse(overlay, 4, 1, overlay_identity, by_overlay);      // fewer changes than there are
    refuse(overlay, 4, 3, overlay_identity, by_overlay);      // more
    refuse(overlay, 7, 0xFF, overlay_identity, by_overlay);   // far more
    refuse(overlay, 8, 70, overlay_identity, by_overlay);     // a row that does not exist
    refuse(overlay, 32, 2, overlay_identity, by_overlay);     // a row twice
    refuse(overlay, 32, 1, overlay_identity, by_overlay);     // rows that fall
    refuse(overlay, 12, 9, overlay_identity, by_overlay);     // a payload that takes the next change's bytes
    refuse(overlay, 15, 0xFF, overlay_identity, by_overlay);  // one past the end and every limit
    refuse(overlay, 12, 2, overlay_identity, by_overlay);     // padding that is not zero
    refuse(overlay, 31, 1, overlay_identity, by_overlay);     //
}
