// Collections that version 1 wrote: every later version opens them, finds all that is in them, and goes on with them.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "collection/golden_collection.hpp"
#include "collection/page_reader.hpp"
#include "io/test_directory.hpp"
#include "sextant/core/half.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

using Files = std::map<std::string, FileBytes>;

void place(const Files& files, const std::string& path) {
    for (const auto& [inner, bytes] : files) {
        const std::filesystem::path file = path + "/" + inner;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream out(file, std::ios::binary);
        out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        REQUIRE(out.good());
    }
}

/// All that lies below `path`; directories as files without bytes whose name ends in a slash.
Files found_at(const std::string& path) {
    Files files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        std::string inner = std::filesystem::relative(entry.path(), path).generic_string();
        if (entry.is_directory()) {
            files[inner + "/"] = {};
            continue;
        }
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
        files[inner] = {bytes.begin(), bytes.end()};
    }
    files.erase("LOCK");  // says which process has the collection open
    return files;
}

template <class C>
void check_whole(const C& collection, const GoldenCollection& golden) {
    check_same(contents(collection), golden.points);
    CHECK(collection.count().value() == golden.points.size());
    for (const GoldenSearch& search : golden.searches) {
        const SearchResult answer =
            collection.search({.vector = search.vector, .k = search.k, .exact = search.exact}).value();
        REQUIRE(answer.size() == search.hits.size());
        for (std::size_t i = 0; i < answer.size(); ++i) {
            CHECK(answer[i].id == search.hits[i].first);
            CHECK(answer[i].score == Approx(search.hits[i].second).epsilon(1e-5));
        }
    }
    for (const auto& [id, point] : golden.points) {
        const auto record = collection.get(id, {.payload = true, .vector = true}).value();
        CHECK(record.vector == point.vector);
        CHECK(record.payload == point.payload);
        CHECK(record.version == point.version);
    }
    collection.verify(Depth::full).value();
    const RecoveryReport report = collection.stats().value().recovery;
    CHECK(report.lost.empty());
    CHECK(report.rebuilt.empty());
}

template <class C>
void check_golden(const char* file, Residency residency) {
    const GoldenCollection golden = GoldenCollection::read(file);
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    place(golden.files, path);
    OpenOptions open = inline_work();
    open.residency = residency;
    {
        const Files before = found_at(path);
        OpenOptions reading = open;
        reading.mode = OpenMode::read_only;
        const auto collection = C::open(path, {}, reading).value();
        check_whole(collection, golden);
        CHECK(found_at(path) == before);
    }
    Contents expected = golden.points;
    const std::size_t dimension = expected.begin()->second.vector.size();
    const auto write = [&](C& collection, const PointId& id) {
        std::vector<float> vector = seeded_vector(id.hash(), dimension);
        const Lsn version = collection.upsert(id, vector, {{"new", id.to_string()}}).value();
        if (file == golden_half) {
            for (float& value : vector) value = float_of_half(half_of_float(value));
        }
        expected[id] = {vector, {{"new", id.to_string()}}, version};
    };
    const PointId old = golden.points.begin()->first;
    {
        auto collection = C::open(path, {.dimension = dimension}, open).value();
        check_whole(collection, golden);
        write(collection, old);
        write(collection, PointId{1'000'000});
        write(collection, PointId::from_name("new"));
        check_same(contents(collection), expected);
    }
    {
        auto collection = C::open(path, {}, open).value();
        check_same(contents(collection), expected);
        collection.optimize().value();
        check_same(contents(collection), expected);
        collection.verify(Depth::full).value();
        collection.close().value();
    }
    const auto collection = C::open(path, {}, open).value();
    check_same(contents(collection), expected);
    collection.verify(Depth::full).value();
}

void check_pages(const char* file, const PageSummary& expected) {
    const GoldenCollection golden = GoldenCollection::read(file);
    PageSummary found;
    check_same(read_by_pages(golden.files, found), golden.points);
    CHECK(found.rows == expected.rows);
    CHECK(found.dead == expected.dead);
    CHECK(found.changed == expected.changed);
    CHECK(found.frames == expected.frames);
    CHECK(found.effects == expected.effects);
    CHECK(found.closed == expected.closed);
}

}  // namespace

TEST_CASE("collections of version 1 are opened, read, written and opened again", "[durable][golden]") {
    for (const Residency residency : {Residency::resident, Residency::mapped_vectors, Residency::mapped}) {
        INFO("residency " << static_cast<int>(residency));
        check_golden<CodedCollection>(golden_coded, residency);
        check_golden<PlainCollection>(golden_plain, residency);
        check_golden<CodedCollection>(golden_half, residency);
    }
}

TEST_CASE("collections of version 1 have a file of every kind", "[durable][golden]") {
    std::set<std::string> kinds;
    for (const char* const file : {golden_coded, golden_plain}) {
        for (const auto& [path, bytes] : GoldenCollection::read(file).files) kinds.insert(kind_of_file("/" + path));
    }
    const std::set<std::string> expected{
        "CURRENT", "LOCK",    "MANIFEST", "reserve", "log",   "log, put aside", "meta",       "footer",
        "ids",     "payload", "graph",    "vectors", "codes", "codebook",       "tombstones", "changed payloads"};
    CHECK(kinds == expected);
}

TEST_CASE("a program that knows the pages of docs/format alone finds in their files what is in them",
          "[durable][golden][format]") {
    check_pages(golden_coded, {.rows = 42, .dead = 3, .changed = 2, .frames = 9, .effects = 11, .closed = false});
    check_pages(golden_half, {.rows = 30, .dead = 0, .changed = 0, .frames = 3, .effects = 3, .closed = false});
    check_pages(golden_plain, {.rows = 24, .dead = 0, .changed = 0, .frames = 4, .effects = 4, .closed = true});
}

// Run by its name, after a format has got a new version: it writes the collections as the present library makes them
// into the working directory. Those of version 1 stay as they are; a new version has its own directory beside v1.
TEST_CASE("golden collections are written", "[.][write_golden]") {
    const auto write = [](const char* file, const GoldenCollection& golden) {
        std::ofstream out(file, std::ios::binary);
        out << golden.text();
        REQUIRE(out.good());
    };
    const GoldenCollection coded = make_golden_coded();
    CHECK(coded.text() == make_golden_coded().text());
    write(golden_coded, coded);
    write(golden_plain, make_golden_plain());
    write(golden_half, make_golden_half());
}
