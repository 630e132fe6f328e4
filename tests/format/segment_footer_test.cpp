#include "sextant/format/segment_footer.hpp"

#include <array>

#include "format/body_support.hpp"
#include "sextant/format/segment_meta.hpp"
#include "support/golden.hpp"

using namespace sextant;
using format::body_offset;
using format::FileKind;
using format::SegmentFooter;

namespace {

const format::FileIdentity identity = test_support::named(FileKind::segment_footer, 7);

/// The worked example of docs/format/segment.md.
SegmentFooter example() {
    SegmentFooter footer;
    footer.files.push_back({FileKind::ids, 0, 212, {0x1122334455667788U}});
    footer.files.push_back({FileKind::vectors, 0, 65'600, {1, 2}});
    footer.files.push_back({FileKind::segment_meta, 0, 192, {3}});
    return footer;
}

void refuse(std::size_t offset, std::initializer_list<std::uint8_t> values) {
    auto bytes = format::encode_segment_footer(identity, example());
    for (const std::uint8_t value : values) bytes[body_offset + offset++] = std::byte{value};
    test_support::reseal(bytes, {identity, 0});
    const auto decoded = format::decode_segment_footer(bytes, identity, "seg/footer");
    INFO("offset " << offset);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == ErrorCode::corruption);
    CHECK(decoded.error().message.starts_with("seg/footer: offset "));
}

}  // namespace

TEST_CASE("the list of a segment's files is read as it was written", "[format]") {
    SegmentFooter many = example();
    for (std::uint16_t field = 0; field < format::max_fields; ++field) {
        many.files.push_back({FileKind::graph, field, 64, {field}});
    }
    for (const SegmentFooter& footer : {SegmentFooter{}, example(), many}) {
        const auto bytes = format::encode_segment_footer(identity, footer);
        const auto decoded = format::decode_segment_footer(bytes, identity, "path");
        REQUIRE(decoded.has_value());
        CHECK(*decoded == footer);
    }
    REQUIRE(many.find(FileKind::graph, 3) != nullptr);
    CHECK(many.find(FileKind::graph, 3)->blocks[0] == 3);
    CHECK(many.find(FileKind::codes, 0) == nullptr);
}

TEST_CASE("a footer of version 1 has the bytes it ever had", "[format][golden]") {
    const auto golden = test_support::golden_lines("segment_footer.txt");
    CHECK(test_support::to_hex(format::encode_segment_footer(identity, example())) == golden.at("example"));
    const std::array block{std::byte{1}, std::byte{2}, std::byte{3}};
    const auto ids = format::segment_file_identity(identity, FileKind::ids, 0);
    CHECK(std::to_string(format::block_checksum(ids, 2, block)) == golden.at("checksum of block 2"));
}

TEST_CASE("each flipped bit, cut and byte too many of a footer is found", "[format]") {
    test_support::refuses_damage(format::encode_segment_footer(identity, example()),
                                 [](std::span<const std::byte> bytes) {
                                     return format::decode_segment_footer(bytes, identity, "path").has_value();
                                 });
}

TEST_CASE("a footer that lists what cannot be is refused though its checksum is right", "[format]") {
    refuse(0, {2});                                                // fewer files than there are
    refuse(0, {4});                                                // more
    refuse(0, {0xFF, 0xFF, 0xFF, 0xFF});                           //
    refuse(4, {1});                                                // reserved
    refuse(8, {1});                                                // the log is no file of a segment
    refuse(8, {4});                                                // nor is the footer itself
    refuse(8, {13});                                               // a kind that does not exist
    refuse(10, {1});                                               // ids are not of a field
    refuse(12, {1});                                               // reserved
    refuse(16, {63});                                              // smaller than its header
    refuse(16, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});  // more blocks than there are bytes
    refuse(16, {0, 0, 1, 0, 0, 0, 0, 0x80});                       //
    refuse(34, {0, 1});                                            // field 256
    refuse(32, {5});                                               // ids twice
    refuse(40, {0, 0, 1});                                         // a block less: what follows is no entry
    auto bytes = format::encode_segment_footer(identity, example());
    test_support::reseal(bytes, {identity, 1});
    CHECK_FALSE(format::decode_segment_footer(bytes, identity, "path").has_value());
}

TEST_CASE("files have one checksum for each 64 KiB, which holds at its place in its file only", "[format]") {
    CHECK(format::block_count(0) == 0);
    CHECK(format::block_count(1) == 1);
    CHECK(format::block_count(65'536) == 1);
    CHECK(format::block_count(65'537) == 2);
    CHECK(format::block_count(~std::uint64_t{0}) == std::uint64_t{1} << 48U);
    const std::array block{std::byte{1}, std::byte{2}, std::byte{3}};
    const auto first = format::segment_file_identity(identity, FileKind::graph, 0);
    const auto second = format::segment_file_identity(identity, FileKind::graph, 1);
    CHECK(second.number == (7 | std::uint64_t{1} << 48U));
    CHECK(format::block_checksum(first, 0, block) != format::block_checksum(first, 1, block));
    CHECK(format::block_checksum(first, 0, block) != format::block_checksum(second, 0, block));
}
