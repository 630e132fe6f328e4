#include "sextant/segment/segment_files.hpp"

#include "segment/segment_files_support.hpp"

using namespace sextant;
using namespace test_support;

namespace {

void check_equal(const SegmentState& read, const SegmentState& built, const StoredSegment& stored) {
    REQUIRE(read.row_count == built.row_count);
    CHECK(read.live_count == built.live_count);
    CHECK(read.ids.wide() == built.ids.wide());
    const Lsn at{~std::uint64_t{0}};
    for (std::uint32_t row = 0; row < built.row_count; ++row) {
        const PointId id = built.ids[row];
        REQUIRE(read.ids[row] == id);
        REQUIRE(read.find(id, id.hash()) == RowId{row});
        REQUIRE(read.version(row, at) == built.version(row, at));
        REQUIRE(text_of(read.payload(row, at)) == text_of(built.payload(row, at)));
    }
    const Vectors queries = normal_vectors(20, stored.vectors.dimension, 99);
    for (std::size_t q = 0; q < queries.size(); ++q) {
        for (const bool exact : {false, true}) {
            REQUIRE(nearest(read, queries[q], exact) == nearest(built, queries[q], exact));
        }
    }
}

std::vector<std::vector<std::byte>> all_bytes(StoredSegment& stored) {
    std::vector<std::vector<std::byte>> all;
    for (const std::string& name : stored.names()) all.push_back(stored.bytes_of(name));
    return all;
}

}  // namespace

TEST_CASE("a segment that was read answers as the one that was written", "[segment_files]") {
    const std::string metric = GENERATE("squared_l2", "cosine", "inner_product");
    const bool codes = GENERATE(false, true);
    const bool uuids = GENERATE(false, true);
    const bool payloads = GENERATE(false, true);
    INFO(metric << " codes " << codes << " uuids " << uuids << " payloads " << payloads);
    StoredSegment stored({.metric = metric, .codes = codes, .uuids = uuids, .payloads = payloads, .rows = 300});
    const WrittenSegment written = stored.write();
    std::uint64_t bytes = 0;
    for (const std::string& name : stored.names()) bytes += stored.bytes_of(name).size();
    CHECK(written.bytes == bytes);
    REQUIRE(verify_segment_files(stored.place, written.footer_checksum).has_value());
    const auto read = stored.read(false, written.footer_checksum);
    REQUIRE(read.has_value());
    CHECK(read->rebuilt.empty());
    check_equal(read->segment->state(read->segment), stored.state(), stored);
    CHECK(read->segment->field(0).verify(300, {}).has_value());
    CHECK(read->segment->field(0).bytes().graph == stored.built->field(0).bytes().graph);

    // Written again, it is the same: nothing was lost on the way.
    const auto first = all_bytes(stored);
    SegmentPlace again = stored.place;
    stored.disk.files().create_directory("/again").value();
    again.directory = "/again";
    const auto second = write_segment(again, *read->segment, stored.fields, {}, [](std::size_t) {});
    REQUIRE(second.has_value());
    CHECK(second->footer_checksum == written.footer_checksum);
    stored.place = again;
    CHECK(all_bytes(stored) == first);
}

TEST_CASE("a segment of one row has files", "[segment_files]") {
    StoredSegment stored({.codes = true, .rows = 1, .dimension = 1});
    stored.write();
    const auto read = stored.read();
    REQUIRE(read.has_value());
    const SegmentState state = read->segment->state(read->segment);
    CHECK(state.find(PointId{1000}, PointId{1000}.hash()) == RowId{0});
    CHECK(nearest(state, stored.vectors[0], false).size() == 1);
}

TEST_CASE("equal segments have equal files", "[segment_files]") {
    StoredSegment first({.metric = "cosine", .codes = true, .uuids = true});
    StoredSegment second({.metric = "cosine", .codes = true, .uuids = true});
    CHECK(first.write().footer_checksum == second.write().footer_checksum);
    CHECK(first.names() == second.names());
    CHECK(all_bytes(first) == all_bytes(second));
}

TEST_CASE("a segment has the files of docs/format/segment.md", "[segment_files]") {
    StoredSegment plain({.payloads = false, .rows = 10});
    plain.write();
    CHECK(plain.names() == std::vector<std::string>{"footer", "ids", "meta", "v0/graph", "v0/vectors"});
    StoredSegment coded({.codes = true, .rows = 10});
    coded.write();
    CHECK(coded.names() == std::vector<std::string>{"footer", "ids", "meta", "payload", "v0/codebook", "v0/codes",
                                                    "v0/graph", "v0/vectors"});
}

TEST_CASE("writing that is cancelled or fails leaves no segment, and can be repeated", "[segment_files]") {
    StoredSegment stored({.codes = true, .rows = 50});
    std::stop_source stop;
    stop.request_stop();
    const auto stopped =
        write_segment(stored.place, *stored.built, stored.fields, stop.get_token(), [](std::size_t) {});
    REQUIRE_FALSE(stopped.has_value());
    CHECK(stopped.error().code == ErrorCode::cancelled);
    CHECK(stored.disk.files().list("/seg")->empty());
    stored.disk.set_capacity(8'000);
    const auto full = write_segment(stored.place, *stored.built, stored.fields, {}, [](std::size_t) {});
    REQUIRE_FALSE(full.has_value());
    CHECK(full.error().code == ErrorCode::resource_exhausted);
    CHECK_FALSE(stored.disk.files().exists(stored.place.path()).value());
    stored.disk.set_capacity(SimDisk::unlimited);
    stored.write();
    CHECK(stored.read().has_value());
}

TEST_CASE("reading that is cancelled says so and gives memory back", "[segment_files]") {
    StoredSegment stored({.codes = true, .rows = 50});
    stored.write();
    const std::uint64_t used = stored.account.used();
    std::stop_source stop;
    stop.request_stop();
    InlineExecutor executor;
    const auto stopped = read_segment(stored.place, stored.fields,
                                      {.account = &stored.account, .executor = &executor, .stop = stop.get_token()});
    REQUIRE_FALSE(stopped.has_value());
    CHECK(stopped.error().code == ErrorCode::cancelled);
    CHECK(stored.account.used() == used);
}

TEST_CASE("memory that gives out while a segment is read is told, and given back", "[segment_files]") {
    StoredSegment stored({.codes = true, .rows = 100});
    stored.write();
    const std::uint64_t used = stored.account.used();
    std::uint64_t granted = 0;
    for (;; ++granted) {
        stored.account.refuse_after(granted);
        const auto read = stored.read(true);
        if (read.has_value()) break;
        REQUIRE(read.error().code == ErrorCode::resource_exhausted);
        REQUIRE(stored.account.used() == used);
    }
    CHECK(granted >= 6);
    CHECK(stored.account.used() == used);
}

TEST_CASE("a field of another kind is refused", "[segment_files]") {
    StoredSegment stored({.rows = 20});
    stored.write();
    for (auto& other : {fields_of("cosine", false, 32), fields_of("squared_l2", true, 32),
                        fields_of("squared_l2", false, 31), Fields{}}) {
        const auto read = read_segment(stored.place, other, {.account = &stored.account, .executor = &stored.executor});
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == ErrorCode::corruption);
        CHECK(read.error().message.starts_with("/seg/000007/meta: "));
    }
}
