// Collections whose raw vectors stay in their files.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "collection/collection_support.hpp"
#include "collection/durable_support.hpp"
#include "io/test_directory.hpp"
#include "support/catch.hpp"
#include "support/hooked_files.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 24;
constexpr std::uint64_t rows = 3000;
constexpr const char* path = "points.sxt";

template <class C>
C open_on(SimDisk& disk, Residency residency, OnCorruption on_corruption = OnCorruption::fail) {
    OpenOptions options = inline_on(disk.files());
    options.residency = residency;
    options.on_corruption = on_corruption;
    return C::open(path, {.dimension = dimension}, options).value();
}

template <class C>
void fill(C& collection, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t id = first; id < last; ++id) {
        collection.upsert(PointId{id}, seeded_vector(id, dimension), {{"n", id}}).value();
    }
}

/// The ids of the ten nearest to each of 30 vectors.
template <class C>
std::vector<std::uint64_t> answers(const C& collection, bool exact, const Filter& filter = {}) {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t q = 0; q < 30; ++q) {
        const std::vector<float> vector = seeded_vector(q * 97, dimension);
        SearchRequest request{.vector = vector, .k = 10};
        request.filter = filter;
        request.exact = exact;
        for (const auto& hit : collection.search(request).value()) ids.push_back(hit.id.hash());
    }
    return ids;
}

std::string vectors_file(SimDisk& disk) {
    const std::string segments = std::string(path) + "/seg";
    const auto listed = disk.files().list(segments).value();
    REQUIRE(listed.size() == 1);
    return segments + "/" + listed[0].name + "/v0/vectors";
}

/// That memory holds of the one sealed segment only what it may.
template <class C>
void check_bytes(const C& collection, Residency residency) {
    const PartBytes bytes = collection.stats().value().bytes;
    CHECK(bytes.vectors == 0);
    if (residency == Residency::mapped) CHECK(bytes.codes == 0);
    // Its upper levels are in memory.
    CHECK((bytes.graph < rows * 32) == (residency == Residency::mapped));
}

template <class C>
void check_alike(Residency residency) {
    SimDisk disk;
    {
        auto collection = open_on<C>(disk, residency);
        fill(collection, 1, rows);
        collection.optimize().value();
        // A segment that was just written is paged from its file like one that was opened.
        check_bytes(collection, residency);
        collection.close().value();
    }
    std::vector<std::uint64_t> exact;
    std::vector<std::uint64_t> fast;
    std::vector<std::uint64_t> filtered;
    Contents expected;
    const Filter few = field("n") < 200;
    {
        const auto collection = open_on<C>(disk, Residency::resident);
        CHECK(collection.stats().value().bytes.vectors >= (rows - 1) * dimension * sizeof(float));
        exact = answers(collection, true);
        fast = answers(collection, false);
        filtered = answers(collection, false, few);
        expected = contents(collection);
    }
    auto collection = open_on<C>(disk, residency);
    check_bytes(collection, residency);
    CHECK(answers(collection, false) == fast);
    CHECK(answers(collection, false, few) == filtered);
    CHECK(answers(collection, true) == exact);
    check_same(contents(collection), expected);
    collection.verify(Depth::full).value();
    // New rows, a merge that reads the old ones from their file, and the file it came from gone.
    fill(collection, rows, rows + 500);
    for (std::uint64_t id = 1; id < 700; ++id) collection.erase(PointId{id}).value();
    collection.optimize().value();
    check_bytes(collection, residency);
    CHECK(collection.count().value() == rows - 700 + 500);
    const Contents after = contents(collection);
    CHECK(after.at(PointId{1500}).vector == seeded_vector(1500, dimension));
    collection.verify(Depth::full).value();
    collection.close().value();
    check_same(contents(open_on<C>(disk, Residency::resident)), after);
}

}  // namespace

TEST_CASE("a collection answers alike with its vectors in memory and in their files", "[durable]") {
    for (const Residency residency : {Residency::mapped, Residency::mapped_vectors}) {
        INFO(static_cast<int>(residency));
        check_alike<Collection<SquaredL2, MappedStorage>>(residency);
        check_alike<Collection<Cosine, MappedStorage, ScalarQuantizer>>(residency);
    }
}

