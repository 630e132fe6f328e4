// A budget of memory decides what stays in it: vectors, codes, graphs.
#include <string>
#include <vector>

#include "collection/durable_support.hpp"
#include "support/catch.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 256;
constexpr std::uint64_t points = 20'000;
constexpr const char* path = "points.sxt";
using Codes = Collection<SquaredL2, MappedStorage, ProductQuantizer>;
using Bytes = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;

class Recorder final : public EventSink {
public:
    void on_event(const Event& event) noexcept override {
        if (event.name == "memory.budget") last = event.message;
    }
    std::string last;
};

PartBytes parts_with(std::uint32_t subvectors) {
    Codes::Options options;
    options.dimension = dimension;
    options.quantizer.subvectors = subvectors;
    return Codes::estimate(points, options).value().parts;
}

/// The least budget under which so many bytes are three quarters.
std::uint64_t budget_for(std::uint64_t steady) { return (steady + 2) / 3 * 4 + 4; }

OpenOptions under(SimDisk& disk, std::uint64_t bytes, std::uint64_t count = points) {
    OpenOptions open = inline_on(disk.files());
    open.memory_budget = MemoryBudget{.bytes = bytes, .points = count};
    return open;
}

}  // namespace

TEST_CASE("a budget leaves in memory what fits, and says what it chose", "[memory_budget]") {
    const PartBytes usual = parts_with(dimension / 4);
    const PartBytes shorter = parts_with(dimension / 8);
    const PartBytes shortest = parts_with(dimension / 16);
    const std::uint64_t level0 = points * 32 * sizeof(std::uint32_t);
    struct Case {
        std::uint64_t steady;
        Residency residency;
        std::uint32_t subvectors;
    };
    const Case cases[] = {
        {usual.total(), Residency::resident, dimension / 4},
        {usual.total() - usual.vectors, Residency::mapped_vectors, dimension / 4},
        {shorter.total() - shorter.vectors, Residency::mapped_vectors, dimension / 8},
        {shortest.total() - shortest.vectors, Residency::mapped_vectors, dimension / 16},
        {usual.total() - usual.vectors - usual.codes - level0, Residency::mapped, dimension / 4},
    };
    for (const Case& expected : cases) {
        INFO(expected.steady);
        SimDisk disk;
        Recorder events;
        OpenOptions open = under(disk, budget_for(expected.steady));
        open.events = &events;
        Codes::Options options;
        options.dimension = dimension;
        auto collection = Codes::open(path, options, open).value();
        const Stats stats = collection.stats().value();
        REQUIRE(stats.budget.has_value());
        CHECK(stats.budget->residency == expected.residency);
        CHECK(stats.budget->steady == expected.steady);
        CHECK(stats.budget->points == points);
        CHECK(stats.budget->bytes == budget_for(expected.steady));
        CHECK(stats.memory_limit == budget_for(expected.steady));
        CHECK(events.last == stats.budget->reason);
        CHECK(events.last.find(" 20000 points take " + std::to_string(expected.steady) + " bytes") !=
              std::string::npos);
        collection.close().value();
        // The codes are stored with it.
        options.quantizer.subvectors = expected.subvectors;
        const bool usual_codes = expected.subvectors == dimension / 4;
        const auto again = Codes::open(path, usual_codes ? Codes::Options{} : options, inline_on(disk.files()));
        CHECK(again.has_value());
    }
}

TEST_CASE("what fits no budget is refused by name, and nothing is made", "[memory_budget]") {
    SimDisk disk;
    Codes::Options options;
    options.dimension = dimension;
    const auto small = Codes::open(path, options, under(disk, 100'000));
    REQUIRE_FALSE(small.has_value());
    CHECK(small.error().code == ErrorCode::resource_exhausted);
    CHECK(small.error().message.starts_with("open.memory_budget: 20000 points take "));
    CHECK_FALSE(disk.files().exists(path).value());
    // Asked for by name: nothing else is chosen.
    const PartBytes usual = parts_with(dimension / 4);
    OpenOptions resident = under(disk, budget_for(usual.total() - usual.vectors));
    resident.residency = Residency::resident;
    CHECK(Codes::open(path, options, resident).error().code == ErrorCode::resource_exhausted);
    CHECK_FALSE(disk.files().exists(path).value());
    // Options that were given are not shortened.
    options.quantizer.subvectors = dimension / 4;
    OpenOptions vectors = under(disk, budget_for(usual.total() - usual.vectors) - 4096);
    vectors.residency = Residency::mapped_vectors;
    CHECK(Codes::open(path, options, vectors).error().code == ErrorCode::resource_exhausted);
    for (const MemoryBudget wrong : {MemoryBudget{.bytes = 0, .points = 5}, MemoryBudget{.bytes = 1000, .points = 0}}) {
        OpenOptions open = inline_on(disk.files());
        open.memory_budget = wrong;
        const auto refused = Codes::open(path, options, open);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == ErrorCode::invalid_argument);
        CHECK(refused.error().message.starts_with("open.memory_budget."));
    }
    using Volatile = Collection<SquaredL2, MemoryStorage, ScalarQuantizer>;
    OpenOptions open = inline_work();
    open.memory_budget = MemoryBudget{.bytes = 1'000'000, .points = points};
    CHECK(Volatile::open({.dimension = dimension}, open).error().code == ErrorCode::resource_exhausted);
    open.memory_budget->points = 100;
    CHECK(Volatile::open({.dimension = dimension}, open).value().stats().value().budget->residency ==
          Residency::resident);
}

TEST_CASE("at opening the points that are held count, and the codes that are stored", "[memory_budget]") {
    constexpr std::uint64_t held = 3000;
    SimDisk disk;
    const PartBytes parts = Bytes::estimate(held, {.dimension = dimension}).value().parts;
    {
        auto collection = Bytes::open(path, {.dimension = dimension}, inline_on(disk.files())).value();
        for (std::uint64_t id = 0; id < held; ++id) {
            collection.upsert(PointId{id}, seeded_vector(id, dimension)).value();
        }
        collection.optimize().value();
        collection.close().value();
    }
    const auto refused = Bytes::open(path, {}, under(disk, 50'000, 10));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.starts_with("open.memory_budget: 3000 points take "));
    auto collection = Bytes::open(path, {}, under(disk, budget_for(parts.total() - parts.vectors), 10)).value();
    const Stats stats = collection.stats().value();
    CHECK(stats.budget->points == held);
    CHECK(stats.budget->residency == Residency::mapped_vectors);
    CHECK(stats.bytes.vectors == 0);
    CHECK(stats.bytes.codes >= held * dimension);
    const std::vector<float> query = seeded_vector(17, dimension);
    CHECK(collection.search({.vector = query, .k = 1}).value().begin()->id == PointId{17});
    // The budget is the limit: more than it holds is refused, in memory or in growing segments.
    CHECK(stats.memory_used <= stats.memory_limit);
}
