// Files of what changed in a segment since it was written: rows that died, payloads that were replaced.
#include "segment/segment_files_support.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::uint64_t dead_number = 12;
constexpr std::uint64_t overlay_number = 13;
const std::string dead_name = "del-000012";
const std::string overlay_name = "payload-000013";

struct ChangedSegment : StoredSegment {
    ChangedSegment() : StoredSegment({.rows = 200}) {
        write();
        built->tombstones().commit(built->tombstones().prepare(dead).value());
        built->overlay().reserve(3).value();
        garbage.reserve(3);
        change(4, 300, blob_of(1));
        change(5, 301, blob_of(2));  // dead: not written
        change(150, 302, "");
        change(150, 400, blob_of(3));  // after the version that is written
        write_tombstones(place, dead_number, state()).value();
        write_overlay(place, overlay_number, state(), Lsn{350}).value();
    }
    void change(std::uint32_t row, std::uint64_t lsn, const std::string& blob) {
        built->overlay().put(
            row, built->overlay().make(Lsn{lsn}, std::as_bytes(std::span(blob.data(), blob.size()))).value(), garbage);
    }
    std::shared_ptr<SealedSegment> fresh() { return read().value().segment; }

    std::vector<std::uint32_t> dead{0, 5, 63, 64, 199};
    std::vector<PayloadChange::Owner> garbage;
};

}  // namespace

TEST_CASE("dead rows and changed payloads come back", "[segment_files]") {
    ChangedSegment stored;
    const auto segment = stored.fresh();
    REQUIRE(read_tombstones(stored.place, dead_number, *segment).has_value());
    CHECK(read_overlay(stored.place, overlay_number, *segment).value() == Lsn{302});
    CHECK(verify_changes(stored.place, dead_number, overlay_number, 200));
    const SegmentState read = segment->state(segment);
    const SegmentState built = stored.state();
    CHECK(read.live_count == 195);
    const Lsn at{350};
    for (std::uint32_t row = 0; row < 200; ++row) {
        REQUIRE(read.alive(row) == built.alive(row));
        if (!read.alive(row)) continue;
        REQUIRE(read.version(row, at) == built.version(row, at));
        REQUIRE(text_of(read.payload(row, at)) == text_of(built.payload(row, at)));
    }
    CHECK(read.version(4, at) == Lsn{300});
    CHECK(text_of(read.payload(4, at)) == blob_of(1));
    CHECK(read.version(150, at) == Lsn{302});
    CHECK(read.payload(150, at).empty());
}

TEST_CASE("files of a segment in which nothing changed can be read", "[segment_files]") {
    StoredSegment stored({.rows = 64});
    stored.write();
    REQUIRE(write_tombstones(stored.place, 1, stored.state()).has_value());
    REQUIRE(write_overlay(stored.place, 2, stored.state(), Lsn{100}).has_value());
    const auto segment = stored.read().value().segment;
    REQUIRE(read_tombstones(stored.place, 1, *segment).has_value());
    CHECK(read_overlay(stored.place, 2, *segment).value() == Lsn{});
    CHECK(verify_changes(stored.place, 1, 2, 64));
    CHECK(verify_changes(stored.place, 0, 0, 64));
    CHECK(segment->state(segment).live_count == 64);
}

TEST_CASE("damage of what changed is corruption naming the file", "[segment_files]") {
    ChangedSegment stored;
    const auto segment = stored.fresh();
    const auto read = [&](const std::string& name) -> Result<void> {
        const bool dead = name == dead_name;
        const auto verified =
            verify_changes(stored.place, dead ? dead_number : 0, dead ? 0 : overlay_number, segment->row_count());
        Result<void> done;
        if (dead) {
            done = read_tombstones(stored.place, dead_number, *segment);
        } else if (const auto newest = read_overlay(stored.place, overlay_number, *segment); !newest) {
            done = newest.error();
        }
        // An audit says the same.
        REQUIRE(verified.has_value() == done.has_value());
        if (!done) REQUIRE(verified.error().message == done.error().message);
        return done;
    };
    const auto refused = [&](const std::string& name) {
        const auto done = read(name);
        REQUIRE_FALSE(done.has_value());
        CHECK(done.error().code == ErrorCode::corruption);
        CHECK(done.error().message.starts_with("/seg/000007/" + name + ":"));
    };
    for (const std::string& name : {dead_name, overlay_name}) {
        const auto whole = stored.bytes_of(name);
        for (std::size_t bit = 0; bit < whole.size() * 8; bit += 5) {
            stored.flip(name, bit);
            const auto done = read(name);
            REQUIRE_FALSE(done.has_value());
            REQUIRE(done.error().message.starts_with("/seg/000007/" + name + ":"));
            stored.flip(name, bit);
        }
        for (const std::size_t size : {std::size_t{0}, std::size_t{64}, std::size_t{80}, whole.size() - 1}) {
            stored.put(name, std::span(whole).first(size));
            refused(name);
        }
        auto longer = whole;
        longer.push_back(std::byte{0});
        stored.put(name, longer);
        refused(name);
        stored.disk.files().remove_file(stored.place.path() + "/" + name).value();
        refused(name);
        stored.put(name, whole);
    }
    // One in the other's place.
    stored.put(dead_name, stored.bytes_of(overlay_name));
    refused(dead_name);
    CHECK(segment->state(segment).live_count == 200);
    CHECK(read(overlay_name).has_value());
}

TEST_CASE("a changed payload that is none is refused though its checksum is right", "[segment_files]") {
    ChangedSegment stored;
    stored.built->overlay().reserve(1).value();
    stored.change(6, 310, "\1no payload");
    write_overlay(stored.place, 14, stored.state(), Lsn{350}).value();
    const auto segment = stored.fresh();
    const auto done = read_overlay(stored.place, 14, *segment);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ErrorCode::corruption);
    CHECK(done.error().message.starts_with("/seg/000007/payload-000014: row 6: "));
}
