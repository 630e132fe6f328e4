// Damage of a segment's files: found, named, and healed where the vectors say what was there.
#include "segment/segment_files_support.hpp"
#include "sextant/core/random.hpp"

using namespace sextant;
using namespace test_support;

namespace {

bool derived(const std::string& name) { return name == "v0/graph" || name == "v0/codes" || name == "v0/codebook"; }

/// Of damage in `name`, without and with leave to make derived parts anew.
void check_damaged(StoredSegment& stored, const std::string& name) {
    INFO(name);
    const std::string path = "/seg/000007/" + name;
    const auto read = stored.read();
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::corruption);
    CHECK(read.error().message.starts_with(path + ":"));
    const auto verified = verify_segment_files(stored.place, 0);
    REQUIRE_FALSE(verified.has_value());
    CHECK(verified.error().code == ErrorCode::corruption);
    CHECK(verified.error().message.starts_with(path + ":"));
}

void check_rebuilt(StoredSegment& stored, const std::string& name) {
    INFO(name);
    const auto read = stored.read(true);
    if (!derived(name)) {
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == ErrorCode::corruption);
        return;
    }
    REQUIRE(read.has_value());
    REQUIRE(read->rebuilt.size() == 1);
    CHECK(read->rebuilt[0].starts_with(name == "v0/graph" ? "graph: " : "codes: "));
    CHECK(read->rebuilt[0].find("/seg/000007/" + name) != std::string::npos);
    CHECK(read->segment->field(0).verify(read->segment->row_count(), {}).has_value());
    const SegmentState state = read->segment->state(read->segment);
    const SegmentState built = stored.state();
    for (std::size_t i = 0; i < 10; ++i) {
        CHECK(nearest(state, stored.vectors[i], false) == nearest(built, stored.vectors[i], false));
    }
}

}  // namespace

TEST_CASE("a flipped bit is found wherever it is", "[segment_files]") {
    StoredSegment stored({.metric = "cosine", .codes = true, .uuids = true});
    stored.write();
    Random random(5);
    for (const std::string& name : stored.names()) {
        const std::size_t size = stored.bytes_of(name).size();
        for (std::size_t at = 0; at < size; at += 256) {
            const std::uint64_t bit = 8 * at + random.below(8 * std::min<std::size_t>(256, size - at));
            stored.flip(name, bit);
            INFO("bit " << bit);
            check_damaged(stored, name);
            stored.flip(name, bit);
        }
    }
    CHECK(stored.read().has_value());
}

TEST_CASE("damage of graph and codes is healed and named, any other is an error", "[segment_files]") {
    StoredSegment stored({.metric = "cosine", .codes = true, .rows = 300});
    stored.write();
    for (const std::string& name : stored.names()) {
        const auto whole = stored.bytes_of(name);
        stored.flip(name, whole.size() * 4);
        check_rebuilt(stored, name);
        stored.put(name, std::span(whole).first(whole.size() / 2));
        check_rebuilt(stored, name);
        stored.disk.files().remove_file(stored.place.path() + "/" + name).value();
        check_rebuilt(stored, name);
        stored.put(name, whole);
    }
    const auto read = stored.read(true);
    REQUIRE(read.has_value());
    CHECK(read->rebuilt.empty());
}

TEST_CASE("codes and graph that are both damaged are both made anew", "[segment_files]") {
    StoredSegment stored({.codes = true, .rows = 300});
    stored.write();
    stored.flip("v0/graph", 8000);
    stored.flip("v0/codes", 8000);
    const auto read = stored.read(true);
    REQUIRE(read.has_value());
    CHECK(read->rebuilt.size() == 2);
    CHECK(read->segment->field(0).verify(300, {}).has_value());
}

TEST_CASE("files that were cut, made longer, or are missing are named", "[segment_files]") {
    StoredSegment stored({.codes = true, .rows = 100});
    stored.write();
    for (const std::string& name : stored.names()) {
        const auto whole = stored.bytes_of(name);
        for (const std::size_t size : {std::size_t{0}, std::size_t{63}, std::size_t{64}, whole.size() - 1}) {
            stored.put(name, std::span(whole).first(size));
            check_damaged(stored, name);
        }
        auto longer = whole;
        longer.resize(whole.size() + 64);
        stored.put(name, longer);
        check_damaged(stored, name);
        stored.disk.files().remove_file(stored.place.path() + "/" + name).value();
        check_damaged(stored, name);
        stored.put(name, whole);
    }
    CHECK(stored.read().has_value());
}

TEST_CASE("a file of another segment in a file's place is found", "[segment_files]") {
    StoredSegment stored({.codes = true, .rows = 100});
    stored.write();
    // The same segment under another number: contents and sizes agree, identities do not.
    SegmentPlace other = stored.place;
    other.number = 8;
    stored.write_to(other);
    for (const std::string& name : stored.names()) {
        const auto own = stored.bytes_of(name);
        std::swap(stored.place.number, other.number);
        const auto foreign = stored.bytes_of(name);
        std::swap(stored.place.number, other.number);
        REQUIRE(own.size() == foreign.size());
        stored.put(name, foreign);
        check_damaged(stored, name);
        stored.put(name, own);
    }
}

TEST_CASE("another footer than the one that is expected is refused", "[segment_files]") {
    StoredSegment stored({.rows = 20});
    const WrittenSegment written = stored.write();
    CHECK(stored.read(false, written.footer_checksum).has_value());
    const auto read = stored.read(false, written.footer_checksum + 1);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::corruption);
    CHECK(read.error().message.starts_with("/seg/000007/footer: checksum is "));
    CHECK_FALSE(verify_segment_files(stored.place, written.footer_checksum + 1).has_value());
}