TEST_CASE("a collection several times larger than the memory it may take is built and searched in its files",
          "[durable]") {
    using Coded = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
    constexpr std::size_t wide = 256;
    constexpr std::uint64_t points = 16'000;
    constexpr std::uint64_t limit = std::uint64_t{6} << 20U;
    const auto build = [&](SimDisk& disk, Residency residency) -> Result<void> {
        MemoryAccount account("test", limit);
        OpenOptions options = inline_on(disk.files());
        options.residency = residency;
        options.memory = &account;
        SEXTANT_TRY_ASSIGN(auto collection, Coded::open(path, {.dimension = wide}, options));
        for (std::uint64_t first = 1; first <= points; first += 100) {
            WriteBatch batch;
            for (std::uint64_t id = first; id < first + 100; ++id) batch.upsert(PointId{id}, seeded_vector(id, wide));
            SEXTANT_TRY(collection.write(std::move(batch), Durability::None));
        }
        for (std::uint64_t id = 1; id <= points; id += 499) {
            const std::vector<float> vector = seeded_vector(id, wide);
            const auto hits = collection.search({.vector = vector, .k = 1}).value();
            CHECK((hits.size() == 1 && hits[0].id == PointId{id}));
        }
        const Stats stats = collection.stats().value();
        CHECK(stats.merges > 0);
        INFO((stats.background_error ? stats.background_error->message : ""));
        CHECK_FALSE(stats.background_error.has_value());
        CHECK(stats.segments.size() > 1);  // one of all would not be linked within the limit
        CHECK(account.peak() <= limit);
        SEXTANT_TRY(collection.verify(Depth::full));
        return collection.close();
    };
    SimDisk disk;
    build(disk, Residency::mapped).value();
    CHECK(Coded::open(path, {}, inline_on(disk.files())).value().count().value() == points);
    SimDisk other;
    CHECK(build(other, Residency::resident).error().code == ErrorCode::resource_exhausted);
}

TEST_CASE("damaged vectors are an error of the calls that read them, and of no other", "[durable]") {
    using Coded = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
    SimDisk disk;
    {
        auto collection = open_on<Coded>(disk, Residency::resident);
        fill(collection, 1, rows);
        collection.optimize().value();
        collection.close().value();
    }
    const std::string file = vectors_file(disk);
    flip_byte(disk, file, 2 * 65'536 + 10);  // rows behind the first 1,300
    {
        OpenOptions options = inline_on(disk.files());
        CHECK(Coded::open(path, {.dimension = dimension}, options).error().code == ErrorCode::corruption);
        const auto collection = open_on<Coded>(disk, Residency::mapped);
        CHECK(collection.get(PointId{1}, {.payload = true, .vector = true}).has_value());
        const auto lost = collection.get(PointId{1400}, {.payload = true, .vector = true});
        REQUIRE_FALSE(lost.has_value());
        CHECK(lost.error().code == ErrorCode::corruption);
        CHECK(mentions(lost.error(), file + ": offset 131072: checksum of block 2"));
        CHECK(collection.get(PointId{1400}, {.payload = true, .vector = false}).has_value());
        const std::vector<float> vector = seeded_vector(1, dimension);
        const auto search = collection.search({.vector = vector, .k = 10, .exact = true});
        REQUIRE_FALSE(search.has_value());
        CHECK(search.error().code == ErrorCode::corruption);
        std::vector<SearchRequest> batch(3, SearchRequest{.vector = vector, .k = 10, .exact = true});
        for (const auto& answer : {collection.search_batch(batch)}) CHECK_FALSE(answer.has_value());
        CHECK_FALSE(collection.verify(Depth::full).has_value());
    }
    {
        // A rebuild reads every vector: it fails, says so, and what is stored stays.
        auto collection = open_on<Coded>(disk, Residency::mapped);
        for (std::uint64_t id = 1; id < 900; ++id) collection.erase(PointId{id}).value();
        CHECK(collection.optimize().error().code == ErrorCode::corruption);
        CHECK(collection.count().value() == rows - 900);
    }
    // Salvage looks at everything, so that it can say what is lost.
    const auto salvaged = open_on<Coded>(disk, Residency::mapped, OnCorruption::read_only_salvage);
    const std::vector<std::string> lost = salvaged.stats().value().recovery.lost;
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].find(file + ": offset 131072") != std::string::npos);
}

