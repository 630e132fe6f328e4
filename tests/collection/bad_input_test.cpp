// What a caller can do wrong: each refused with an error that names the field, and nothing changed.
#include <cmath>
#include <limits>

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// A collection with two points, and a check that it still is just that.
struct Fixture {
    Fixture() {
        c.upsert(PointId{1}, v, {{"a", 1}}).value();
        version = c.upsert(PointId{2}, w).value();
    }
    void check_unchanged() const {
        REQUIRE(c.count().value() == 2);
        REQUIRE(c.get(PointId{1}, {.vector = true}).value().vector == v);
        REQUIRE(c.get(PointId{1}).value().payload == Payload{{"a", 1}});
        REQUIRE(c.get(PointId{2}, {.vector = true}).value().vector == w);
        REQUIRE(c.stats().value().version == version);
        REQUIRE(c.stats().value().dead_rows == 0);
    }
    template <class T>
    void refused(const Result<T>& result, const std::string& word, ErrorCode code = ErrorCode::invalid_argument) const {
        REQUIRE_FALSE(result.has_value());
        CAPTURE(result.error().message);
        CHECK(result.error().code == code);
        CHECK(mentions(result.error(), word));
        check_unchanged();
    }

    L2 c = L2::open({.dimension = 3}, inline_work()).value();
    std::vector<float> v{1, 2, 3};
    std::vector<float> w{4, 5, 6};
    Lsn version{};
};

SearchRequest query(const std::vector<float>& vector) { return {.vector = vector}; }

}  // namespace

TEST_CASE("a vector of the wrong dimension is refused", "[bad_input]") {
    Fixture f;
    const std::vector<float> shorter{1, 2};
    const std::vector<float> longer{1, 2, 3, 4};
    f.refused(f.c.upsert(PointId{1}, shorter), "vector: got 2 floats, expected options.dimension = 3");
    f.refused(f.c.upsert(PointId{9}, longer), "vector: got 4 floats");
    f.refused(f.c.upsert(PointId{9}, {}), "vector: got 0 floats");
    f.refused(f.c.search(query(shorter)), "vector: got 2 floats");
    f.refused(f.c.search({}), "vector: got 0 floats");
}

TEST_CASE("a dimension that is missing, zero or over the limit is refused", "[bad_input]") {
    CHECK(mentions(L2::open({}).error(), "options.dimension"));
    for (const std::size_t bad : {std::size_t{0}, limits::max_dimension + 1, std::size_t{1} << 59U,
                                  std::size_t{1} << 63U, std::numeric_limits<std::size_t>::max()}) {
        const auto opened = L2::open({.dimension = bad});
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().code == ErrorCode::invalid_argument);
        CHECK(mentions(opened.error(), "options.dimension"));
        CHECK(mentions(L2::estimate(10, {.dimension = bad}).error(), "options.dimension"));
    }
    CHECK(L2::open({.dimension = limits::max_dimension}).has_value());
}

TEST_CASE("NaN and infinity are refused wherever they stand", "[bad_input]") {
    Fixture f;
    for (const float bad : {not_a_number, infinity, -infinity}) {
        for (std::size_t at = 0; at < 3; ++at) {
            std::vector<float> vector{1, 2, 3};
            vector[at] = bad;
            f.refused(f.c.upsert(PointId{1}, vector), "vector[" + std::to_string(at) + "]");
            f.refused(f.c.search(query(vector)), "vector[" + std::to_string(at) + "]");
        }
    }
}

TEST_CASE("one bad row rejects its batch and is named", "[bad_input]") {
    Fixture f;
    WriteBatch batch;
    batch.upsert(PointId{10}, f.v);
    batch.erase(PointId{1});
    batch.upsert(PointId{77}, std::vector<float>{1, not_a_number, 3});
    batch.upsert(PointId{11}, f.v);
    f.refused(f.c.write(std::move(batch)), "operation 2 (id 77): vector[1]");
    CHECK(batch.size() == 4);  // a refused batch can be mended and written again

    WriteBatch wrong_size;
    wrong_size.upsert(PointId{10}, f.v);
    wrong_size.upsert(PointId{78}, std::vector<float>{1});
    f.refused(f.c.write(std::move(wrong_size)), "operation 1 (id 78): vector: got 1 floats");

    WriteBatch wrong_payload;
    wrong_payload.upsert(PointId{10}, f.v);
    wrong_payload.set_payload(PointId{1}, Payload::array({1, 2}));
    f.refused(f.c.write(std::move(wrong_payload)), "operation 1 (id 1): payload");

    WriteBatch wrong_path;
    wrong_path.erase(PointId{2});
    wrong_path.delete_payload_keys(PointId{1}, std::vector<std::string>{"a..b"});
    f.refused(f.c.write(std::move(wrong_path)), "operation 1 (id 1)");
}

