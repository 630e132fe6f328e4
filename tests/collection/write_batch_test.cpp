#include "sextant/collection/write_batch.hpp"

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

const std::vector<float> v{1, 2};
const std::vector<float> w{3, 4};

L2 two_points() {
    auto c = L2::open({.dimension = 2}, inline_work()).value();
    c.upsert(PointId{1}, v, {{"a", 1}}).value();
    c.upsert(PointId{2}, v, {{"b", 2}}).value();
    return c;
}

}  // namespace

TEST_CASE("operations of a batch act in order, also on one id", "[write_batch]") {
    auto c = two_points();
    WriteBatch batch;
    batch.upsert(PointId{1}, w, {{"first", true}});
    batch.set_payload(PointId{1}, {{"then", 2}});
    batch.erase(PointId{2});
    batch.upsert(PointId{2}, w);
    batch.upsert(PointId{3}, v);
    batch.erase(PointId{3});
    batch.erase(PointId{4});
    batch.upsert(PointId{5}, v);
    batch.upsert(PointId{5}, w, {{"last", 1}});
    batch.overwrite_payload(PointId{6}, {{"nobody", 1}});
    c.write(std::move(batch)).value();
    CHECK(c.count().value() == 3);
    CHECK(c.get(PointId{1}).value().payload == Payload{{"first", true}, {"then", 2}});
    CHECK(c.get(PointId{2}, {.vector = true}).value().vector == w);
    CHECK(c.get(PointId{2}).value().payload == Payload::object());
    CHECK(c.get(PointId{5}, {.vector = true}).value().vector == w);
    CHECK(c.get(PointId{5}).value().payload == Payload{{"last", 1}});
    CHECK_FALSE(c.get(PointId{6}).has_value());
    c.verify().value();
}

TEST_CASE("erase and insert fold, whatever came before", "[write_batch]") {
    auto c = two_points();
    WriteBatch batch;
    batch.erase(PointId{1});
    batch.set_payload(PointId{1}, {{"x", 1}});  // there is no such point any more
    batch.upsert_if(Lsn{}, PointId{1}, w);      // so this condition holds
    batch.clear_payload(PointId{2});
    batch.set_payload(PointId{2}, {{"c", 3}});
    batch.erase(PointId{2});
    c.write(std::move(batch)).value();
    CHECK(c.get(PointId{1}).value().payload == Payload::object());
    CHECK_FALSE(c.get(PointId{2}).has_value());
    WriteBatch again;
    again.upsert(PointId{9}, v);
    again.upsert_if(Lsn{}, PointId{9}, w);
    const auto refused = c.write(std::move(again));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::already_exists);
    CHECK_FALSE(c.get(PointId{9}).has_value());
}

TEST_CASE("an empty batch changes nothing", "[write_batch]") {
    auto c = two_points();
    const Lsn before = c.stats().value().version;
    CHECK(c.write(WriteBatch{}).value() == before);
    WriteBatch batch;
    batch.erase(PointId{99});
    CHECK(c.write(std::move(batch)).value() == before);
    CHECK(batch.empty());
}

TEST_CASE("payload changes of many points by ids and by filter", "[write_batch]") {
    auto c = L2::open({.dimension = 1}, inline_work()).value();
    for (std::uint64_t i = 0; i < 100; ++i) {
        c.upsert(PointId{i}, std::vector<float>{float(i)}, {{"n", i}, {"o", {{"p", i}, {"q", 1}}}}).value();
    }
    const bool sealed = GENERATE(false, true);
    if (sealed) c.optimize().value();
    const std::vector<PointId> ids{PointId{1}, PointId{2}, PointId{1000}};
    CHECK(c.set_payload(ids, {{"n", -1}, {"new", "x"}}).value() == 2);
    CHECK(c.get(PointId{1}).value().payload == Payload{{"n", -1}, {"o", {{"p", 1}, {"q", 1}}}, {"new", "x"}});
    CHECK(c.overwrite_payload(field("n") >= 90, {{"z", true}}).value() == 10);
    CHECK(c.get(PointId{95}).value().payload == Payload{{"z", true}});
    CHECK(c.delete_payload_keys(field("n") == 50, {"o.p", "n"}).value() == 1);
    CHECK(c.get(PointId{50}).value().payload == Payload{{"o", {{"q", 1}}}});
    CHECK(c.clear_payload(PointId{3}).value() == 1);
    CHECK(c.get(PointId{3}).value().payload == Payload::object());
    CHECK(c.count(field("z") == true).value() == 10);
    CHECK(c.count(field("n") == -1).value() == 2);
    if (sealed) CHECK(c.stats().value().segments.size() == 1);  // no row was written again
    c.optimize().value();
    CHECK(c.get(PointId{1}).value().payload.at("new") == "x");
    CHECK(c.get(PointId{50}).value().payload == Payload{{"o", {{"q", 1}}}});
    CHECK(c.erase(field("z").exists()).value() == 10);
    CHECK(c.count().value() == 90);
    c.verify().value();
}

TEST_CASE("a point that several operations name counts once", "[write_batch]") {
    L2 c = L2::open({.dimension = 2}, inline_work()).value();
    c.upsert(PointId{1}, v, {{"a", 1}}).value();
    c.upsert(PointId{2}, v).value();
    const std::vector<PointId> twice{PointId{1}, PointId{1}, PointId{2}, PointId{9}};
    CHECK(c.set_payload(twice, {{"b", 2}}).value() == 2);
    CHECK(c.clear_payload(twice).value() == 2);
    CHECK(c.erase(twice).value() == 2);
}

TEST_CASE("more paths than a payload change may name are refused", "[write_batch]") {
    L2 c = L2::open({.dimension = 2}, inline_work()).value();
    c.upsert(PointId{1}, std::vector<float>{1.0F, 2.0F}, {{"k7", 1}}).value();
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < limits::max_payload_paths; ++i) keys.push_back("k" + std::to_string(i));
    CHECK(c.delete_payload_keys(PointId{1}, keys).value() == 1);
    CHECK(c.get(PointId{1}).value().payload.empty());
    keys.push_back("one_more");
    const auto refused = c.delete_payload_keys(PointId{1}, keys);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid_argument);
    CHECK(mentions(refused.error(), "keys: got 1025 paths"));
}

TEST_CASE("a change by filter that memory does not suffice for changes nothing", "[write_batch]") {
    MemoryAccount memory("limit", std::uint64_t{8} << 20U);
    OpenOptions open = inline_work();
    open.memory = &memory;
    L2 c = L2::open({.dimension = 2}, open).value();
    const auto vectors = test_support::normal_vectors(20'000, 2, 1);
    fill(c, vectors);
    const auto refused = c.set_payload(Filter::all(), {{"a", 1}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(c.count(field("a") == 1).value() == 0);
    CHECK(c.set_payload(has_id({PointId{3}}), {{"a", 1}}).value() == 1);
}
