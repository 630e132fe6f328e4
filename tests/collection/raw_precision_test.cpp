// Collections whose vectors are half floats: rounded once, when they are written, and the same from then on.
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "collection/collection_support.hpp"
#include "collection/durable_support.hpp"
#include "sextant/core/half.hpp"
#include "support/catch.hpp"
#include "support/sim_crash.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr const char* path = "points.sxt";
constexpr RawPrecision F16 = RawPrecision::F16;

using StoredPlain = Collection<SquaredL2, MappedStorage>;
using StoredCodes = Collection<Cosine, MappedStorage, ScalarQuantizer>;

std::vector<std::uint32_t> bits_of(VectorView vector) {
    std::vector<std::uint32_t> bits;
    for (const float value : vector) bits.push_back(std::bit_cast<std::uint32_t>(value));
    return bits;
}

std::vector<float> rounded(VectorView vector) {
    std::vector<float> out;
    for (const float value : vector) out.push_back(float_of_half(half_of_float(value)));
    return out;
}

Vectors rounded(const Vectors& vectors) { return {vectors.dimension, rounded(VectorView(vectors.values))}; }

template <class C>
std::vector<std::uint32_t> read(const C& collection, std::uint64_t id) {
    return bits_of(collection.get(PointId{id}, {.vector = true}).value().vector);
}

/// Normal and subnormal halves, what lies between them, ties, zeros of both signs, and the largest there are.
const std::vector<std::vector<float>>& edges() {
    static const std::vector<std::vector<float>> vectors{
        {65'504.0F, -65'504.0F, 65'503.0F, std::nextafter(65'520.0F, 0.0F)},
        {0.0F, -0.0F, 1e-8F, -1e-8F},
        {0x1.0p-24F, 0x1.0p-25F, 0x1.8p-25F, -0x1.8p-24F},
        {0x1.0p-14F, std::nextafter(0x1.0p-14F, 0.0F), 6.1e-5F, -6.1e-5F},
        {1.0F + 0x1.0p-11F, 1.0F + 0x1.8p-10F, -1.0F - 0x1.0p-11F, 1.0F + 0x1.1p-11F},
        {0.1F, 1.0F / 3.0F, -2.7182817F, 3.1415927F},
        {std::numeric_limits<float>::denorm_min(), -std::numeric_limits<float>::min(), 2048.5F, 4097.0F},
    };
    return vectors;
}

template <class C>
void check_edges(const C& collection) {
    for (std::uint64_t id = 0; id < edges().size(); ++id) {
        INFO("id " << id);
        CHECK(read(collection, id) == bits_of(rounded(edges()[id])));
    }
}

template <class C>
std::uint64_t vector_bytes(const C& collection) {
    return collection.stats().value().bytes.vectors;
}

}  // namespace

TEST_CASE("a write rounds each component to the nearest half, and reading gives that before and after a seal",
          "[raw_precision]") {
    auto c = L2::open({.dimension = 4, .raw = F16}, inline_work()).value();
    for (std::uint64_t id = 0; id < edges().size(); ++id) c.upsert(PointId{id}, edges()[id]).value();
    check_edges(c);
    c.optimize().value();
    check_edges(c);
    // In a batch, on top of what is there, and through a further seal.
    WriteBatch batch;
    for (std::uint64_t id = 0; id < edges().size(); ++id) {
        batch.upsert(PointId{id}, edges()[id]);
        batch.upsert(PointId{100 + id}, edges()[edges().size() - 1 - id]);
        batch.set_payload(PointId{id}, {{"n", id}});
    }
    c.write(std::move(batch)).value();
    check_edges(c);
    c.optimize().value();
    check_edges(c);
    c.erase(PointId{100}).value();
    c.optimize().value();
    check_edges(c);
    CHECK(read(c, 101) == bits_of(rounded(edges()[edges().size() - 2])));
    c.verify(Depth::full).value();
    // What was given is left alone.
    CHECK(edges()[5][0] == 0.1F);
    const ScrollPage page = c.scroll({.select = {.vector = true}}).value();
    for (const Record& record : page.points) {
        CHECK(bits_of(record.vector) == bits_of(rounded(VectorView(record.vector))));
    }
}

