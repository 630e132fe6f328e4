// Segments whose raw vectors stay in their files: the same answers, and damage that is found when it is read.
#include "segment/segment_files_support.hpp"

using namespace sextant;
using namespace test_support;

namespace {

Result<ReadSegment> read_mapped(StoredSegment& stored, bool rebuild = false, bool check = false) {
    return read_segment(stored.place, stored.fields,
                        {.account = &stored.account,
                         .executor = &stored.executor,
                         .rebuild_derived = rebuild,
                         .residency = Residency::mapped,
                         .check_mapped = check});
}

/// Offset in the file of vectors where row `row` begins.
std::uint64_t offset_of(const StoredSegment& stored, std::uint64_t row) {
    return format::file_header_size + row * stored.vectors[0].size() * sizeof(float);
}

}  // namespace

TEST_CASE("a mapped segment answers as one in memory does, and holds no vectors there", "[segment_files]") {
    for (const std::string metric : {"squared_l2", "inner_product", "cosine"}) {
        for (const bool codes : {false, true}) {
            INFO(metric << (codes ? " with codes" : ""));
            StoredSegment stored({.metric = metric, .codes = codes});
            stored.write();
            const auto read = read_mapped(stored);
            REQUIRE(read.has_value());
            CHECK(read->segment->field(0).bytes().vectors == 0);
            CHECK(stored.built->field(0).bytes().vectors >= 600 * 32 * sizeof(float));
            const SegmentState state = read->segment->state(read->segment);
            const SegmentState built = stored.state();
            for (std::size_t i = 0; i < 50; ++i) {
                for (const bool exact : {false, true}) {
                    CHECK(nearest(state, stored.vectors[i], exact) == nearest(built, stored.vectors[i], exact));
                }
            }
            CHECK(read->segment->field(0).verify(600, {}).has_value());
        }
    }
}

TEST_CASE("damage of mapped vectors is found when they are read, and only then", "[segment_files]") {
    StoredSegment stored({.codes = true, .rows = 2000});
    stored.write();
    // Rows of block 2, which begins at byte 131,072.
    const std::uint64_t at = 131'072 + 4096;
    const auto damaged_row = static_cast<std::uint32_t>((at - format::file_header_size) / (32 * sizeof(float)));
    stored.flip("v0/vectors", 8 * at);
    const auto read = read_mapped(stored);
    REQUIRE(read.has_value());
    const VectorReader& vectors = read->segment->field(0).vectors();
    QueryScratch scratch;
    const RowId whole[] = {RowId{0}, RowId{1999}};
    const auto rows = vectors.read(whole, scratch);
    REQUIRE(rows.has_value());
    CHECK(rows->vector(1, 32, nullptr)[0] == stored.vectors[1999][0]);
    const RowId broken[] = {RowId{0}, RowId{damaged_row}};
    for (const auto& result : {vectors.read(broken, scratch).error(), vectors.check_all({}).error(),
                               read->segment->field(0).verify(2000, {}).error()}) {
        CHECK(result.code == ErrorCode::corruption);
        CHECK(result.message.starts_with("/seg/000007/v0/vectors: offset 131072: checksum of block 2 is "));
    }
    // Nor does it get into new files, nor into what is made anew.
    SegmentPlace other = stored.place;
    other.number = 9;
    CHECK_FALSE(write_segment(other, *read->segment, stored.fields, {}, [](std::size_t) {}).has_value());
    stored.flip("v0/graph", 8000);
    CHECK(read_mapped(stored, true).error().message.starts_with("/seg/000007/v0/vectors: "));
    stored.flip("v0/graph", 8000);
    CHECK(read_mapped(stored, true, true).error().code == ErrorCode::corruption);
    stored.flip("v0/vectors", 8 * at);
    CHECK(read_mapped(stored, true, true).has_value());
}

TEST_CASE("an exact search over damaged mapped vectors is an error, not an answer", "[segment_files]") {
    for (const bool codes : {false, true}) {
        INFO((codes ? "codes" : "none"));
        StoredSegment stored({.codes = codes});
        stored.write();
        stored.flip("v0/vectors", 8 * offset_of(stored, 599));
        const auto read = read_mapped(stored);
        REQUIRE(read.has_value());
        FieldScratch scratch;
        std::vector<Neighbor> out(5);
        const VectorView vector = stored.vectors[0];
        for (const bool exact : {true, false}) {
            // Codes find candidates without reading vectors; none of the first row's are in the last block.
            if (!exact && codes) continue;
            const FieldQuery query{.vector = vector, .count = 5, .ef = 20, .exact = exact, .admitted_count = 600};
            const FieldAnswer answer = read->segment->field(0).search(query, 600, scratch, out);
            REQUIRE(answer.failure.has_value());
            CHECK(answer.failure->code == ErrorCode::corruption);
            CHECK(answer.found == 0);
        }
    }
}

TEST_CASE("damaged graph and codes of a mapped segment are made anew from the file", "[segment_files]") {
    StoredSegment stored({.metric = "cosine", .codes = true});
    stored.write();
    stored.flip("v0/graph", 8000);
    stored.flip("v0/codes", 8000);
    const auto read = read_mapped(stored, true);
    REQUIRE(read.has_value());
    CHECK(read->rebuilt.size() == 2);
    CHECK(read->segment->field(0).bytes().vectors == 0);
    CHECK(read->segment->field(0).verify(600, {}).has_value());
}

TEST_CASE("a mapped segment can be written again, byte for byte", "[segment_files]") {
    StoredSegment stored({.metric = "cosine", .codes = true});
    stored.write();
    const auto before = stored.bytes_of("v0/vectors");
    const auto read = read_mapped(stored);
    REQUIRE(read.has_value());
    stored.disk.files().remove_file(stored.place.path() + "/v0/vectors").value();  // the mapping outlives the name
    SegmentPlace other = stored.place;
    other.number = 9;
    write_segment(other, *read->segment, stored.fields, {}, [](std::size_t) {}).value();
    std::swap(stored.place.number, other.number);
    const auto after = stored.bytes_of("v0/vectors");
    REQUIRE(after.size() == before.size());
    CHECK(std::equal(after.begin() + format::file_header_size, after.end(), before.begin() + format::file_header_size));
}
