#include <filesystem>
#include <optional>
#include <thread>

#include "collection/durable_support.hpp"
#include "io/test_directory.hpp"
#include "sextant/io/file_system.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 8;

using Plain = Collection<SquaredL2, MappedStorage>;
using Coded = Collection<Cosine, MappedStorage, ScalarQuantizer>;

std::vector<float> vector_of(std::uint64_t id) { return seeded_vector(id, dimension); }

/// Inserts, overwrites, erases and payload changes, some of them in batches.
template <class C>
void write_some(C& collection, std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t id = first; id < first + count; ++id) {
        collection.upsert(PointId{id}, vector_of(id), {{"n", id}, {"even", id % 2 == 0}}).value();
    }
    WriteBatch batch;
    batch.upsert(PointId{first}, vector_of(first + 100'000), {{"again", true}});
    batch.erase(PointId{first + 1});
    batch.set_payload(PointId{first + 2}, {{"more", "x"}});
    batch.upsert(PointId::from_name(std::to_string(first)), vector_of(first + 200'000));
    collection.write(std::move(batch)).value();
    collection.set_payload(PointId{first + 3}, {{"late", 1}}).value();
    collection.erase(field("n") == static_cast<std::int64_t>(first + 4)).value();
}

}  // namespace

TEMPLATE_TEST_CASE("what was written is there after closing and opening again", "[durable]", Plain, Coded) {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    const auto open = inline_work();
    Contents expected;
    {
        auto collection = TestType::open(path, {.dimension = dimension}, open).value();
        CHECK(collection.count().value() == 0);
        write_some(collection, 0, 50);
        expected = contents(collection);
        collection.close().value();
    }
    for (int round = 1; round <= 4; ++round) {
        INFO("round " << round);
        auto collection = TestType::open(path, {}, open).value();
        check_same(contents(collection), expected);
        collection.verify().value();
        CHECK(collection.stats().value().recovery.lost.empty());
        if (round % 2 == 1) {
            collection.optimize().value();
            check_same(contents(collection), expected);
        }
        write_some(collection, static_cast<std::uint64_t>(round) * 40, 60);  // overwrites some of the round before
        expected = contents(collection);
        if (round != 3) collection.close().value();  // else the destructor
    }
    auto collection = TestType::open(path, {.dimension = dimension}, open).value();
    check_same(contents(collection), expected);
    const auto query = vector_of(61);
    const SearchResult exact = collection.search({.vector = query, .k = 5, .exact = true}).value();
    const SearchResult fast = collection.search({.vector = query, .k = 5, .ef = 200}).value();
    CHECK(ids_of(fast) == ids_of(exact));
}

TEST_CASE("a collection that was never closed is recovered from its log", "[durable]") {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    const std::string copy = directory / "copy.sxt";
    auto collection = Plain::open(path, {.dimension = dimension}, inline_work()).value();
    write_some(collection, 0, 20);
    collection.optimize().value();
    write_some(collection, 10, 20);
    const auto expected = contents(collection);
    // What a killed process leaves: the files as they are, with nobody to close them.
    std::filesystem::copy(path, copy, std::filesystem::copy_options::recursive);
    auto recovered = Plain::open(copy, {}, inline_work()).value();
    check_same(contents(recovered), expected);
    CHECK_FALSE(recovered.stats().value().recovery.clean);
    CHECK(recovered.stats().value().recovery.frames > 0);
    recovered.verify().value();
    // Versions go on where they were.
    const Lsn next = recovered.upsert(PointId{1}, vector_of(1)).value();
    CHECK(next == collection.upsert(PointId{1}, vector_of(1)).value());
}

TEST_CASE("a batch that writes to a point and then erases it is read back from the log", "[durable]") {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    {
        auto collection = Plain::open(path, {.dimension = dimension}, inline_work()).value();
        for (std::uint64_t id = 1; id <= 3; ++id) collection.upsert(PointId{id}, vector_of(id)).value();
        WriteBatch batch;
        batch.upsert(PointId{1}, vector_of(10), {{"gone", true}});
        batch.erase(PointId{1});
        batch.set_payload(PointId{2}, {{"gone", true}});
        batch.erase(PointId{2});
        batch.upsert(PointId{4}, vector_of(4));
        batch.erase(PointId{4});
        collection.write(std::move(batch)).value();
    }
    auto collection = Plain::open(path, {}, inline_work()).value();
    CHECK(collection.count().value() == 1);
    CHECK(collection.get(PointId{3}).value().vector.empty());
}

TEST_CASE("an option that disagrees with the stored one is refused by name", "[durable]") {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    const auto refuse = [&](const auto& opened, const char* field) {
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().code == ErrorCode::invalid_argument);
        INFO(opened.error().message);
        CHECK(mentions(opened.error(), field));
    };
    refuse(Plain::open(path, {}, inline_work()), "options.dimension");
    CHECK_FALSE(std::filesystem::exists(path));
    refuse(Plain::open("", {.dimension = dimension}, inline_work()), "path");
    Coded::open(path, {.dimension = dimension, .quantizer = {.quantile = 0.99}}, inline_work()).value();
    refuse(Coded::open(path, {.dimension = 9}, inline_work()), "options.dimension");
    refuse(Coded::open(path, {.index = {.m = 20}}, inline_work()), "options.index.m");
    refuse(Coded::open(path, {.index = {.ef_construction = 100}}, inline_work()), "options.index.ef_construction");
    refuse(Coded::open(path, {.index = {.seed = 1}}, inline_work()), "options.index.seed");
    refuse(Coded::open(path, {.durability = Durability::Os}, inline_work()), "options.durability");
    refuse(Coded::open(path, {.deterministic = true}, inline_work()), "options.deterministic");
    refuse(Coded::open(path, {.raw = RawPrecision::F16}, inline_work()),
           "options.raw: got F16, the collection was created with F32");
    refuse(Coded::open(path, {.quantizer = {.quantile = 0.98}}, inline_work()), "options.quantizer");
    refuse(Plain::open(path, {}, inline_work()), "metric");
    refuse(Collection<Cosine, MappedStorage>::open(path, {}, inline_work()), "quantizer");
    CHECK(Coded::open(path, {.dimension = dimension}, inline_work()).has_value());
    CHECK(Coded::open(path, {.quantizer = {.quantile = 0.99}}, inline_work()).has_value());
}

TEST_CASE("open modes say what must and must not be there", "[durable]") {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    auto options = inline_work();
    const auto code = [&](OpenMode mode) {
        options.mode = mode;
        const auto opened = Plain::open(path, {.dimension = dimension}, options);
        return opened.has_value() ? std::optional<ErrorCode>() : opened.error().code;
    };
    CHECK(code(OpenMode::open) == ErrorCode::not_found);
    CHECK(code(OpenMode::read_only) == ErrorCode::not_found);
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(code(OpenMode::create) == std::nullopt);
    CHECK(code(OpenMode::create) == ErrorCode::already_exists);
    CHECK(code(OpenMode::open) == std::nullopt);
    CHECK(code(OpenMode::open_or_create) == std::nullopt);
    {
        options.mode = OpenMode::open;
        auto held = Plain::open(path, {}, options).value();
        CHECK(code(OpenMode::open) == ErrorCode::busy);
        held.upsert(PointId{1}, vector_of(1)).value();
    }
    options.mode = OpenMode::read_only;
    auto reader = Plain::open(path, {}, options).value();
    CHECK(reader.count().value() == 1);
    CHECK(reader.upsert(PointId{2}, vector_of(2)).error().code == ErrorCode::read_only);
    CHECK(reader.erase(Filter::all()).error().code == ErrorCode::read_only);
    CHECK(reader.start_optimize().error().code == ErrorCode::read_only);
    CHECK(reader.search({.vector = vector_of(1), .k = 1}).value()[0].id == PointId{1});
}

TEST_CASE("a directory that holds something else is not made a collection", "[durable]") {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "home";
    std::filesystem::create_directory(path);
    posix_file_system()->open(path + "/thesis.txt", FileMode::create).value();
    const auto opened = Plain::open(path, {.dimension = dimension}, inline_work());
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == ErrorCode::already_exists);
    CHECK(std::filesystem::exists(path + "/thesis.txt"));
}

