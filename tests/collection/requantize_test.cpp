// Other codes for a collection that exists: only when asked for, in the background, all of it or nothing.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "collection/collection_support.hpp"
#include "collection/durable_support.hpp"
#include "support/catch.hpp"
#include "support/sim_disk.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr std::size_t dimension = 24;
constexpr std::size_t count = 2400;

using Products8 = Collection<SquaredL2, MemoryStorage, ProductQuantizer>;
using StoredProducts = Collection<SquaredL2, MappedStorage, ProductQuantizer>;
using StoredScalars = Collection<SquaredL2, MappedStorage, ScalarQuantizer>;
using StoredFloats = Collection<SquaredL2, MappedStorage, NoQuantizer>;

template <class C>
double recall_of(const C& c, const Vectors& queries) {
    double found = 0.0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const auto exact = c.search({.vector = queries[q], .k = 10, .exact = true}).value();
        found += recall(c.search({.vector = queries[q], .k = 10}).value(), exact);
    }
    return found / static_cast<double>(queries.size());
}

template <class C>
std::uint64_t code_bytes(const C& c) {
    return c.stats().value().bytes.codes;
}

std::vector<PointId> answer(const CollectionHandle& c, const Vectors& queries) {
    return ids_of(c.search({.vector = queries[0], .k = 20, .exact = true}).value());
}

const Vectors& stored() {
    static const Vectors vectors = clustered_vectors(count, dimension, 11);
    return vectors;
}
const Vectors& strangers() {
    static const Vectors vectors = clustered_vectors(20, dimension, 12);
    return vectors;
}

}  // namespace

TEST_CASE("a collection in memory gets finer codes, and other ones", "[requantize]") {
    auto c =
        Products8::open({.dimension = dimension, .quantizer = {.subvectors = 4, .bits = 4}}, inline_work()).value();
    fill(c, stored());
    c.optimize().value();
    const auto coarse = code_bytes(c);
    const auto before = answer(c, strangers());
    c.requantize({.subvectors = 24}).value();
    CHECK(code_bytes(c) > coarse);
    CHECK(answer(c, strangers()) == before);
    CHECK(recall_of(c, strangers()) > 0.95);
    CHECK(c.verify(Depth::full));
    c.requantize<NoQuantizer>({}).value();
    CHECK(code_bytes(c) == 0);
    CHECK(answer(c, strangers()) == before);
    c.requantize<ScalarQuantizer>({}).value();
    CHECK(code_bytes(c) >= count * dimension);
    CHECK(recall_of(c, strangers()) > 0.95);
    CHECK(c.verify(Depth::full));
    // What is sealed from now on has the new codes as well.
    const Vectors more = clustered_vectors(2 * count, dimension, 13);
    fill(c, more, count);
    c.optimize().value();
    CHECK(code_bytes(c) >= 2 * count * dimension);
    CHECK(c.stats().value().live_rows == 2 * count);
}

