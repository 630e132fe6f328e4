// Everything at once, from many threads, without a lock of the caller's. Run under the thread sanitizer as well.
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "collection/collection_support.hpp"
#include "support/catch.hpp"

using namespace sextant;
using namespace test_support;

namespace {

/// Runs `body(thread)` on `count` threads; the first message of a failure comes back (Catch2's own checks belong to one
/// thread).
template <class Body>
std::string on_threads(std::size_t count, const Body& body) {
    std::vector<std::string> failures(count);
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < count; ++t) {
        all.emplace_back([&, t] {
            try {
                body(t);
            } catch (const std::exception& exception) {
                failures[t] = exception.what();
            }
        });
    }
    for (auto& thread : all) thread.join();
    for (const auto& failure : failures) {
        if (!failure.empty()) return failure;
    }
    return {};
}

void require(bool condition, const char* what) {
    if (!condition) throw std::runtime_error(what);
}

void change_payload(L2Codes& c, PointId id, std::uint64_t n) {
    switch (n % 4) {
        case 0: c.set_payload(id, {{"changed", n}}).value(); break;
        case 1: c.delete_payload_keys(id, {"changed"}).value(); break;
        case 2: c.overwrite_payload(id, {{"n", n % 2000}}).value(); break;
        default:
            c.clear_payload(id).value();
            c.set_payload(id, {{"n", n % 2000}}).value();
            break;
    }
}

/// Compare-and-set of a point that nobody else writes; false where it failed.
bool set_if(L2Codes& c, PointId id, VectorView v) {
    const auto known = c.get(id);
    const auto set = c.upsert_if(known ? known->version : Lsn{}, id, v);
    return set.has_value() && c.get(id).value().version == set.value();
}

void search(const L2Codes& c, VectorView v, Random& random) {
    SearchRequest request{.vector = v, .k = 5, .exact = random.below(8) == 0};
    if (random.below(4) == 0) request.filter = field("n") < 500;
    switch (random.below(6)) {
        case 0: {
            const std::vector<SearchRequest> requests(3, request);
            for (const auto& result : c.search_batch(requests).value()) {
                require(result.size() == 5, "a search of a batch came back short");
            }
            break;
        }
        case 1: {
            SearchResult result;
            c.search_into(request, result).value();
            require(result.size() == 5, "a search came back short");
            break;
        }
        case 2: {
            request.score_threshold = 1.0F;
            const auto result = c.search(request).value();
            require(result.size() == 0 || result[result.size() - 1].score <= 1.0F, "a hit beyond the threshold");
            break;
        }
        case 3: {
            std::stop_source stop;
            request.stop_token = stop.get_token();
            stop.request_stop();
            require(!c.search(request).value().complete, "a search that was stopped says it is complete");
            break;
        }
        default: require(c.search(request).value().size() == 5, "a search came back short");
    }
}

void soak(std::chrono::milliseconds duration) {
    constexpr std::size_t dimension = 16;
    const Vectors vectors = clustered_vectors(2000, dimension, 1);
    auto c = L2Codes::open({.dimension = dimension, .index = {.m = 6, .ef_construction = 24}}, threads(3)).value();
    fill(c, vectors, 0, true);
    const auto end = std::chrono::steady_clock::now() + duration;
    std::atomic<std::uint64_t> searches{0};
    const std::string failure = on_threads(16, [&](std::size_t t) {
        Random random(t);
        const std::uint64_t own = 10'000 * (t + 1);  // ids that only this thread writes
        std::uint64_t written = 0;
        while (std::chrono::steady_clock::now() < end) {
            const VectorView v = vectors[random.below(vectors.size())];
            switch ((t + random.below(3)) % 16) {
                case 0:
                case 1:
                case 2: {
                    const PointId id{own + written++ % 500};
                    c.upsert(id, v, {{"owner", t}}).value();
                    require(c.get(id).has_value(), "an acknowledged point is not there");
                    break;
                }
                case 3: {
                    WriteBatch batch;
                    for (std::uint64_t i = 0; i < 50; ++i) batch.upsert(PointId{own + i}, vectors[i], {{"owner", t}});
                    c.write(std::move(batch)).value();
                    break;
                }
                case 4: {
                    const std::vector<PointId> ids{PointId{own + random.below(500)}, PointId{own + random.below(500)}};
                    require(c.erase(ids).value() <= 2, "more points erased than named");
                    break;
                }
                case 5: change_payload(c, PointId{random.below(2000)}, written++); break;
                case 6: c.erase(field("owner") == t).value(); break;  // of its own points: the others are never erased
                case 7: c.scroll({.limit = 50, .filter = field("n") >= 5}).value(); break;
                case 8: c.count(field("n") < 1000).value(); break;
                case 9:
                    require(c.stats().value().live_rows >= 2000, "points that nobody erases are gone");
                    require(L2Codes::estimate(1000, {.dimension = dimension}).value().peak > 0,
                            "an estimate of nothing");
                    require(set_if(c, PointId{own + 501}, v), "a version that only this thread writes has changed");
                    break;
                case 10:
                    if (random.below(50) == 0) c.optimize().value();
                    break;
                case 11:
                    if (random.below(50) == 0) {
                        Task task = c.start_optimize().value();
                        std::this_thread::yield();
                        task.cancel();
                        task.wait().ignore("cancelled or done");
                    }
                    break;
                case 12:
                    if (random.below(20) == 0) c.wait_until_indexed().value();
                    break;
                case 13:
                    if (random.below(100) == 0) c.verify(random.below(2) == 0 ? Depth::full : Depth::structure).value();
                    break;
                default: search(c, v, random); ++searches;
            }
        }
    });
    CAPTURE(failure);
    CHECK(failure.empty());
    CHECK(searches > 0);
    c.wait_until_indexed().value();
    c.verify().value();
    c.optimize().value();
    c.verify().value();
}

}  // namespace