TEST_CASE("a collection that lost CURRENT, its manifest or its log says so", "[durable]") {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    Contents expected;
    {
        auto collection = Plain::open(path, {.dimension = dimension}, inline_work()).value();
        write_some(collection, 0, 20);
        collection.optimize().value();
        write_some(collection, 20, 20);
        expected = contents(collection);
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        const auto name = entry.path().filename();
        if (entry.is_regular_file() && name != "LOCK" && name != "reserve") {
            files.push_back(std::filesystem::relative(entry.path(), path));
        }
    }
    REQUIRE(files.size() > 8);
    std::size_t rebuilt = 0;
    for (const auto& file : files) {
        const std::string copy = directory / "copy.sxt";
        std::filesystem::remove_all(copy);
        std::filesystem::copy(path, copy, std::filesystem::copy_options::recursive);
        std::filesystem::remove(copy / file);
        INFO(file.string());
        const auto opened = Plain::open(copy, {.dimension = dimension}, inline_work());
        if (!opened.has_value()) {
            CHECK(opened.error().code == ErrorCode::corruption);
            continue;
        }
        // What is derived is made anew; nothing is lost in silence.
        ++rebuilt;
        CHECK(opened->stats().value().recovery.rebuilt.size() == 1);
        check_same(contents(*opened), expected);
    }
    CHECK(rebuilt == 1);  // the graph
}