TEST_CASE("numbers of a search outside their limits are refused by name", "[bad_input]") {
    Fixture f;
    const auto with = [&](auto change) {
        SearchRequest request = query(f.v);
        change(request);
        return f.c.search(request);
    };
    f.refused(with([](auto& r) { r.k = 0; }), "k: got 0");
    f.refused(with([](auto& r) { r.k = limits::max_k + 1; }), "k: got");
    f.refused(with([](auto& r) { r.ef = 0; }), "ef: got 0");
    f.refused(with([](auto& r) { r.ef = limits::max_ef + 1; }), "ef: got");
    f.refused(with([](auto& r) { r.offset = limits::max_offset + 1; }), "offset: got");
    f.refused(with([](auto& r) { r.offset = std::numeric_limits<std::size_t>::max(); }), "offset: got");
    f.refused(with([](auto& r) {
                  r.offset = std::numeric_limits<std::size_t>::max() - 5;
                  r.k = 10;
              }),
              "offset: got");
    f.refused(with([](auto& r) {
                  r.k = std::numeric_limits<std::size_t>::max();
                  r.offset = 1;
              }),
              "k: got");
    f.refused(with([](auto& r) { r.recall_target = 0.0F; }), "recall_target: got 0");
    f.refused(with([](auto& r) { r.recall_target = 1.5F; }), "recall_target: got 1.5");
    f.refused(with([](auto& r) { r.recall_target = not_a_number; }), "recall_target: got nan");
    f.refused(with([](auto& r) { r.oversampling = 0.5F; }), "oversampling: got 0.5");
    f.refused(with([](auto& r) { r.oversampling = not_a_number; }), "oversampling: got nan");
    f.refused(with([](auto& r) { r.oversampling = 1e9F; }), "oversampling: got");
    f.refused(with([](auto& r) { r.score_threshold = not_a_number; }), "score_threshold: got nan");
    f.refused(with([](auto& r) { r.filter = field("a..b") == 1; }), "a..b");
    f.refused(f.c.scroll({.limit = 0}), "limit: got 0");
    f.refused(f.c.scroll({.limit = limits::max_k + 1}), "limit: got");
    CHECK(with([](auto& r) {
              r.k = limits::max_k;
              r.offset = limits::max_offset;
          }).has_value());

    const std::vector<SearchRequest> batch{query(f.v), {.vector = f.v, .k = 0}};
    f.refused(f.c.search_batch(batch), "requests[1]: k: got 0");
}

TEST_CASE("a malformed id is refused with the place of the fault", "[bad_input]") {
    for (const char* bad : {"", "x", "-1", "18446744073709551616", "550e8400-e29b-41d4-a716-44665544000",
                            "550e8400-e29b-41d4-a716-44665544000g"}) {
        const auto parsed = PointId::parse(bad);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error().code == ErrorCode::invalid_argument);
    }
}

TEST_CASE("a payload that is no object, too deep or too large is refused", "[bad_input]") {
    Fixture f;
    f.refused(f.c.upsert(PointId{1}, f.v, Payload::array({1})), "payload");
    f.refused(f.c.upsert(PointId{1}, f.v, Payload("text")), "payload");
    f.refused(f.c.set_payload(PointId{1}, Payload(7)), "payload");
    f.refused(f.c.upsert(PointId{1}, f.v, {{"x", std::numeric_limits<double>::infinity()}}), "x");
    Payload deep = Payload::object();
    for (std::size_t i = 0; i < limits::max_payload_depth + 1; ++i) deep = Payload{{"d", deep}};
    f.refused(f.c.upsert(PointId{1}, f.v, deep), "64 levels");
    const Payload large{{"text", std::string(limits::max_payload_size + 1, 'x')}};
    f.refused(f.c.upsert(PointId{1}, f.v, large), "payload");
    f.refused(f.c.overwrite_payload(PointId{1}, large), "payload");
    const Payload half{{"one", std::string(limits::max_payload_size / 2 + 1, 'x')}};
    const Payload other_half{{"two", std::string(limits::max_payload_size / 2 + 1, 'x')}};
    // Each fits; together they do not.
    auto c = L2::open({.dimension = 3}, inline_work()).value();
    c.upsert(PointId{1}, f.v, half).value();
    const auto refused = c.set_payload(PointId{1}, other_half);
    REQUIRE_FALSE(refused.has_value());
    CHECK(mentions(refused.error(), "payload"));
    CHECK(c.get(PointId{1}).value().payload == half);
}

