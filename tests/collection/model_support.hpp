/// model_support: random operations on a collection and on a std::map beside it: every answer must agree.
/// Threads: confined.
#pragma once

#include <sextant/sextant.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sextant/core/half.hpp"
#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

namespace test_support {

inline constexpr std::size_t model_dimension = 6;

struct ModelEntry {
    std::vector<float> vector;
    sextant::Payload payload;
    sextant::Lsn version;
};

/// How many ids there are, and how many points one bulk load writes.
struct ModelWorld {
    std::uint64_t ids = 600;
    std::uint64_t bulk = 300;
};
/// So many that searches walk graphs, under filters too.
inline constexpr ModelWorld large_world{8000, 2500};

template <class C>
class Model {
public:
    using Points = std::map<sextant::PointId, ModelEntry>;

    Model(std::uint64_t seed, C collection, ModelWorld world, sextant::RawPrecision raw = sextant::RawPrecision::F32)
        : random_(seed), world_(world), raw_(raw), c_(std::move(collection)) {}

    /// Throws the collection away, as it is, for what `open` gives; all that was written must be in that.
    void replace(const std::function<C()>& open) {
        tasks_.clear();
        c_.reset();
        c_.emplace(open());
    }
    [[nodiscard]] C& collection() { return *c_; }
    /// What the collection must hold.
    [[nodiscard]] const Points& points() const { return points_; }
    struct Moment {
        Points points;
        sextant::Lsn last;
    };
    [[nodiscard]] Moment moment() const { return {points_, last_}; }
    /// As it was then: what came after is taken back, as a crash may.
    void return_to(Moment moment) {
        points_ = std::move(moment.points);
        last_ = pending_ = moment.last;
    }
    [[nodiscard]] bool holds(const Points& points) const {
        if (c_->count().value() != points.size()) return false;
        for (const auto& [id, entry] : points) {
            const auto record = c_->get(id, {.payload = false});
            if (!record.has_value() || record->version != entry.version) return false;
        }
        return true;
    }
    [[nodiscard]] sextant::Random& random() { return random_; }

    void step() {
        if (world_.ids == large_world.ids && random_.below(3) == 0) return search();
        switch (random_.below(17)) {
            case 0:
            case 1:
            case 2: upsert(); break;
            case 3: upsert_if(); break;
            case 4: erase(); break;
            case 5: erase_many(); break;
            case 6: erase_where(); break;
            case 7: batch(); break;
            case 8: payload_by_ids(); break;
            case 9: payload_where(); break;
            case 10: get(); break;
            case 11: scroll(); break;
            case 12: count(); break;
            case 13: search(); break;
            case 14: search_within(); break;
            case 15: bulk(); break;
            default: maintain(); break;
        }
    }

    void check_all() {
        REQUIRE(c_->count().value() == points_.size());
        for (const auto& [id, entry] : points_) check_same(c_->get(id, {true, true}).value(), id, entry);
        c_->verify().value();
    }
    /// That approximate searches did walk graphs, and found what they should.
    void check_walks() const {
        CHECK(plain_.walks > 20);
        CHECK(filtered_.walks > 3);
        CHECK(plain_.recall() > 0.98);
        CHECK(filtered_.recall() > 0.95);
    }

private:
    struct Tally {
        std::size_t walks = 0;  ///< searches of which a segment was walked
        std::size_t found = 0;
        std::size_t wanted = 0;
        [[nodiscard]] double recall() const { return static_cast<double>(found) / static_cast<double>(wanted); }
    };