TEST_CASE("sixteen writers share the syncs of one log", "[durable][threads]") {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    constexpr std::uint64_t each = 30;
    {
        auto collection = Plain::open(path, {.dimension = dimension}, threads(2)).value();
        std::vector<std::thread> writers;
        for (std::uint64_t writer = 0; writer < 16; ++writer) {
            writers.emplace_back([&, writer] {
                for (std::uint64_t i = 0; i < each; ++i) {
                    const PointId id{writer * each + i};
                    if (!collection.upsert(id, vector_of(id.integer())).has_value()) return;
                    // Visible once acknowledged.
                    if (!collection.get(id).has_value()) return;
                }
            });
        }
        std::thread optimizer([&] {
            for (int i = 0; i < 5; ++i) collection.optimize().ignore("the count below tells");
        });
        for (auto& writer : writers) writer.join();
        optimizer.join();
        CHECK(collection.count().value() == 16 * each);
    }
    auto collection = Plain::open(path, {}, threads(2)).value();
    CHECK(collection.count().value() == 16 * each);
    collection.verify().value();
}

TEST_CASE("durability can be chosen for one call", "[durable]") {
    const sextant_test::TestDirectory directory;
    const std::string path = directory / "points.sxt";
    auto collection =
        Plain::open(path, {.dimension = dimension, .durability = Durability::Sync}, inline_work()).value();
    collection.upsert(PointId{1}, vector_of(1), {}, Durability::Os).value();
    collection.upsert(PointId{2}, vector_of(2), {}, Durability::None).value();
    WriteBatch batch;
    batch.upsert(PointId{3}, vector_of(3));
    collection.write(std::move(batch), Durability::Os).value();
    CHECK(collection.count().value() == 3);
    collection.flush().value();
    auto memory = L2::open({.dimension = dimension}).value();
    const auto refused = memory.upsert(PointId{1}, vector_of(1), {}, Durability::Sync);
    REQUIRE_FALSE(refused.has_value());
    CHECK(mentions(refused.error(), "durability"));
    CHECK(memory.count().value() == 0);
}
