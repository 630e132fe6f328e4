// Rows of segments whose vectors stay in files: the same however they are read, an error where they cannot be.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <random>
#include <thread>

#include "io/test_directory.hpp"
#include "segment/segment_files_support.hpp"
#include "support/allocations.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr BatchReads all_ways[] = {BatchReads::automatic, BatchReads::threads, BatchReads::one_by_one};

/// A segment in files of the machine, mapped.
class OnDisk {
public:
    OnDisk(StoredSegment& stored, BatchReads way) : files_(posix_file_system(way)), place_(stored.place) {
        place_.files = files_.get();
        place_.directory = directory_.path();
        stored.write_to(place_);
        segment =
            read_segment(
                place_, stored.fields,
                {.account = &stored.account, .executor = &stored.executor, .residency = Residency::mapped_vectors})
                .value()
                .segment;
    }
    [[nodiscard]] std::string path() const { return place_.path() + "/v0/vectors"; }
    /// So that the next look waits for the disk, where the system lets go of the pages.
    void forget() const {
        const int descriptor = ::open(path().c_str(), O_RDONLY);
        ::fsync(descriptor);
        ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
        ::close(descriptor);
    }
    [[nodiscard]] const FieldRows& rows() const { return segment->field(0); }

private:
    sextant_test::TestDirectory directory_;
    std::unique_ptr<FileSystem> files_;
    SegmentPlace place_;

public:
    std::shared_ptr<SealedSegment> segment;
};

std::vector<RowId> some_rows(std::size_t count, std::uint32_t most, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<RowId> rows(count);
    for (RowId& row : rows) row = RowId{static_cast<std::uint32_t>(random() % most)};
    return rows;
}

/// How many of these rows are not as they were given.
std::size_t wrong_rows(const VectorReader& reader, const StoredSegment& stored, std::span<const RowId> rows,
                       QueryScratch& scratch) {
    scratch.reset();
    const auto read = reader.read(rows, scratch);
    if (!read) return rows.size();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const VectorView given = stored.vectors[to_index(rows[i])];
        const VectorView got = read->vector(i, given.size(), nullptr);
        wrong += std::equal(given.begin(), given.end(), got.begin()) ? 0U : 1U;
    }
    return wrong;
}

FieldQuery query_of(const StoredSegment& stored, std::size_t row) {
    FieldQuery query{.vector = stored.vectors[row], .count = 10, .ef = 60};
    query.admitted_count = stored.built->row_count();
    return query;
}

}  // namespace

TEST_CASE("rows of a file are as they were given, whichever way they are read", "[mapped_reads]") {
    // 44 floats and their padding are 192 bytes: rows straddle pages and blocks.
    StoredSegment stored({.metric = "cosine", .codes = true, .rows = 3000, .dimension = 44});
    for (const BatchReads way : all_ways) {
        INFO(static_cast<int>(way));
        const OnDisk disk(stored, way);
        const VectorReader& reader = disk.rows().vectors();
        CHECK(reader.in_file());
        CHECK_FALSE(stored.built->field(0).vectors().in_file());
        QueryScratch scratch;
        disk.forget();
        for (std::uint64_t round = 0; round < 30; ++round) {
            if (round % 10 == 5) disk.forget();
            const auto rows = some_rows(round % 3 == 0 ? 1 : 1 + round * 7, 3000, round);
            REQUIRE(wrong_rows(reader, stored, rows, scratch) == 0);
        }
        // Norms come with the rows.
        disk.forget();
        scratch.reset();
        const auto rows = some_rows(50, 3000, 99);
        const VectorRows read = reader.read(rows, scratch).value();
        const VectorRows resident = stored.built->field(0).vectors().read(rows, scratch).value();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            CHECK(read.source.inverse_norm[to_index(read.rows[i])] ==
                  resident.source.inverse_norm[to_index(resident.rows[i])]);
        }
    }
}

TEST_CASE("answers from a file are those from memory", "[mapped_reads]") {
    for (const std::string metric : {"squared_l2", "inner_product", "cosine"}) {
        StoredSegment stored({.metric = metric, .codes = true, .rows = 3000, .dimension = 44});
        const OnDisk disk(stored, BatchReads::automatic);
        FieldScratch scratch;
        std::vector<Neighbor> here(400);
        std::vector<Neighbor> there(400);
        for (std::size_t row = 0; row < 60; ++row) {
            if (row % 20 == 0) disk.forget();
            FieldQuery query = query_of(stored, row);
            if (row % 4 == 1) query.oversampling = 4.0F;
            if (row % 4 == 2) query.count = query.ef = 150;  // more than one wave
            const FieldAnswer expected = stored.built->field(0).search(query, 3000, scratch, here);
            if (row % 4 == 3) query.bound = (here[4].distance + here[5].distance) / 2;
            const FieldAnswer answer = disk.rows().search(query, 3000, scratch, there);
            REQUIRE_FALSE(answer.failure.has_value());
            REQUIRE(answer.found == (row % 4 == 3 ? 5 : expected.found));
            CHECK(std::equal(there.begin(), there.begin() + static_cast<std::ptrdiff_t>(answer.found), here.begin()));
            CHECK(answer.more_within_bound == (row % 4 != 3));
        }
    }
}

