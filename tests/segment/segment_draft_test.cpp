#include "sextant/segment/segment_draft.hpp"

#include "segment/segment_files_support.hpp"
#include "support/hooked_files.hpp"

using namespace sextant;
using namespace test_support;

namespace {

/// One dead row, as a segment of all rows of another would share what is over their numbers.
void kill_one(StoredSegment& stored) {
    const std::uint32_t dead[] = {17};
    const auto prepared = stored.built->tombstones().prepare(dead).value();
    stored.built->tombstones().commit(prepared);
}

/// The live rows of `stored` once more, built into a draft at `place`.
Result<WrittenSegment> build_in_draft(
    StoredSegment& stored, const SegmentPlace& place, const std::stop_token& stop = {},
    FunctionRef<void(std::size_t)> written = [](std::size_t) {}) {
    const std::vector<SegmentState> sources{stored.state()};
    const SegmentSealer sealer(sources, Lsn{600});
    SEXTANT_TRY_ASSIGN(const auto draft, SegmentDraft::create(place, stop, written));
    SEXTANT_TRY_ASSIGN(
        const auto built,
        sealer.build({stored.fields, &stored.account, &stored.executor, stop, draft.get()}, [](double) {}));
    CHECK(built->field(0).bytes().vectors == 0);
    CHECK(built->field(0).bytes().codes == 0);
    return draft->finish(*built, stored.fields);
}

SegmentPlace numbered(const SegmentPlace& place, std::uint64_t number) {
    SegmentPlace other = place;
    other.number = number;
    return other;
}

std::vector<std::byte> without_header(const std::vector<std::byte>& bytes) {
    return {bytes.begin() + format::file_header_size, bytes.end()};
}

}  // namespace

TEST_CASE("a segment that is written while it is built has the same files as one built in memory", "[segment_files]") {
    for (const std::string metric : {"squared_l2", "inner_product", "cosine"}) {
        for (const bool codes : {false, true}) {
            INFO(metric << (codes ? " with codes" : ""));
            StoredSegment stored({.metric = metric, .codes = codes});
            kill_one(stored);
            // Both from the same source, so that both graphs begin with the same one.
            const auto source = stored.built;
            const std::vector<SegmentState> sources{stored.state()};
            const SegmentSealer sealer(sources, Lsn{600});
            stored.built = sealer.build({stored.fields, &stored.account, &stored.executor, {}}, [](double) {}).value();
            stored.write();
            const std::vector<std::string> names = stored.names();
            std::vector<std::vector<std::byte>> in_memory;
            for (const std::string& name : names) in_memory.push_back(stored.bytes_of(name));
            stored.built = source;
            REQUIRE(build_in_draft(stored, numbered(stored.place, 8)).has_value());
            stored.place.number = 8;
            CHECK(stored.names() == names);
            for (std::size_t i = 0; i < names.size(); ++i) {
                INFO(names[i]);
                if (names[i] == "footer" || names[i] == "meta") continue;  // they hold the number, or checksums with it
                CHECK(without_header(stored.bytes_of(names[i])) == without_header(in_memory[i]));
            }
            CHECK(stored.read().has_value());
        }
    }
}

TEST_CASE("a draft that is stopped, or meets a full disk, leaves nothing behind", "[segment_files]") {
    StoredSegment stored({.metric = "cosine", .codes = true, .rows = 3000, .dimension = 100});
    kill_one(stored);
    const SegmentPlace place = numbered(stored.place, 9);
    const auto nothing_left = [&] { return !stored.disk.files().exists(place.path() + ".tmp").value(); };
    for (const std::size_t pieces : {0U, 1U, 2U}) {
        std::stop_source stop;
        std::size_t seen = 0;
        if (pieces == 0) stop.request_stop();
        const auto stopped = build_in_draft(stored, place, stop.get_token(), [&](std::size_t) {
            if (++seen == pieces) stop.request_stop();
        });
        REQUIRE_FALSE(stopped.has_value());
        CHECK(stopped.error().code == ErrorCode::cancelled);
        CHECK(nothing_left());
    }
    for (const std::uint64_t room : {std::uint64_t{100'000}, std::uint64_t{1'300'000}, std::uint64_t{1'600'000}}) {
        stored.disk.set_capacity(stored.disk.used_bytes() + room);
        const auto full = build_in_draft(stored, place);
        REQUIRE_FALSE(full.has_value());
        CHECK(full.error().code == ErrorCode::resource_exhausted);
        CHECK(full.error().message.find(place.path() + ".tmp/") != std::string::npos);
        CHECK(nothing_left());
    }
    stored.disk.set_capacity(std::uint64_t{1} << 40U);
    CHECK(build_in_draft(stored, place).has_value());
}

TEST_CASE("a draft takes the place of one that was cut off", "[segment_files]") {
    StoredSegment stored({.codes = true});
    kill_one(stored);
    const SegmentPlace place = numbered(stored.place, 9);
    stored.disk.files().create_directory(place.path() + ".tmp").value();
    stored.disk.files().create_directory(place.path() + ".tmp/v0").value();
    stored.disk.files().open(place.path() + ".tmp/v0/vectors", FileMode::create_new).value();
    CHECK(build_in_draft(stored, place).has_value());
    CHECK_FALSE(stored.disk.files().exists(place.path() + ".tmp").value());
}

TEST_CASE("vectors and codes that reached the disk wrong are found before anything is made of them",
          "[segment_files]") {
    StoredSegment stored({.codes = true});
    kill_one(stored);
    HookedFiles files(stored.disk.files());
    for (const char* const part : {"/v0/vectors", "/v0/codes"}) {
        SegmentPlace place = numbered(stored.place, 9);
        place.files = &files;
        files.hooks.after_sync = [&](const std::string& name) -> std::optional<Error> {
            if (name.ends_with(part)) flip_byte(stored.disk, name, 5000);
            return std::nullopt;
        };
        const auto failed = build_in_draft(stored, place);
        REQUIRE_FALSE(failed.has_value());
        CHECK(failed.error().code == ErrorCode::corruption);
        CHECK(failed.error().message.find(std::string(part) + ": offset 0: checksum of block 0") != std::string::npos);
    }
}
