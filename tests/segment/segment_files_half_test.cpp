// Segments of half floats in their files.
#include <bit>
#include <cstring>

#include "segment/segment_files_support.hpp"
#include "sextant/core/half.hpp"
#include "sextant/segment/field_layout.hpp"
#include "support/vector_access.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 21;

SegmentKindOfTest of_halves(const char* metric, bool codes) {
    return {.metric = metric, .codes = codes, .dimension = dimension, .raw = RawPrecision::F16};
}

Result<ReadSegment> read_as(StoredSegment& stored, const Fields& fields, Residency residency) {
    return read_segment(stored.place, fields,
                        {.account = &stored.account, .executor = &stored.executor, .residency = residency});
}

std::vector<float> rounded(VectorView vector) {
    std::vector<float> out;
    for (const float value : vector) out.push_back(float_of_half(half_of_float(value)));
    return out;
}

}  // namespace

TEST_CASE("a segment of half floats is read as it was built, wherever its vectors lie", "[segment]") {
    for (const char* const metric : {"squared_l2", "cosine", "inner_product"}) {
        for (const bool codes : {false, true}) {
            CAPTURE(metric, codes);
            StoredSegment stored(of_halves(metric, codes));
            stored.write();
            const auto meta = format::decode_segment_meta(stored.bytes_of("meta"),
                                                          stored.identity(format::FileKind::segment_meta), "meta")
                                  .value();
            CHECK(meta.fields[0].raw == RawPrecision::F16);
            CHECK(meta.fields[0].vector_stride == detail::raw_stride(dimension, RawPrecision::F16));
            for (const Residency residency : {Residency::resident, Residency::mapped_vectors, Residency::mapped}) {
                CAPTURE(static_cast<int>(residency));
                const auto read = read_as(stored, stored.fields, residency).value();
                const FieldRows& rows = read.segment->field(0);
                for (std::uint32_t row = 0; row < 600; ++row) {
                    const auto expected = rounded(stored.vectors[row]);
                    const auto got = vector_of(rows, RowId{row}, dimension);
                    REQUIRE(std::memcmp(got.data(), expected.data(), dimension * sizeof(float)) == 0);
                }
                const SegmentState state = read.segment->state(read.segment);
                for (std::size_t q = 0; q < 20; ++q) {
                    for (const bool exact : {false, true}) {
                        CHECK(nearest(state, stored.vectors[q * 29], exact) ==
                              nearest(stored.state(), stored.vectors[q * 29], exact));
                    }
                }
                CHECK(rows.verify(600, {}));
                use(read.segment, stored);
            }
        }
    }
}

TEST_CASE("a segment of another precision than its collection's is damage", "[segment]") {
    for (const RawPrecision raw : {RawPrecision::F32, RawPrecision::F16}) {
        SegmentKindOfTest kind = of_halves("cosine", true);
        kind.raw = raw;
        StoredSegment stored(kind);
        stored.write();
        const Fields others =
            fields_of("cosine", true, dimension, raw == RawPrecision::F16 ? RawPrecision::F32 : RawPrecision::F16);
        for (const Residency residency : {Residency::resident, Residency::mapped}) {
            const auto refused = read_as(stored, others, residency);
            REQUIRE_FALSE(refused.has_value());
            CHECK(refused.error().code == ErrorCode::corruption);
            CHECK(refused.error().message == std::string("/seg/000007/meta: precision of vectors is ") +
                                                 (raw == RawPrecision::F16 ? "2, expected 1" : "1, expected 2"));
        }
    }
}

TEST_CASE("half floats that are not finite, or not where they should be, are found", "[segment]") {
    StoredSegment stored(of_halves("squared_l2", false));
    stored.write();
    const std::vector<std::byte> whole = stored.bytes_of("v0/vectors");
    const std::size_t stride = detail::raw_stride(dimension, RawPrecision::F16);
    REQUIRE(whole.size() == 64 + 600 * stride);
    for (const std::uint16_t bad : {std::uint16_t{0x7C00}, std::uint16_t{0xFC00}, std::uint16_t{0x7E01}}) {
        auto bytes = whole;
        std::memcpy(bytes.data() + 64 + 123 * stride + 2 * 7, &bad, sizeof bad);
        stored.forge(format::FileKind::vectors, "v0/vectors", bytes);
        const auto read = read_as(stored, stored.fields, Residency::mapped).value();
        const auto found = read.segment->field(0).verify(600, {});
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().code == ErrorCode::corruption);
        CHECK(found.error().message.find("row 123") != std::string::npos);
    }
    // As large as floats would be.
    auto longer = whole;
    longer.resize(64 + 600 * detail::float_stride(dimension));
    stored.forge(format::FileKind::vectors, "v0/vectors", longer);
    const auto refused = read_as(stored, stored.fields, Residency::resident);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::corruption);
    CHECK(refused.error().message.find("v0/vectors: offset ") != std::string::npos);
}
