// operator new fails at each place in turn, once or from then on: every call either does all it should or nothing, says
// so by an error or std::bad_alloc, and the collection goes on.
#include <functional>
#include <map>
#include <new>

#include "collection/collection_support.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t count = 60;
const Vectors vectors = normal_vectors(400, 4, 1);
/// Made beforehand: no json object is made or goes while there is no memory.
const Payload number{{"a", 1}};
const Payload words{{"b", "text, and more than fits a short string"}};
constexpr Select no_payload{.payload = false, .vector = true};

using Contents = std::map<PointId, std::pair<std::vector<float>, Payload>>;

template <class C>
Contents contents_of(const C& c) {
    Contents all;
    const auto page = c.scroll({.limit = 10'000, .select = {.payload = true, .vector = true}}).value();
    for (const Record& record : page.points) all[record.id] = {record.vector, record.payload};
    return all;
}

/// Points 0 .. count - 1, some dead rows, one changed payload; sealed, or growing with a part of them linked.
template <class C>
C make(bool sealed) {
    C c = C::open({.dimension = 4, .index = {.m = 4, .ef_construction = 8}}, inline_work()).value();
    fill(c, vectors, vectors.size() - count, true);
    for (std::size_t i = 0; i < count; ++i) c.upsert(PointId{i}, vectors[i], {{"n", i % 7}}).value();
    if (sealed) c.optimize().value();
    c.erase(PointId{3}).value();
    c.set_payload(PointId{4}, {{"changed", true}}).value();
    return c;
}

/// Runs `call` with ever more allocations granted, each time on a collection of its own, until none fails.
template <class C>
void sweep_one(const std::function<bool(C&)>& call, bool changes, bool sealed, Shortage shortage) {
    CAPTURE(sealed, shortage == Shortage::lasting);
    C whole = make<C>(sealed);
    const Contents before = contents_of(whole);
    REQUIRE(call(whole));
    const Contents after = contents_of(whole);
    REQUIRE((before != after) == changes);
    std::uint64_t failures = 0;
    // Each allocation of the first 48, then in longer steps: later ones are mostly of the same kinds.
    for (std::uint64_t granted = 0;; granted += 1 + granted / 48) {
        INFO("allocations granted: " << granted);
        C c = make<C>(sealed);
        bool done = false;
        bool failed = false;
        {
            const FailingAllocations failing(granted, shortage);
            try {
                done = call(c);
            } catch (const std::bad_alloc&) {
                // What the style says of memory.
            }
            failed = failing.failed();
        }
        failures += failed ? 1U : 0U;
        // A write may be done although its answer, or linking after it, found no memory.
        const Contents now = contents_of(c);
        REQUIRE((done ? now == after : now == before || now == after));
        REQUIRE((failed || done));
        c.verify().value();
        c.upsert(PointId{1'000}, vectors[0]).value();
        REQUIRE(c.search({.vector = vectors[0], .k = 2}).value().size() == 2);
        if (!failed) break;
    }
    CHECK(failures > 0);
}

template <class C>
void sweep(const char* name, const std::function<bool(C&)>& call, bool changes) {
    CAPTURE(name);
    for (const bool sealed : {false, true}) {
        for (const Shortage shortage : {Shortage::once, Shortage::lasting}) {
            sweep_one<C>(call, changes, sealed, shortage);
        }
    }
}

template <class C>
void sweep_reads() {
    sweep<C>(
        "search", [](C& c) { return c.search({.vector = vectors[9], .k = 5, .select = no_payload}).has_value(); },
        false);
    sweep<C>(
        "filtered search",
        [](C& c) {
            return c.search({.vector = vectors[9], .k = 5, .filter = field("n") == 3, .select = no_payload})
                .has_value();
        },
        false);
    sweep<C>(
        "exact batch",
        [](C& c) {
            const std::vector<SearchRequest> requests(
                3, {.vector = vectors[9], .k = 5, .exact = true, .select = no_payload});
            return c.search_batch(requests).has_value();
        },
        false);
    sweep<C>(
        "get", [](C& c) { return c.get(PointId{9}, no_payload).has_value(); }, false);
    sweep<C>(
        "scroll", [](C& c) { return c.scroll({.limit = 10, .select = no_payload}).has_value(); }, false);
    sweep<C>(
        "count", [](C& c) { return c.count(field("n") == 3).has_value(); }, false);
    sweep<C>(
        "stats", [](C& c) { return c.stats().has_value(); }, false);
}

template <class C>
void sweep_writes() {
    sweep<C>(
        "insert", [](C& c) { return c.upsert(PointId{900}, vectors[1], number).has_value(); }, true);
    sweep<C>(
        "replace", [](C& c) { return c.upsert(PointId{5}, vectors[1], number).has_value(); }, true);
    sweep<C>(
        "erase", [](C& c) { return c.erase(PointId{5}).has_value(); }, true);
    sweep<C>(
        "erase by filter", [](C& c) { return c.erase(field("n") == 2).has_value(); }, true);
    sweep<C>(
        "set_payload", [](C& c) { return c.set_payload(PointId{6}, words).has_value(); }, true);
    sweep<C>(
        "set_payload by filter", [](C& c) { return c.set_payload(field("n") == 2, words).has_value(); }, true);
    sweep<C>(
        "batch",
        [](C& c) {
            WriteBatch batch;
            for (std::uint64_t i = 0; i < 30; ++i) batch.upsert(PointId{2'000 + i}, vectors[i], number);
            batch.upsert(PointId::from_name("wide"), vectors[7]);
            batch.erase(PointId{8});
            batch.set_payload(PointId{9}, words);
            return c.write(std::move(batch)).has_value();
        },
        true);
}

template <class C>
void sweep_background() {
    sweep<C>(
        "optimize", [](C& c) { return c.optimize().has_value(); }, false);
    sweep<C>(
        "wait_until_indexed", [](C& c) { return c.wait_until_indexed().has_value(); }, false);
    sweep<C>(
        "verify", [](C& c) { return c.verify(Depth::full).has_value(); }, false);
}

}  // namespace

TEST_CASE("reads without memory give no wrong answer", "[out_of_memory]") {
    if (FailingAllocations::work()) sweep_reads<L2>();
    if (FailingAllocations::work()) sweep_reads<AngleCodes>();
}

TEST_CASE("writes without memory happen as a whole or not at all", "[out_of_memory]") {
    if (FailingAllocations::work()) sweep_writes<L2>();
}

TEST_CASE("background work without memory changes nothing and can be asked for again", "[out_of_memory]") {
    if (FailingAllocations::work()) sweep_background<L2>();
    if (FailingAllocations::work()) sweep_background<L2Codes>();
}

TEST_CASE("opening and closing without memory end in an error or not at all", "[out_of_memory]") {
    if (!FailingAllocations::work()) return;
    std::uint64_t failures = 0;
    for (std::uint64_t granted = 0;; ++granted) {
        const OpenOptions open = inline_work();
        const FailingAllocations failing(granted, Shortage::lasting);
        try {
            auto c = L2::open({.dimension = 4}, open);
            if (c) static_cast<void>(c->close());
        } catch (const std::bad_alloc&) {
            // What the style says of memory.
        }
        if (!failing.failed()) break;
        ++failures;
    }
    CHECK(failures > 3);
    for (const bool sealed : {false, true}) {
        L2 c = make<L2>(sealed);
        const FailingAllocations failing(0, Shortage::lasting);
        CHECK(c.close().has_value());  // noexcept: a throw would end the program
    }
}