TEST_CASE("a component that no half is near to is refused by its index, and its batch with it", "[raw_precision]") {
    auto c = L2::open({.dimension = 3, .raw = F16}, inline_work()).value();
    const std::vector<float> good{1.0F, 2.0F, 3.0F};
    const Lsn version = c.upsert(PointId{1}, good, {{"n", 1}}).value();
    for (const float bad : {65'520.0F, -65'520.0F, 1e6F, -1e18F}) {
        for (std::size_t at = 0; at < 3; ++at) {
            std::vector<float> vector = good;
            vector[at] = bad;
            const auto refused = c.upsert(PointId{1}, vector);
            REQUIRE_FALSE(refused.has_value());
            CHECK(refused.error().code == ErrorCode::invalid_argument);
            CAPTURE(refused.error().message);
            CHECK(mentions(refused.error(), "vector[" + std::to_string(at) + "]: got "));
            CHECK(mentions(refused.error(), "65520"));
            CHECK(mentions(refused.error(), "options.raw"));
            WriteBatch batch;
            batch.upsert(PointId{2}, good);
            batch.erase(PointId{1});
            batch.upsert(PointId{77}, vector);
            const auto whole = c.write(std::move(batch));
            REQUIRE_FALSE(whole.has_value());
            CHECK(mentions(whole.error(), "operation 2 (id 77): vector[" + std::to_string(at) + "]"));
            CHECK(batch.size() == 3);
        }
    }
    CHECK(c.count().value() == 1);
    CHECK(c.get(PointId{1}).value().version == version);
    // Others are refused as ever, and a query may be what no row can be.
    CHECK(mentions(c.upsert(PointId{1}, std::vector<float>{1, std::nanf(""), 3}).error(), "finite"));
    const std::vector<float> far(3, 1e6F);
    const SearchResult found = c.search({.vector = far, .k = 1}).value();
    REQUIRE(found.size() == 1);
    CHECK(found[0].score == Approx(std::sqrt(test_support::l2(far, good))).epsilon(1e-5));
    // Collections of floats take them.
    auto floats = L2::open({.dimension = 3}, inline_work()).value();
    CHECK(floats.upsert(PointId{1}, far).has_value());
}

TEST_CASE("vectors of half floats are the same after closing, after a crash, and wherever they lie",
          "[raw_precision][durable]") {
    const Residency residency = GENERATE(Residency::resident, Residency::mapped_vectors, Residency::mapped);
    const auto check = [&]<class C>(const C*) {
        SimDisk disk;
        OpenOptions open = inline_on(disk.files());
        open.residency = residency;
        const Vectors vectors = normal_vectors(400, 7, 3, 30.0F);
        const Vectors expected = rounded(vectors);
        const auto check_all = [&](const C& c, std::uint64_t count) {
            REQUIRE(c.count().value() == count);
            for (std::uint64_t id = 0; id < count; ++id) REQUIRE(read(c, id) == bits_of(expected[id]));
            c.verify(Depth::full).value();
        };
        const auto put = [&](C& c, std::uint64_t first, std::uint64_t last) {
            for (std::uint64_t id = first; id < last; ++id) c.upsert(PointId{id}, vectors[id]).value();
        };
        {
            C c = C::open(path, {.dimension = 7, .raw = F16}, open).value();
            put(c, 0, 150);
            check_all(c, 150);
            c.close().value();
        }
        {
            C c = C::open(path, {}, open).value();  // from the log
            check_all(c, 150);
            c.optimize().value();
            check_all(c, 150);
            put(c, 100, 300);
            check_all(c, 300);
            c.close().value();
        }
        {
            C c = C::open(path, {.raw = F16}, open).value();
            check_all(c, 300);
            put(c, 290, 400);
            // Nobody closes it: what is on the disk now is what a killed process leaves.
            SimDisk after(CrashEnumerator(disk.recording()).kill_image(disk.log_size() - 1));
            OpenOptions killed = inline_on(after.files());
            killed.residency = residency;
            C recovered = C::open(path, {}, killed).value();
            CHECK_FALSE(recovered.stats().value().recovery.clean);
            check_all(recovered, 400);
            recovered.optimize().value();
            check_all(recovered, 400);
        }
        C c = C::open(path, {}, open).value();
        c.optimize().value();
        check_all(c, 400);
    };
    check(static_cast<const StoredPlain*>(nullptr));
    check(static_cast<const StoredCodes*>(nullptr));
}