TEST_CASE("other options are stored with the new codes", "[requantize][durable]") {
    SimDisk disk;
    std::vector<PointId> before;
    {
        auto c =
            StoredProducts::open("c", {.dimension = dimension, .quantizer = {.subvectors = 4}}, inline_on(disk.files()))
                .value();
        fill(c, stored());
        before = answer(c, strangers());
        c.requantize({.subvectors = 12, .bits = 4}).value();
        c.close().value();
    }
    const auto refused = StoredProducts::open("c", {.quantizer = {.subvectors = 4}}, inline_on(disk.files()));
    REQUIRE_FALSE(refused);
    CHECK(mentions(refused.error(), "options.quantizer"));
    auto c = StoredProducts::open("c", {.quantizer = {.subvectors = 12, .bits = 4}}, inline_on(disk.files())).value();
    CHECK(answer(c, strangers()) == before);
    CHECK(code_bytes(c) < count * 16 + 65'536);
    CHECK(c.verify(Depth::full));
    c.close().value();
}

TEST_CASE("a collection of one quantizer becomes one of another", "[requantize][durable]") {
    SimDisk disk;
    std::vector<PointId> before;
    {
        auto c = StoredScalars::open("c", {.dimension = dimension}, inline_on(disk.files())).value();
        fill(c, stored());
        c.optimize().value();
        before = answer(c, strangers());
        c.requantize<ProductQuantizer>({.subvectors = 8}).value();
        CHECK(answer(c, strangers()) == before);
        c.erase(before[0]).value();  // the log goes on, and with it the collection
        c.close().value();
    }
    const auto refused = StoredScalars::open("c", {}, inline_on(disk.files()));
    REQUIRE_FALSE(refused);
    CHECK(mentions(refused.error(), "quantizer"));
    for (int opening = 0; opening < 2; ++opening) {
        auto c = StoredProducts::open("c", {}, inline_on(disk.files())).value();
        const auto now = answer(c, strangers());
        CHECK(std::equal(now.begin(), now.end() - 1, before.begin() + 1));
        CHECK(recall_of(c, strangers()) > 0.9);
        CHECK(c.verify(Depth::full));
        if (opening == 1) c.requantize<NoQuantizer>({}).value();
        c.close().value();
    }
    CHECK(StoredFloats::open("c", {}, inline_on(disk.files())).value().stats().value().live_rows == count - 1);
}

TEST_CASE("an empty collection changes its quantizer as well", "[requantize][durable]") {
    SimDisk disk;
    {
        auto c = StoredScalars::open("c", {.dimension = dimension}, inline_on(disk.files())).value();
        c.requantize<ProductQuantizer>({.subvectors = 8}).value();
        c.close().value();
    }
    CHECK_FALSE(StoredScalars::open("c", {}, inline_on(disk.files())));
    auto c = StoredProducts::open("c", {.quantizer = {.subvectors = 8}}, inline_on(disk.files())).value();
    fill(c, stored());
    c.optimize().value();
    CHECK(code_bytes(c) < count * 24);
    c.close().value();
}

TEST_CASE("what is asked for in vain is refused, and changes nothing", "[requantize]") {
    auto c = Products8::open({.dimension = dimension, .quantizer = {.subvectors = 4}}, inline_work()).value();
    fill(c, stored());
    c.optimize().value();
    const auto bytes = code_bytes(c);
    for (const auto& options : {ProductQuantizer::Options{.subvectors = 0}, ProductQuantizer::Options{.subvectors = 25},
                                ProductQuantizer::Options{.bits = 5}}) {
        const auto refused = c.requantize(options);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::invalid_argument);
        CHECK(mentions(refused.error(), "quantizer."));
    }
    CHECK(code_bytes(c) == bytes);
    CHECK_FALSE(Products8::open({.dimension = dimension, .quantizer = {.subvectors = 25}}, inline_work()));
    c.close().value();
    CHECK(c.requantize({.subvectors = 8}).error().code == ErrorCode::closed);
}

TEST_CASE("a cancelled change leaves the old codes in place, searches and writes going on meanwhile",
          "[requantize][threads][durable]") {
    SimDisk disk;
    OpenOptions open;
    open.executor = std::make_shared<ThreadPoolExecutor>(2);
    open.files = &disk.files();
    {
        auto c = StoredProducts::open("c", {.dimension = dimension, .quantizer = {.subvectors = 4}}, open).value();
        fill(c, stored());
        c.optimize().value();
        Task task = c.start_requantize({.subvectors = 24}).value();
        task.cancel();
        std::uint64_t writes = 0;
        while (!task.done()) {
            CHECK(c.search({.vector = strangers()[writes % 20], .k = 5}).value().size() == 5);
            c.upsert(PointId{count + writes}, stored()[writes % count]).value();
            ++writes;
        }
        const auto result = task.wait();
        if (!result) CHECK(result.error().code == ErrorCode::cancelled);
        const bool changed = result.has_value();
        c.close().value();
        const std::uint32_t now = changed ? 24 : 4;
        auto again = StoredProducts::open("c", {.quantizer = {.subvectors = now}}, open).value();
        CHECK(again.stats().value().live_rows == count + writes);
        CHECK(again.verify(Depth::full));
        // The same, not cancelled, beside writes.
        Task whole = again.start_requantize({.subvectors = 12}).value();
        std::uint64_t more = 0;
        while (!whole.done()) {
            again.upsert(PointId{2 * count + writes + more}, stored()[more % count]).value();
            CHECK(again.search({.vector = strangers()[more % 20], .k = 5}).value().size() == 5);
            ++more;
        }
        CHECK(whole.wait());
        CHECK(again.stats().value().live_rows == count + writes + more);
        again.close().value();
    }
    CHECK(StoredProducts::open("c", {.quantizer = {.subvectors = 12}}, open).has_value());
}

TEST_CASE("a disk that fills up leaves the old codes in place", "[requantize][durable]") {
    SimDisk disk;
    auto c =
        StoredProducts::open("c", {.dimension = dimension, .quantizer = {.subvectors = 4}}, inline_on(disk.files()))
            .value();
    fill(c, stored());
    c.optimize().value();
    const auto before = answer(c, strangers());
    disk.set_capacity(disk.used_bytes() + 100'000);
    const auto full = c.requantize({.subvectors = 24});
    REQUIRE_FALSE(full);
    CHECK(full.error().code == ErrorCode::resource_exhausted);
    CHECK(answer(c, strangers()) == before);
    disk.set_capacity(std::uint64_t{1} << 40U);
    c.close().value();
    auto again = StoredProducts::open("c", {.quantizer = {.subvectors = 4}}, inline_on(disk.files())).value();
    CHECK(answer(again, strangers()) == before);
    again.requantize({.subvectors = 24}).value();
    again.close().value();
}