TEST_CASE("options that contradict each other are refused by name", "[bad_input]") {
    const auto bad = [](const auto& options, const OpenOptions& open, const std::string& word) {
        using C =
            std::conditional_t<std::is_same_v<std::remove_cvref_t<decltype(options)>, L2Codes::Options>, L2Codes, L2>;
        const auto opened = C::open(options, open);
        REQUIRE_FALSE(opened.has_value());
        CAPTURE(opened.error().message);
        CHECK(opened.error().code == ErrorCode::invalid_argument);
        CHECK(mentions(opened.error(), word));
    };
    bad(L2::Options{.dimension = 3, .index = {.m = 32, .ef_construction = 20}}, {}, "options.index.ef_construction");
    bad(L2::Options{.dimension = 3, .index = {.ef_construction = 8}}, {}, "options.index.ef_construction");
    bad(L2::Options{.dimension = 3, .index = {.m = 3}}, {}, "options.index.m");
    bad(L2::Options{.dimension = 3, .index = {.m = 65}}, {}, "options.index.m");
    bad(L2::Options{.dimension = 3, .index = {.ef_construction = 4097}}, {}, "options.index.ef_construction");
    bad(L2::Options{.dimension = 3, .durability = Durability::Sync}, {}, "options.durability");
    bad(L2::Options{.dimension = 3, .raw = RawPrecision{3}}, {}, "options.raw: got 3");
    bad(L2::Options{.dimension = 3, .raw = RawPrecision{0}}, {}, "options.raw: got 0");
    bad(L2::Options{.dimension = 3}, {.mode = OpenMode::read_only}, "open.mode");
    bad(L2::Options{.dimension = 3}, {.mode = OpenMode::open}, "open.mode");
    bad(L2::Options{.dimension = 3}, {.on_corruption = OnCorruption::read_only_salvage}, "open.on_corruption");

    Fixture f;
    f.refused(f.c.search({.vector = f.v, .rescore = false, .oversampling = 2.0F}), "oversampling");
    f.refused(f.c.search({.vector = f.v, .recall_target = 0.9F, .rescore = false}), "recall_target");
    f.refused(f.c.search({.vector = f.v, .ef = 10, .recall_target = 0.9F}), "recall_target");
    f.refused(f.c.search({.vector = f.v, .rescore = false, .score_threshold = 2.0F}), "score_threshold");
}

TEST_CASE("a change of data refuses the empty filter", "[bad_input]") {
    Fixture f;
    f.refused(f.c.erase(Filter{}), "filter");
    f.refused(f.c.set_payload(Filter{}, {{"a", 2}}), "filter");
    f.refused(f.c.overwrite_payload(Filter{}, {{"a", 2}}), "filter");
    f.refused(f.c.delete_payload_keys(Filter{}, {"a"}), "filter");
    f.refused(f.c.clear_payload(Filter{}), "filter");
    CHECK(f.c.erase(Filter::all()).value() == 2);
}

TEST_CASE("a condition on the version that does not hold changes nothing", "[bad_input]") {
    Fixture f;
    f.refused(f.c.upsert_if(Lsn{}, PointId{1}, f.w), "id 1: exists already", ErrorCode::already_exists);
    f.refused(f.c.upsert_if(Lsn{99}, PointId{1}, f.w), "expected 99", ErrorCode::version_conflict);
    f.refused(f.c.upsert_if(Lsn{1}, PointId{9}, f.w), "version is none", ErrorCode::version_conflict);
    WriteBatch batch;
    batch.upsert(PointId{5}, f.v);
    batch.upsert_if(Lsn{99}, PointId{2}, f.v);
    f.refused(f.c.write(std::move(batch)), "operation 1 (id 2)", ErrorCode::version_conflict);
    f.refused(f.c.get(PointId{5}), "id 5", ErrorCode::not_found);
}