TEST_CASE("a collection of half floats is opened as one, and as nothing else", "[raw_precision][durable]") {
    SimDisk disk;
    StoredPlain::open(path, {.dimension = 3, .raw = F16}, inline_on(disk.files())).value().close().value();
    const auto refused = StoredPlain::open(path, {.raw = RawPrecision::F32}, inline_on(disk.files()));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::invalid_argument);
    CHECK(mentions(refused.error(), "options.raw: got F32, the collection was created with F16"));
    auto c = StoredPlain::open(path, {.dimension = 3}, inline_on(disk.files())).value();
    c.upsert(PointId{1}, std::vector<float>{0.1F, 0.2F, 0.3F}).value();
    CHECK(read(c, 1) == bits_of(rounded(std::vector<float>{0.1F, 0.2F, 0.3F})));
}

TEMPLATE_TEST_CASE("half floats are found as floats are, in half the bytes", "[raw_precision]", L2, L2Codes, Angles,
                   AngleCodes, Products) {
    constexpr std::size_t dimension = 64;
    const Vectors vectors = rounded(clustered_vectors(4000, dimension, 31));
    const Vectors queries = clustered_vectors(40, dimension, 32);
    auto floats = TestType::open({.dimension = dimension}, inline_work()).value();
    auto halves = TestType::open({.dimension = dimension, .raw = F16}, inline_work()).value();
    for (auto* const c : {&floats, &halves}) {
        fill(*c, vectors, 0, true);
        c->optimize().value();
        c->erase(PointId{17}).value();
    }
    CHECK(vector_bytes(halves) * 2 == vector_bytes(floats));
    double found[2] = {};
    std::vector<SearchRequest> requests;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const SearchResult exact = floats.search({.vector = queries[q], .k = 10, .exact = true}).value();
        const SearchResult same = halves.search({.vector = queries[q], .k = 10, .exact = true}).value();
        CHECK(ids_of(same) == ids_of(exact));
        for (std::size_t i = 0; i < 10; ++i) CHECK(same[i].score == Approx(exact[i].score).epsilon(1e-5).margin(1e-5));
        found[0] += recall(floats.search({.vector = queries[q], .k = 10}).value(), exact);
        found[1] += recall(halves.search({.vector = queries[q], .k = 10}).value(), exact);
        requests.push_back({.vector = queries[q], .k = 10, .exact = true});
        const SearchRequest filtered{.vector = queries[q], .k = 5, .filter = field("n") < 100};
        CHECK(ids_of(halves.search(filtered).value()) == ids_of(floats.search(filtered).value()));
    }
    CHECK(found[1] >= found[0] - 0.02 * static_cast<double>(queries.size()));
    const auto batch = halves.search_batch(requests).value();
    const auto expected = floats.search_batch(requests).value();
    for (std::size_t q = 0; q < queries.size(); ++q) CHECK(ids_of(batch[q]) == ids_of(expected[q]));
    halves.verify(Depth::full).value();
}

TEST_CASE("half floats get other codes and stay as they are", "[raw_precision][durable]") {
    SimDisk disk;
    using Codes = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
    const Vectors vectors = clustered_vectors(1500, 24, 41);
    const Vectors expected = rounded(vectors);
    {
        auto c = StoredPlain::open(path, {.dimension = 24, .raw = F16}, inline_on(disk.files())).value();
        fill(c, vectors);
        c.optimize().value();
        c.requantize<ScalarQuantizer>({}).value();
        c.close().value();
    }
    auto c = Codes::open(path, {.raw = F16}, inline_on(disk.files())).value();
    CHECK(c.stats().value().bytes.codes > 0);
    for (std::uint64_t id = 0; id < 1500; ++id) REQUIRE(read(c, id) == bits_of(expected[id]));
    c.requantize<RabitqQuantizer>({}).value();
    for (std::uint64_t id = 0; id < 1500; ++id) REQUIRE(read(c, id) == bits_of(expected[id]));
    c.verify(Depth::full).value();
}