    // Few ids, so that they and conditions meet.
    sextant::PointId some_id() {
        const std::uint64_t i = random_.below(world_.ids);
        return i % 10 == 0 ? sextant::PointId::from_name(std::to_string(i)) : sextant::PointId{i};
    }
    std::vector<float> some_vector() {
        std::vector<float> v(model_dimension);
        for (float& x : v) x = normal(random_);
        return v;
    }
    /// What a collection holds that was given `entry`.
    ModelEntry as_kept(ModelEntry entry) const {
        if (raw_ == sextant::RawPrecision::F32) return entry;
        for (float& x : entry.vector) x = sextant::float_of_half(sextant::half_of_float(x));
        return entry;
    }
    sextant::Payload some_payload() {
        if (random_.below(4) == 0) return sextant::Payload::object();
        sextant::Payload payload{{"n", random_.below(20)}};
        if (random_.below(2) == 0) payload["tag"] = random_.below(2) == 0 ? "red" : "blue";
        if (random_.below(5) == 0) payload["deep"] = {{"x", random_.below(3)}};
        return payload;
    }
    struct Condition {
        sextant::Filter filter;
        std::function<bool(const sextant::PointId&, const sextant::Payload&)> holds;
    };
    Condition some_condition() {
        const auto n = random_.below(20);
        const auto number = [](const sextant::Payload& p) {
            return p.contains("n") ? p["n"].get<std::uint64_t>() : 1000;
        };
        switch (random_.below(4)) {
            case 0:
                return {sextant::field("n") == n,
                        [=](const sextant::PointId&, const sextant::Payload& p) { return number(p) == n; }};
            case 1:
                return {sextant::field("n") < n && !(sextant::field("tag") == "red"),
                        [=](const sextant::PointId&, const sextant::Payload& p) {
                            return number(p) < n && !(p.contains("tag") && p["tag"] == "red");
                        }};
            case 2: {
                const sextant::PointId a = some_id();
                const sextant::PointId b = some_id();
                return {sextant::has_id({a, b}) || sextant::field("deep.x") == 1,
                        [=](const sextant::PointId& id, const sextant::Payload& p) {
                            return id == a || id == b ||
                                   (p.contains("deep") && p["deep"].contains("x") && p["deep"]["x"] == 1);
                        }};
            }
            default:
                return {sextant::field("tag").exists(),
                        [](const sextant::PointId&, const sextant::Payload& p) { return p.contains("tag"); }};
        }
    }

    static void check_same(const sextant::Record& record, const sextant::PointId& id, const ModelEntry& entry) {
        REQUIRE(record.id == id);
        REQUIRE(record.vector == entry.vector);
        REQUIRE(record.payload == entry.payload);
        REQUIRE(record.version == entry.version);
    }
    /// Versions are what the collection says; only that they rise is checked here.
    void note_version(const sextant::PointId& id) {
        const sextant::Lsn version = c_->get(id).value().version;
        REQUIRE(version > last_);
        points_.at(id).version = version;
        pending_ = std::max(pending_, version);
    }
    void settle() { last_ = std::max(last_, pending_); }