TEST_CASE("a zero vector under cosine is kept and is at distance 1 of everything", "[bad_input]") {
    auto c = Angles::open({.dimension = 3}, inline_work()).value();
    const std::vector<float> zero{0, 0, 0};
    const std::vector<float> x{1, 0, 0};
    const std::vector<float> back{-1, 0, 0};
    c.upsert(PointId{1}, zero).value();
    c.upsert(PointId{2}, x).value();
    c.upsert(PointId{3}, back).value();
    CHECK(c.get(PointId{1}, {.vector = true}).value().vector == zero);
    for (const bool exact : {false, true}) {
        const auto hits = c.search({.vector = x, .k = 3, .exact = exact}).value();
        REQUIRE(ids_of(hits) == std::vector<PointId>{PointId{2}, PointId{1}, PointId{3}});
        CHECK(hits[1].score == 0.0F);
        for (const auto& hit : c.search({.vector = zero, .k = 3, .exact = exact}).value()) CHECK(hit.score == 0.0F);
    }
    c.optimize().value();
    CHECK(c.search({.vector = x, .k = 3}).value()[1].score == 0.0F);
}

TEMPLATE_TEST_CASE("numbers too large to compare are refused, the largest that are not rank rightly",
                   "[bad_input][kernel]", L2, Angles, Products, L2Codes) {
    auto c = TestType::open({.dimension = 3}, inline_work()).value();
    const auto refused = c.upsert(PointId{1}, std::vector<float>{1e38F, 0, 0});
    REQUIRE_FALSE(refused.has_value());
    CHECK(mentions(refused.error(), "vector"));
    CHECK(c.count().value() == 0);
    const std::vector<float> large{9e18F, 0, 0};
    const std::vector<float> near{8e18F, 0, 1e18F};
    const std::vector<float> far{-9e18F, 0, 0};
    c.upsert(PointId{1}, far).value();
    c.upsert(PointId{2}, near).value();
    c.upsert(PointId{3}, large).value();
    for (int round = 0; round < 2; ++round) {
        const auto hits = c.search({.vector = large, .k = 3}).value();
        REQUIRE(ids_of(hits) == std::vector<PointId>{PointId{3}, PointId{2}, PointId{1}});
        for (const auto& hit : hits) CHECK(std::isfinite(hit.score));
        c.optimize().value();
    }
}

TEST_CASE("denormal numbers rank rightly", "[bad_input][kernel]") {
    const float tiny = std::numeric_limits<float>::denorm_min();
    auto c = Angles::open({.dimension = 2}, inline_work()).value();
    c.upsert(PointId{1}, std::vector<float>{tiny * 100, 0}).value();
    c.upsert(PointId{2}, std::vector<float>{tiny * 100, tiny * 100}).value();
    c.upsert(PointId{3}, std::vector<float>{0, tiny * 100}).value();
    const auto hits = c.search({.vector = std::vector<float>{tiny * 100, tiny * 10}, .k = 3}).value();
    CHECK(ids_of(hits) == std::vector<PointId>{PointId{1}, PointId{2}, PointId{3}});
    CHECK(hits[0].score == Approx(0.995F).epsilon(0.01));
    CHECK(hits[2].score == Approx(0.0995F).epsilon(0.05));

    auto l2 = L2::open({.dimension = 2}, inline_work()).value();
    l2.upsert(PointId{1}, std::vector<float>{tiny, tiny}).value();
    l2.upsert(PointId{2}, std::vector<float>{1, 1}).value();
    CHECK(ids_of(l2.search({.vector = std::vector<float>{0, 0}, .k = 2}).value()) ==
          std::vector<PointId>{PointId{1}, PointId{2}});

    // Below what a squared float can tell apart, points tie and rank by id; above it, by distance.
    auto close = L2::open({.dimension = 1}, inline_work()).value();
    close.upsert(PointId{1}, std::vector<float>{2e-25F}).value();
    close.upsert(PointId{2}, std::vector<float>{1e-25F}).value();
    close.upsert(PointId{3}, std::vector<float>{2e-20F}).value();
    close.upsert(PointId{4}, std::vector<float>{1e-20F}).value();
    CHECK(ids_of(close.search({.vector = std::vector<float>{0}, .k = 4}).value()) ==
          std::vector<PointId>{PointId{1}, PointId{2}, PointId{4}, PointId{3}});
}