TEST_CASE("sixteen threads do everything at once", "[threads]") { soak(std::chrono::seconds(4)); }

TEST_CASE("sixteen threads do everything at once, for ten minutes", "[.][soak]") { soak(std::chrono::minutes(10)); }

TEST_CASE("a reader sees a batch as a whole or not at all", "[threads]") {
    // Each batch writes the same 20 ids, erases one of two others, and says which batch it is in every payload.
    auto c = L2::open({.dimension = 4, .index = {.m = 4, .ef_construction = 8}}, threads(2)).value();
    std::vector<PointId> ids;
    for (std::uint64_t i = 0; i < 20; ++i) ids.push_back(PointId{i});
    const std::vector<float> v{1, 2, 3, 4};
    const auto write = [&](std::uint64_t number) {
        WriteBatch batch;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            // Half are written anew, half only get another payload.
            if (i % 2 == 0 || number == 0) {
                batch.upsert(ids[i], v, {{"batch", number}});
            } else {
                batch.set_payload(ids[i], {{"batch", number}});
            }
        }
        batch.erase(PointId{1000 + number % 2});
        batch.upsert(PointId{1000 + (number + 1) % 2}, v, {{"batch", number}});
        c.write(std::move(batch)).value();
    };
    write(0);
    std::atomic<bool> stop{false};
    const std::string failure = on_threads(6, [&](std::size_t t) {
        if (t == 0) {
            for (std::uint64_t number = 1; number < 3000; ++number) write(number);
            stop = true;
            return;
        }
        if (t == 1) {
            while (!stop) c.optimize().value();
            return;
        }
        while (!stop) {
            if (t == 2) {
                const auto records = c.get(ids).value();
                require(records.size() == 20, "a point was missing or double");
                for (const Record& record : records) {
                    require(record.payload == records[0].payload, "half a batch was read");
                }
            } else if (t == 3) {
                require(c.count().value() == 21, "half a batch was counted");
            } else {
                const auto result = c.search({.vector = v, .k = 30, .exact = t == 4}).value();
                require(result.size() == 21, "a search saw a point twice or not at all");
                for (const Hit& hit : result) require(hit.payload == result[0].payload, "half a batch was searched");
            }
        }
    });
    CAPTURE(failure);
    CHECK(failure.empty());
    c.verify().value();
}

TEST_CASE("closing while calls are under way ends them with an answer or with closed", "[threads]") {
    for (int round = 0; round < 5; ++round) {
        auto c = L2Codes::open({.dimension = 8}, threads(2)).value();
        const Vectors vectors = normal_vectors(3000, 8, 1);
        fill(c, vectors);
        std::atomic<int> ready{0};
        const std::string failure = on_threads(6, [&](std::size_t t) {
            ++ready;
            if (t == 0) {
                while (ready < 6) std::this_thread::yield();
                c.close().value();
                return;
            }
            for (std::uint64_t i = 0;; ++i) {
                Result<void> outcome;
                const auto note = [&](const auto& result) {
                    if (!result.has_value()) outcome = result.error();
                };
                if (t == 1) note(c.upsert(PointId{i}, vectors[i % 3000]));
                if (t == 2) note(c.search({.vector = vectors[i % 3000]}));
                if (t == 3) note(c.optimize());
                if (t == 4) note(c.get(PointId{i % 3000}));
                if (t == 5) note(c.wait_until_indexed());
                if (outcome.has_value()) continue;
                require(outcome.error().code == ErrorCode::closed, outcome.error().message.c_str());
                return;
            }
        });
        CAPTURE(failure);
        CHECK(failure.empty());
    }
}

TEST_CASE("ten threads that add a hundred points each lose none", "[threads]") {
    auto c = L2::open({.dimension = 8}).value();
    const Vectors vectors = normal_vectors(1000, 8, 1);
    const std::string failure = on_threads(10, [&](std::size_t t) {
        for (std::uint64_t i = 0; i < 100; ++i) c.upsert(PointId{t * 100 + i}, vectors[t * 100 + i]).value();
    });
    CHECK(failure.empty());
    c.wait_until_indexed().value();
    for (std::uint64_t i = 0; i < 1000; ++i) {
        REQUIRE(c.search({.vector = vectors[i], .k = 1}).value()[0].id == PointId{i});
    }
}