TEST_CASE("a search that is stopped while it checks mapped vectors answers in part and is no error", "[durable]") {
    using Plain = Collection<SquaredL2, MappedStorage>;
    SimDisk disk;
    {
        auto collection = open_on<Plain>(disk, Residency::resident);
        fill(collection, 1, rows);
        collection.optimize().value();
    }
    const auto collection = open_on<Plain>(disk, Residency::mapped);
    const std::vector<float> vector = seeded_vector(1, dimension);
    std::stop_source stop;
    stop.request_stop();
    SearchRequest request{.vector = vector, .k = 10, .exact = true};
    request.stop_token = stop.get_token();
    const auto stopped = collection.search(request);
    REQUIRE(stopped.has_value());
    CHECK_FALSE(stopped->complete);
    const std::vector<SearchRequest> batch(3, request);
    const auto answers_of_batch = collection.search_batch(batch);
    REQUIRE(answers_of_batch.has_value());
    for (const auto& answer : *answers_of_batch) CHECK_FALSE(answer.complete);
    request.stop_token = {};
    CHECK(collection.search(request)->size() == 10);
}

TEST_CASE("searches page vectors in while a rebuild replaces their files", "[durable][threads]") {
    using Coded = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
    const sextant_test::TestDirectory directory;
    OpenOptions options = threads(2);
    options.residency = Residency::mapped;
    auto collection = Coded::open(directory / path, {.dimension = dimension}, options).value();
    fill(collection, 1, rows);
    collection.optimize().value();
    std::atomic<bool> done{false};
    std::vector<std::thread> readers;
    std::atomic<std::uint64_t> wrong{0};
    for (int t = 0; t < 3; ++t) {
        readers.emplace_back([&, t] {
            for (std::uint64_t q = static_cast<std::uint64_t>(t); !done.load(); q += 3) {
                const std::uint64_t id = rows / 2 + q % (rows / 2 - 1);  // never erased
                const std::vector<float> vector = seeded_vector(id, dimension);
                const auto hits = collection.search({.vector = vector, .k = 1, .exact = q % 7 == 0});
                if (!hits || hits.value().size() != 1 || hits.value()[0].score != 0.0F) ++wrong;
            }
        });
    }
    for (std::uint64_t round = 0; round < 4; ++round) {
        for (std::uint64_t id = 1 + round * 200; id < 200 + round * 200; ++id) {
            collection.erase(PointId{id}).value();
        }
        collection.optimize().value();
    }
    done = true;
    for (auto& reader : readers) reader.join();
    CHECK(wrong == 0);
    CHECK(collection.stats().value().bytes.vectors == 0);
}

TEST_CASE("a segment that reached the disk wrong never replaces what it was made of", "[durable]") {
    using Coded = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
    for (const Residency residency : {Residency::resident, Residency::mapped}) {
        for (const char* const part : {"/v0/vectors", "/v0/codes", "/v0/graph", "/ids"}) {
            INFO(part << (residency == Residency::mapped ? ", mapped" : ""));
            SimDisk disk;
            HookedFiles files(disk.files());
            files.hooks.after_sync = [&](const std::string& name) -> std::optional<Error> {
                if (name.ends_with(part)) flip_byte(disk, name, 5000);
                return std::nullopt;
            };
            OpenOptions options = inline_on(files);
            options.residency = residency;
            auto collection = Coded::open(path, {.dimension = dimension}, options).value();
            fill(collection, 1, 800);
            const auto failed = collection.optimize();
            REQUIRE_FALSE(failed.has_value());
            CHECK(failed.error().code == ErrorCode::corruption);
            CHECK(mentions(failed.error(), part));
            files.hooks = {};
            CHECK(collection.count().value() == 799);
            collection.optimize().value();
            collection.close().value();
            CHECK(contents(open_on<Coded>(disk, residency)).size() == 799);
        }
    }
}

TEST_CASE("a closed collection can be opened again while its handle is still there", "[durable]") {
    using Plain = Collection<SquaredL2, MappedStorage>;
    SimDisk disk;
    auto first = open_on<Plain>(disk, Residency::mapped);
    fill(first, 1, 10);
    CHECK(Plain::open(path, {}, inline_on(disk.files())).error().code == ErrorCode::busy);
    first.close().value();
    auto second = open_on<Plain>(disk, Residency::mapped);
    CHECK(first.upsert(PointId{20}, seeded_vector(20, dimension), {}).error().code == ErrorCode::closed);
    fill(second, 10, 20);
    first.close().value();
    CHECK(second.count().value() == 19);
    second.close().value();
    OpenOptions reading = inline_on(disk.files());
    reading.mode = OpenMode::read_only;
    auto third = Plain::open(path, {}, reading).value();
    third.close().value();
    CHECK(open_on<Plain>(disk, Residency::resident).count().value() == 19);
}