TEST_CASE("fewer than k points are an answer, not an error", "[bad_input]") {
    Fixture f;
    const auto all = f.c.search({.vector = f.v, .k = 10}).value();
    CHECK(all.size() == 2);
    CHECK(all.complete);
    CHECK(f.c.search({.vector = f.v, .k = 10, .offset = 5}).value().empty());
    CHECK(f.c.search({.vector = f.v, .filter = field("a") == 99}).value().empty());
    auto empty = L2::open({.dimension = 3}).value();
    CHECK(empty.search({.vector = f.v}).value().empty());
    empty.optimize().value();
    CHECK(empty.search({.vector = f.v, .exact = true}).value().empty());
}

namespace {

/// A search that ties never end would look at all of them: `most` is what it may compare in one segment. Each row of the
/// pool of 100 is asked for its 32 links once, most of which were met before; descents add some for each level.
template <class C>
void check_equal_vectors(C c, std::size_t count) {
    constexpr std::uint64_t most = 2500;
    CAPTURE(count);
    const std::vector<float> one(8, 1.0F);
    fill(c, Vectors{8, std::vector<float>(count * 8, 1.0F)});
    c.wait_until_indexed().value();
    for (int round = 0; round < 2; ++round) {
        const auto hits = c.search({.vector = one, .k = 10}).value();
        REQUIRE(hits.size() == 10);
        CHECK(hits[9].score == 0.0F);
        CHECK(hits.plan.segments_by_graph > 0);
        CHECK(hits.visited < most * (hits.plan.segments_by_graph + hits.plan.segments_scanned));
        c.optimize().value();
    }
    const auto hits = c.search({.vector = one, .k = 10}).value();
    CHECK(hits.plan.segments_by_graph == 1);
    CHECK(hits.visited < most);
    c.verify().value();
}

}  // namespace

TEST_CASE("many equal vectors do not make a search slow or wrong", "[bad_input][kernel]") {
    check_equal_vectors(L2::open({.dimension = 8}, inline_work()).value(), 5'000);
    check_equal_vectors(L2Codes::open({.dimension = 8}, inline_work()).value(), 5'000);
    check_equal_vectors(L2Codes::open({.dimension = 8}, inline_work()).value(), 20'000);
}

TEST_CASE("a million equal vectors do not make a search slow or wrong", "[.][soak]") {
    check_equal_vectors(L2Codes::open({.dimension = 8}, threads(2)).value(), 1'000'000);
}

TEST_CASE("out of memory at any point of a write leaves everything as it was", "[bad_input]") {
    MemoryAccount memory("test");
    auto c = L2::open({.dimension = 32}, {.executor = std::make_shared<InlineExecutor>(), .memory = &memory}).value();
    const Vectors vectors = normal_vectors(700, 32, 1);
    fill(c, vectors, 0, true);
    const Stats before = c.stats().value();
    const auto same = [&] {
        const Stats now = c.stats().value();
        REQUIRE(now.live_rows == before.live_rows);
        REQUIRE(now.dead_rows == before.dead_rows);
        REQUIRE(now.version == before.version);
        REQUIRE(c.get(PointId{3}).value().payload == Payload{{"n", 3}});
        REQUIRE(c.get(PointId{4}).has_value());
        REQUIRE_FALSE(c.get(PointId{5000}).has_value());
    };
    std::uint64_t refusals = 0;
    // Each charge of the first ones, where the kinds differ; later ones, of the same columns growing, in longer steps.
    for (std::uint64_t granted = 0;; granted += 1 + granted / 16) {
        WriteBatch batch;
        for (std::uint64_t i = 0; i < 2000; ++i)
            batch.upsert(PointId{i + 4'000}, vectors[i % 700], {{"text", std::string(100, 'x')}});
        batch.upsert(PointId{2}, vectors[0]);
        batch.set_payload(PointId{3}, {{"n", "changed"}});
        batch.erase(PointId{4});
        batch.upsert(PointId::from_name("wide"), vectors[1]);
        memory.refuse_after(granted);
        const auto written = c.write(std::move(batch));
        memory.refuse_after(MemoryAccount::unlimited);
        if (written.has_value()) break;
        ++refusals;
        REQUIRE(written.error().code == ErrorCode::resource_exhausted);
        same();
    }
    CHECK(refusals >= 5);
    CHECK(c.count().value() == 700 + 2000 - 1 + 1);
    CHECK(c.get(PointId{3}).value().payload == Payload{{"n", "changed"}});
    c.verify().value();
}
