#include "sextant/format/segment_meta.hpp"

#include <array>

#include "format/body_support.hpp"
#include "sextant/core/limits.hpp"
#include "support/golden.hpp"

using namespace sextant;
using format::body_offset;
using format::SegmentMeta;

namespace {

const format::FileIdentity identity = test_support::named(format::FileKind::segment_meta, 7);

/// The worked example of docs/format/segment.md.
SegmentMeta example() {
    SegmentMeta meta{.at = 9, .row_count = 3, .wide_ids = false, .id_slots = 5, .payload_size = 3, .fields = {}};
    meta.fields.push_back({.metric = MetricId::squared_l2,
                           .quantizer = QuantizerId::none,
                           .dimension = 4,
                           .has_codes = false,
                           .lossless = false,
                           .vector_stride = 16,
                           .code_stride = 0,
                           .codebook_size = 0,
                           .upper_size = 64,
                           .m = 16,
                           .ef_construction = 64,
                           .seed = 7});
    return meta;
}

SegmentMeta with_codes() {
    SegmentMeta meta = example();
    meta.wide_ids = true;
    meta.payload_size = 0;
    meta.fields.push_back({.metric = MetricId::cosine,
                           .quantizer = QuantizerId::scalar8,
                           .dimension = 100,
                           .has_codes = true,
                           .lossless = true,
                           .vector_stride = 448,
                           .code_stride = 112,
                           .codebook_size = 472,
                           .upper_size = 640,
                           .m = 4,
                           .ef_construction = 4096,
                           .seed = ~std::uint64_t{0}});
    return meta;
}

/// Decodes the example after a change of its body, with right checksums.
Result<SegmentMeta> changed(SegmentMeta meta, std::size_t offset, std::span<const std::uint8_t> values) {
    auto bytes = format::encode_segment_meta(identity, meta);
    for (std::size_t i = 0; i < values.size(); ++i) bytes[body_offset + offset + i] = std::byte{values[i]};
    test_support::reseal(bytes, {identity, meta.at});
    return format::decode_segment_meta(bytes, identity, "seg/meta");
}

void refuse(std::size_t offset, std::initializer_list<std::uint8_t> values, bool codes = false) {
    const auto decoded = changed(codes ? with_codes() : example(), offset, {values.begin(), values.size()});
    INFO("offset " << offset);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == ErrorCode::corruption);
    CHECK(decoded.error().message.starts_with("seg/meta: offset "));
}

}  // namespace

TEST_CASE("what a segment's files hold is read as it was written", "[format]") {
    SegmentMeta largest = with_codes();
    largest.row_count = limits::max_rows_per_segment;
    largest.id_slots = limits::max_rows_per_segment + 1;
    largest.fields.resize(format::max_fields, largest.fields[1]);
    for (const SegmentMeta& meta : {example(), with_codes(), largest}) {
        const auto bytes = format::encode_segment_meta(identity, meta);
        const auto decoded = format::decode_segment_meta(bytes, identity, "path");
        REQUIRE(decoded.has_value());
        CHECK(*decoded == meta);
    }
}

TEST_CASE("the meta file of version 1 has the bytes it ever had", "[format][golden]") {
    const auto golden = test_support::golden_lines("segment_meta.txt");
    CHECK(test_support::to_hex(format::encode_segment_meta(identity, example())) == golden.at("example"));
    CHECK(test_support::to_hex(format::encode_segment_meta(identity, with_codes())) == golden.at("codes"));
}

TEST_CASE("each flipped bit, cut and byte too many of a meta file is found", "[format]") {
    test_support::refuses_damage(format::encode_segment_meta(identity, with_codes()),
                                 [](std::span<const std::byte> bytes) {
                                     return format::decode_segment_meta(bytes, identity, "path").has_value();
                                 });
}

TEST_CASE("meta that says of rows what cannot be is refused though its checksum is right", "[format]") {
    refuse(0, {10});                                         // another version than the header's
    refuse(8, {0});                                          // no rows
    refuse(8, {1, 0, 0, 0x40});                              // more rows than a segment can have
    refuse(12, {0});                                         // no fields
    refuse(12, {2});                                         // more fields than there are
    refuse(12, {0xFF, 0xFF, 0xFF, 0xFF});                    // so many that their size would wrap
    refuse(16, {2});                                         // a flag that is none
    refuse(17, {1});                                         // reserved
    refuse(24, {3});                                         // an id map without an empty slot
    refuse(24, {71});                                        // one far too large
    refuse(24, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});  // one whose size would wrap
    refuse(32, {0, 0, 0, 0, 0, 0, 2});                       // payloads of 2^49 bytes
    refuse(40, {1});                                         // reserved: the order of rows
}

TEST_CASE("meta that says of a field what cannot be is refused though its checksum is right", "[format]") {
    constexpr std::size_t field = 48;
    refuse(field + 4, {0, 0, 0, 0});             // dimension 0
    refuse(field + 4, {1, 0, 1, 0});             // dimension 65,537
    refuse(field + 8, {2});                      // flags that are none
    refuse(field + 9, {2});                      //
    refuse(field + 10, {1});                     // reserved
    refuse(field + 16, {12});                    // rows that overlap
    refuse(field + 16, {18});                    // rows that are not aligned
    refuse(field + 16, {0, 0, 0, 0x10});         // rows far apart
    refuse(field + 20, {16});                    // codes where there are none
    refuse(field + 24, {16});                    // a codebook where there are no codes
    refuse(field + 8, {1});                      // codes without anything
    refuse(field + 32, {63});                    // a graph smaller than its header
    refuse(field + 32, {0, 0, 0, 0, 0, 2});      // 2^41 bytes
    refuse(field + 40, {3});                     // m
    refuse(field + 40, {65});                    //
    refuse(field + 44, {15});                    // ef below m
    refuse(field + 44, {1, 0x10});               // ef of 4,097
    refuse(field + 56, {1});                     // reserved
    constexpr std::size_t second = field + 64;   // with codes
    refuse(second + 8, {0}, true);               // no codes, but a codebook
    refuse(second + 20, {0}, true);              // codes without bytes
    refuse(second + 20, {0, 0, 1}, true);        // codes far larger than vectors
    refuse(second + 24, {0, 0}, true);           // no codebook
    refuse(second + 24, {0, 0, 0, 0, 2}, true);  // one of 8 GiB
}