TEST_CASE("rows that cannot be read are an error of the call that wants them", "[mapped_reads]") {
    StoredSegment stored({.codes = true, .rows = 2000});
    stored.write();
    const auto read = read_segment(
        stored.place, stored.fields,
        {.account = &stored.account, .executor = &stored.executor, .residency = Residency::mapped_vectors});
    const FieldRows& rows = read->segment->field(0);
    FieldScratch scratch;
    std::vector<Neighbor> out(10);
    const FieldQuery query = query_of(stored, 3);
    for (const bool checked : {false, true}) {
        INFO((checked ? "blocks were checked" : "blocks were not checked"));
        stored.disk.inject({.at_call = stored.disk.op_count(), .kind = FaultKind::read_fails, .lasting = true});
        const FieldAnswer failed = rows.search(query, 2000, scratch, out);
        REQUIRE(failed.failure.has_value());
        CHECK(failed.failure->code == ErrorCode::io_error);
        CHECK(failed.failure->message.starts_with("/seg/000007/v0/vectors: read "));
        CHECK(failed.found == 0);
        stored.disk.clear_faults();
        const FieldAnswer answer = rows.search(query, 2000, scratch, out);
        CHECK_FALSE(answer.failure.has_value());
        CHECK(answer.found == 10);
        CHECK(out[0].row == RowId{3});
    }
}

TEST_CASE("rows of a file that was cut short are corruption, not the end of the process", "[mapped_reads]") {
    StoredSegment stored({.codes = true, .rows = 3000, .dimension = 44});
    for (const BatchReads way : all_ways) {
        const OnDisk disk(stored, way);
        QueryScratch scratch;
        const RowId last[] = {RowId{2999}, RowId{5}, RowId{2990}};
        CHECK(wrong_rows(disk.rows().vectors(), stored, last, scratch) == 0);  // and their blocks are checked
        REQUIRE(::truncate(disk.path().c_str(), 100'000) == 0);
        for (const RowId row : {RowId{2999}, RowId{1500}}) {  // of a block that was checked, and of one that was not
            scratch.reset();
            const RowId list[] = {RowId{5}, row};
            const auto read = disk.rows().vectors().read(list, scratch);
            REQUIRE_FALSE(read.has_value());
            CHECK(read.error().code == ErrorCode::corruption);
            CHECK(read.error().message.starts_with(disk.path() + ": "));
            CHECK(read.error().message.find("bytes wanted at offset") != std::string::npos);
        }
        const RowId whole[] = {RowId{5}, RowId{6}};
        CHECK(wrong_rows(disk.rows().vectors(), stored, whole, scratch) == 0);
    }
}

TEST_CASE("a search that is stopped while it rescores says so, and ranks what it has read", "[mapped_reads]") {
    StoredSegment stored({.codes = true, .rows = 2000});
    stored.write();
    const auto read = read_segment(
        stored.place, stored.fields,
        {.account = &stored.account, .executor = &stored.executor, .residency = Residency::mapped_vectors});
    FieldScratch scratch;
    std::vector<Neighbor> out(10);
    std::stop_source stop;
    const std::stop_token token = stop.get_token();
    FieldQuery query = query_of(stored, 3);
    query.stop = &token;
    FieldAnswer answer = read->segment->field(0).search(query, 2000, scratch, out);
    CHECK_FALSE(answer.counters.stopped);
    CHECK(answer.found == 10);
    stop.request_stop();
    answer = read->segment->field(0).search(query, 2000, scratch, out);
    CHECK(answer.counters.stopped);
    CHECK_FALSE(answer.failure.has_value());
}

TEST_CASE("warm searches of rows in files allocate nothing", "[mapped_reads]") {
    StoredSegment stored({.metric = "cosine", .codes = true, .rows = 3000, .dimension = 44});
    for (const BatchReads way : all_ways) {
        const OnDisk disk(stored, way);
        FieldScratch scratch;
        std::vector<Neighbor> out(10);
        const auto round = [&] {
            std::uint64_t allocations = 0;
            for (std::size_t row = 0; row < 40; ++row) {
                disk.forget();
                const std::uint64_t before = allocations_of_this_thread();
                static_cast<void>(disk.rows().search(query_of(stored, row * 11), 3000, scratch, out));
                allocations += allocations_of_this_thread() - before;
            }
            return allocations;
        };
        round();
        round();
        CHECK(round() == 0);
    }
}

TEST_CASE("threads that meet blocks of a file for the first time all get rows", "[mapped_reads][threads]") {
    StoredSegment stored({.codes = true, .rows = 3000, .dimension = 44});
    for (const BatchReads way : all_ways) {
        const OnDisk disk(stored, way);
        disk.forget();
        std::atomic<std::size_t> wrong{0};
        std::vector<std::thread> threads;
        for (std::uint64_t t = 0; t < 6; ++t) {
            threads.emplace_back([&, t] {
                QueryScratch scratch;
                for (std::uint64_t round = 0; round < 10; ++round) {
                    wrong += wrong_rows(disk.rows().vectors(), stored, some_rows(40, 3000, t * 100 + round), scratch);
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(wrong == 0);
    }
}