    void upsert() {
        const sextant::PointId id = some_id();
        ModelEntry entry{some_vector(), some_payload(), {}};
        entry.version = c_->upsert(id, entry.vector, entry.payload).value();
        REQUIRE(entry.version > last_);
        last_ = entry.version;
        points_[id] = as_kept(entry);
    }
    void upsert_if() {
        const sextant::PointId id = some_id();
        const auto known = points_.find(id);
        const sextant::Lsn expected =
            random_.below(3) == 0 || known == points_.end() ? sextant::Lsn{random_.below(3)} : known->second.version;
        const bool holds = (known == points_.end() ? sextant::Lsn{} : known->second.version) == expected;
        ModelEntry entry{some_vector(), some_payload(), {}};
        const auto result = c_->upsert_if(expected, id, entry.vector, entry.payload);
        REQUIRE(result.has_value() == holds);
        if (!holds) return;
        entry.version = last_ = result.value();
        points_[id] = as_kept(entry);
    }
    void erase() {
        const sextant::PointId id = some_id();
        REQUIRE(c_->erase(id).value() == points_.erase(id));
    }
    void erase_many() {
        std::vector<sextant::PointId> ids(random_.below(8));
        for (sextant::PointId& id : ids) id = some_id();
        std::uint64_t erased = 0;
        for (const sextant::PointId& id : ids) erased += points_.erase(id);
        REQUIRE(c_->erase(ids).value() == erased);
    }
    void erase_where() {
        if (random_.below(world_.ids / 150) != 0) return;
        const Condition condition = some_condition();
        const auto erased =
            std::erase_if(points_, [&](const auto& p) { return condition.holds(p.first, p.second.payload); });
        REQUIRE(c_->erase(condition.filter).value() == erased);
    }
    void batch() {
        sextant::WriteBatch batch;
        std::vector<sextant::PointId> touched;
        for (std::uint64_t i = random_.below(30); i-- > 0;) {
            const sextant::PointId id = some_id();
            const auto known = points_.find(id);
            touched.push_back(id);
            switch (random_.below(4)) {
                case 0:
                    batch.erase(id);
                    points_.erase(id);
                    break;
                case 1: {
                    const sextant::Payload payload = some_payload();
                    batch.set_payload(id, payload);
                    if (known != points_.end()) known->second.payload.update(payload);
                    break;
                }
                default: {
                    const ModelEntry entry{some_vector(), some_payload(), {}};
                    batch.upsert(id, entry.vector, entry.payload);
                    points_[id] = as_kept(entry);
                    break;
                }
            }
        }
        c_->write(std::move(batch)).value();
        for (const sextant::PointId& id : touched) {
            if (points_.count(id) != 0) note_version(id);
        }
        settle();
    }
    void bulk() {
        if (random_.below(6) != 0) return;
        sextant::WriteBatch batch;
        std::vector<sextant::PointId> touched;
        for (std::uint64_t i = 0; i < world_.bulk; ++i) {
            const sextant::PointId id = some_id();
            const ModelEntry entry{some_vector(), {{"n", i % 20}}, {}};
            batch.upsert(id, entry.vector, entry.payload);
            points_[id] = as_kept(entry);
            touched.push_back(id);
        }
        c_->write(std::move(batch)).value();
        for (const sextant::PointId& id : touched) note_version(id);
        settle();
    }
    template <class Change>
    void change_payload(const std::vector<sextant::PointId>& ids, const Change& change) {
        for (const sextant::PointId& id : ids) {
            change(points_.at(id).payload);
            note_version(id);
        }
        settle();
    }
    void payload_by_ids() {
        const sextant::PointId id = some_id();
        const bool exists = points_.count(id) != 0;
        const std::vector<sextant::PointId> ids =
            exists ? std::vector<sextant::PointId>{id} : std::vector<sextant::PointId>{};
        const sextant::Payload payload = some_payload();
        switch (random_.below(4)) {
            case 0:
                REQUIRE(c_->set_payload(id, payload).value() == ids.size());
                change_payload(ids, [&](sextant::Payload& p) { p.update(payload); });
                break;
            case 1:
                REQUIRE(c_->overwrite_payload(id, payload).value() == ids.size());
                change_payload(ids, [&](sextant::Payload& p) { p = payload; });
                break;
            case 2:
                REQUIRE(c_->delete_payload_keys(id, {"tag", "deep.x"}).value() == ids.size());
                change_payload(ids, [&](sextant::Payload& p) {
                    p.erase("tag");
                    if (p.contains("deep")) p["deep"].erase("x");
                });
                break;
            default:
                REQUIRE(c_->clear_payload(id).value() == ids.size());
                change_payload(ids, [&](sextant::Payload& p) { p = sextant::Payload::object(); });
                break;
        }
    }
    void payload_where() {
        const Condition condition = some_condition();
        std::vector<sextant::PointId> ids;
        for (const auto& [id, entry] : points_) {
            if (condition.holds(id, entry.payload)) ids.push_back(id);
        }
        REQUIRE(c_->set_payload(condition.filter, {{"n", 7}}).value() == ids.size());
        change_payload(ids, [&](sextant::Payload& p) { p["n"] = 7; });
    }
    void get() {
        std::vector<sextant::PointId> ids(5);
        for (sextant::PointId& id : ids) id = some_id();
        const auto records = c_->get(ids, {true, true}).value();
        std::size_t at = 0;
        for (const sextant::PointId& id : ids) {
            const auto known = points_.find(id);
            if (known == points_.end()) continue;
            REQUIRE(at < records.size());
            check_same(records[at++], id, known->second);
        }
        REQUIRE(at == records.size());
    }
    void scroll() {
        const Condition condition = some_condition();
        const bool filtered = random_.below(2) == 0;
        sextant::ScrollRequest request{.limit = 1 + random_.below(40),
                                       .filter = filtered ? condition.filter : sextant::Filter{}};
        request.select.vector = true;
        if (random_.below(3) == 0) request.after = some_id();
        auto next = request.after.has_value() ? points_.upper_bound(*request.after) : points_.begin();
        while (true) {
            const auto page = c_->scroll(request).value();
            for (const sextant::Record& record : page.points) {
                while (next != points_.end() && filtered && !condition.holds(next->first, next->second.payload)) ++next;
                REQUIRE(next != points_.end());
                check_same(record, next->first, next->second);
                ++next;
            }
            if (!page.next.has_value()) break;
            request.after = page.next;
        }
        while (next != points_.end() && filtered && !condition.holds(next->first, next->second.payload)) ++next;
        REQUIRE(next == points_.end());
    }
    void count() {
        const Condition condition = some_condition();
        const auto expected = std::count_if(points_.begin(), points_.end(),
                                            [&](const auto& p) { return condition.holds(p.first, p.second.payload); });
        REQUIRE(c_->count(condition.filter).value() == static_cast<std::uint64_t>(expected));
        REQUIRE(c_->count().value() == points_.size());
    }
    static double distance(const std::vector<float>& a, const std::vector<float>& b) {
        double sum = 0.0;
        for (std::size_t i = 0; i < model_dimension; ++i) {
            const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
            sum += d * d;
        }
        return std::sqrt(sum);
    }
    /// Distances of the points that pass, ascending.
    std::vector<double> true_distances(const std::vector<float>& query, const Condition* condition) const {
        std::vector<double> out;
        for (const auto& [id, entry] : points_) {
            if (condition == nullptr || condition->holds(id, entry.payload))
                out.push_back(distance(query, entry.vector));
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    void check_hits(const sextant::SearchResult& result, const std::vector<float>& query, const Condition* condition,
                    bool select) {
        for (std::size_t i = 0; i < result.size(); ++i) {
            const auto known = points_.find(result[i].id);
            REQUIRE(known != points_.end());
            REQUIRE(result[i].score == Approx(distance(query, known->second.vector)).epsilon(1e-4).margin(1e-4));
            REQUIRE((i == 0 || result[i - 1].score <= result[i].score));
            REQUIRE((condition == nullptr || condition->holds(known->first, known->second.payload)));
            REQUIRE((!select || result[i].payload == known->second.payload));
        }
    }
    void search() {
        const auto query = some_vector();
        const Condition condition = some_condition();
        const bool filtered = random_.below(2) == 0;
        sextant::SearchRequest request{.vector = query, .k = 1 + random_.below(20)};
        request.exact = random_.below(2) == 0;
        // A small pool: else a scan would be less work than a walk, even of the large world.
        if (random_.below(2) == 0) request.ef = 40;
        if (filtered) request.filter = condition.filter;
        request.offset = random_.below(3) == 0 ? random_.below(10) : 0;
        const auto result = c_->search(request).value();
        const auto expected = true_distances(query, filtered ? &condition : nullptr);
        const std::size_t begin = std::min(request.offset, expected.size());
        REQUIRE(result.size() == std::min(request.k, expected.size() - begin));
        REQUIRE(result.complete);
        check_hits(result, query, filtered ? &condition : nullptr, true);
        if (!request.exact) {
            tally(result, expected, begin, filtered ? filtered_ : plain_);
            return;
        }
        for (std::size_t i = 0; i < result.size(); ++i) {
            REQUIRE(result[i].score == Approx(expected[begin + i]).epsilon(1e-4).margin(1e-4));
        }
    }
    static void tally(const sextant::SearchResult& result, const std::vector<double>& expected, std::size_t begin,
                      Tally& into) {
        if (result.plan.segments_by_graph == 0 || result.size() == 0) return;
        ++into.walks;
        into.wanted += result.size();
        const double farthest = expected[begin + result.size() - 1] * 1.0001 + 1e-4;
        for (const sextant::Hit& hit : result) into.found += static_cast<double>(hit.score) <= farthest ? 1U : 0U;
    }
    void search_within() {
        const auto query = some_vector();
        const double radius = 0.5 + 3.0 * random_.uniform();
        const sextant::SearchRequest request{
            .vector = query, .k = 50, .exact = true, .score_threshold = static_cast<float>(radius)};
        const auto result = c_->search(request).value();
        const auto expected = true_distances(query, nullptr);
        const auto within = static_cast<std::size_t>(
            std::lower_bound(expected.begin(), expected.end(), static_cast<double>(static_cast<float>(radius))) -
            expected.begin());
        REQUIRE(result.size() == std::min<std::size_t>(within, 50));
        REQUIRE(result.complete == (within <= 50));
        check_hits(result, query, nullptr, true);
    }
    void maintain() {
        switch (random_.below(5)) {
            case 0: c_->optimize().value(); break;
            case 1: c_->wait_until_indexed().value(); break;
            case 2: c_->verify(sextant::Depth::structure).value(); break;
            case 3: tasks_.push_back(c_->start_optimize().value()); break;
            default:
                if (!tasks_.empty()) tasks_.back().cancel();
                break;
        }
    }

    sextant::Random random_;
    ModelWorld world_;
    sextant::RawPrecision raw_;
    std::optional<C> c_;
    Tally plain_;
    Tally filtered_;
    Points points_;
    std::vector<sextant::Task> tasks_;
    sextant::Lsn last_{};
    sextant::Lsn pending_{};
};

}  // namespace test_support
