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

SegmentMeta of_halves() {
    SegmentMeta meta = example();
    meta.fields[0].raw = RawPrecision::F16;
    meta.fields[0].dimension = 5;
    meta.fields[0].vector_stride = 10;
    return meta;
}

/// Calibrations behind the fields, of one of three.
SegmentMeta with_calibration() {
    SegmentMeta meta = with_codes();
    Calibration& calibration = meta.fields[1].calibration;
    calibration = {.queries = 93, .point_count = 2, .code_recall = 0.75F, .oversampling = 2.5F};
    calibration.points[0] = {10, 0.5F};
    calibration.points[1] = {65'536, 1.0F};
    meta.fields.push_back(meta.fields[0]);
    return meta;
}

/// Decodes the example after a change of its body, with right checksums.
Result<SegmentMeta> changed(SegmentMeta meta, std::size_t offset, std::span<const std::uint8_t> values) {
    auto bytes = format::encode_segment_meta(identity, meta);
    for (std::size_t i = 0; i < values.size(); ++i) bytes[body_offset + offset + i] = std::byte{values[i]};
    test_support::reseal(bytes, {identity, meta.at});
    return format::decode_segment_meta(bytes, identity, "seg/meta");
}

void refuse_of(const SegmentMeta& meta, std::size_t offset, std::initializer_list<std::uint8_t> values) {
    const auto decoded = changed(meta, offset, {values.begin(), values.size()});
    INFO("offset " << offset);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == ErrorCode::corruption);
    CHECK(decoded.error().message.starts_with("seg/meta: offset "));
}

void refuse(std::size_t offset, std::initializer_list<std::uint8_t> values, bool codes = false) {
    refuse_of(codes ? with_codes() : example(), offset, values);
}

}  // namespace

TEST_CASE("what a segment's files hold is read as it was written", "[format]") {
    SegmentMeta largest = with_codes();
    largest.row_count = limits::max_rows_per_segment;
    largest.id_slots = limits::max_rows_per_segment + 1;
    largest.fields.resize(format::max_fields, largest.fields[1]);
    SegmentMeta fullest = largest;
    for (format::FieldMeta& field : fullest.fields) {
        field.calibration = {.queries = 1, .point_count = Calibration::most_points};
        for (std::uint32_t i = 0; i < Calibration::most_points; ++i) field.calibration.points[i] = {i + 1, 0.0F};
    }
    for (const SegmentMeta& meta : {example(), with_codes(), of_halves(), largest, with_calibration(), fullest}) {
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
    CHECK(test_support::to_hex(format::encode_segment_meta(identity, of_halves())) == golden.at("half floats"));
    CHECK(test_support::to_hex(format::encode_segment_meta(identity, with_calibration())) == golden.at("calibration"));
}

TEST_CASE("each flipped bit, cut and byte too many of a meta file is found", "[format]") {
    test_support::refuses_damage(format::encode_segment_meta(identity, with_calibration()),
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
    refuse(field + 10, {2});                     // a precision that is none
    refuse(field + 11, {1});                     // reserved
    refuse_of(of_halves(), field + 10, {0});     // rows of floats that overlap
    refuse_of(of_halves(), field + 16, {8});     // rows of halves that overlap
    refuse_of(of_halves(), field + 16, {11});    // that are not aligned
    refuse_of(of_halves(), field + 16, {86});    // that lie far apart
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
    refuse(field + 56, {1});                     // a calibration that is not there
    refuse(field + 60, {1});                     // reserved
    constexpr std::size_t second = field + 64;   // with codes
    refuse(second + 8, {0}, true);               // no codes, but a codebook
    refuse(second + 20, {0}, true);              // codes without bytes
    refuse(second + 20, {0, 0, 1}, true);        // codes far larger than vectors
    refuse(second + 24, {0, 0}, true);           // no codebook
    refuse(second + 24, {0, 0, 0, 0, 2}, true);  // one of 8 GiB
}

TEST_CASE("a calibration that cannot be is refused though its checksum is right", "[format]") {
    const SegmentMeta meta = with_calibration();
    constexpr std::size_t size_of_second = 48 + 64 + 56;
    constexpr std::size_t head = 48 + 3 * 64;
    constexpr std::size_t points = head + 16;
    refuse_of(meta, size_of_second, {0});             // bytes behind the last field
    refuse_of(meta, size_of_second, {24});            // another size than its points have
    refuse_of(meta, size_of_second - 64, {16});       // of a field that has none
    refuse_of(meta, head, {0});                       // no queries
    refuse_of(meta, head + 4, {17});                  // more points than there can be
    refuse_of(meta, head + 4, {1});                   // fewer than its size says
    refuse_of(meta, head + 8, {0, 0, 0xC0, 0x3F});    // a recall of 1.5
    refuse_of(meta, head + 8, {0, 0, 0, 0x80});       // -0
    refuse_of(meta, head + 8, {0, 0, 0xC0, 0x7F});    // no number
    refuse_of(meta, head + 12, {0, 0, 0, 0x3F});      // a depth of 0.5
    refuse_of(meta, head + 12, {0, 0, 0xC9, 0x42});   // of 100.5
    refuse_of(meta, head + 12, {0, 0, 0, 0x80});      // of -0
    refuse_of(meta, points, {0});                     // an ef of 0
    refuse_of(meta, points + 8, {10, 0, 0});          // the same ef again
    refuse_of(meta, points + 8, {1, 0, 1});           // an ef of 65,537
    refuse_of(meta, points + 12, {0, 0, 0, 0x3E});    // recall that falls
    refuse_of(meta, points + 4, {0, 0, 0xC0, 0xFF});  // no number
}