TEST_CASE("a budget counts half floats as what they take", "[raw_precision][memory_budget]") {
    using C = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
    constexpr std::uint64_t points = 20'000;
    const MemoryEstimate floats = C::estimate(points, {.dimension = 256}).value();
    const MemoryEstimate halves = C::estimate(points, {.dimension = 256, .raw = F16}).value();
    CHECK(halves.parts.vectors * 2 == floats.parts.vectors);
    CHECK(floats.steady - halves.steady == halves.parts.vectors);
    // Between what both take: halves stay in memory, floats do not.
    const std::uint64_t bytes = (halves.steady + halves.parts.vectors / 2) / 3 * 4;
    for (const auto& [raw, residency] :
         {std::pair{RawPrecision::F32, Residency::mapped_vectors}, std::pair{RawPrecision::F16, Residency::resident}}) {
        SimDisk disk;
        OpenOptions open = inline_on(disk.files());
        open.memory_budget = MemoryBudget{.bytes = bytes, .points = points};
        const auto c = C::open(path, {.dimension = 256, .raw = raw}, open).value();
        REQUIRE(c.stats().value().budget.has_value());
        CHECK(c.stats().value().budget->residency == residency);
    }
}

TEST_CASE("the files of half floats are smaller by half of the vectors", "[raw_precision][durable]") {
    const auto bytes_of = [](RawPrecision raw) {
        SimDisk disk;
        auto c = StoredPlain::open(path, {.dimension = 128, .raw = raw}, inline_on(disk.files())).value();
        fill(c, clustered_vectors(2000, 128, 5));
        c.optimize().value();
        std::uint64_t vectors = 0;
        for (const auto& segment : disk.files().list(std::string(path) + "/seg").value()) {
            const std::string file = std::string(path) + "/seg/" + segment.name + "/v0/vectors";
            vectors += disk.files().open(file, FileMode::read).value()->size().value();
        }
        return vectors;
    };
    const std::uint64_t floats = bytes_of(RawPrecision::F32);
    CHECK(floats == 64 + 2000 * 512);
    CHECK(bytes_of(F16) == 64 + 2000 * 256);
}

TEST_CASE("codes and graphs that are damaged are made anew from half floats", "[raw_precision][durable]") {
    SimDisk disk;
    const Vectors vectors = clustered_vectors(1200, 24, 43);
    const Vectors expected = rounded(vectors);
    const OpenOptions open = inline_on(disk.files());
    {
        auto c = StoredCodes::open(path, {.dimension = 24, .raw = F16}, open).value();
        fill(c, vectors);
        c.optimize().value();
    }
    for (const auto& segment : disk.files().list(std::string(path) + "/seg").value()) {
        for (const char* part : {"codes", "graph"}) {
            const std::string name = std::string(path) + "/seg/" + segment.name + "/v0/" + part;
            const auto file = disk.files().open(name, FileMode::read_write).value();
            std::byte byte{};
            REQUIRE(file->read_at(1000, {&byte, 1}).value() == 1);
            byte ^= std::byte{4};
            file->write_at(1000, {&byte, 1}).value();
        }
    }
    auto c = StoredCodes::open(path, {}, open).value();
    CHECK(c.stats().value().recovery.rebuilt.size() == 2);
    for (std::uint64_t id = 0; id < 1200; ++id) REQUIRE(read(c, id) == bits_of(expected[id]));
    c.verify(Depth::full).value();
    for (std::size_t q = 0; q < 20; ++q) {
        const auto hits = c.search({.vector = expected[q * 60], .k = 1}).value().hits;
        REQUIRE(hits.size() == 1);
        CHECK(hits[0].id == PointId{std::uint64_t{q * 60}});
    }
}
