#include "collection/durable_threads_worker.hpp"

#include <algorithm>
#include <thread>

using namespace sextant;

namespace test_support {

void Worker::step() {
    struct Act {
        std::uint64_t weight;
        void (Worker::*act)();
    };
    static constexpr Act acts[] = {
        {120, &Worker::upsert},
        {60, &Worker::upsert_if},
        {100, &Worker::write_batch},
        {80, &Worker::add_cold},
        {60, &Worker::erase_some},
        {100, &Worker::change_payloads},
        {100, &Worker::get},
        {30, &Worker::scroll},
        {30, &Worker::count},
        {150, &Worker::search},
        {40, &Worker::search_exactly},
        {20, &Worker::search_many},
        {30, &Worker::look},
        {5, &Worker::flush},
        {5, &Worker::verify_quickly},
        {2, &Worker::verify_fully},
        {5, &Worker::wait_until_indexed},
        {12, &Worker::optimize},
    };
    constexpr std::uint64_t sum = [] {
        std::uint64_t weights = 0;
        for (const Act& act : acts) weights += act.weight;
        return weights;
    }();
    std::uint64_t drawn = random_.below(sum);
    for (const Act& act : acts) {
        if (drawn < act.weight) return (this->*act.act)();
        drawn -= act.weight;
    }
}

std::vector<PointId> Worker::some_ids(std::set<std::uint64_t>& numbers) {
    std::vector<PointId> ids;
    for (std::uint64_t i = 0; i < 8; ++i) ids.push_back(PointId{*numbers.insert(some_id()).first});
    return ids;
}

void Worker::keep(std::uint64_t id, Kept point, Lsn version) {
    require(version > newest_, "a version that does not rise");
    newest_ = version;
    point.version = static_cast<std::uint64_t>(version);
    book_[id] = std::move(point);
}

void Worker::require_known(const Record& record) const {
    const auto known = book_.find(record.id.integer());
    require(known != book_.end(), "id " + record.id.to_string() + ": is there, and was erased");
    const std::string other = difference(record, known->second);
    require(other.empty(), other);
}

void Worker::require_known(std::uint64_t id, const Result<Record>& record) {
    const bool missing = !record && record.error().code == ErrorCode::not_found;
    if (missing) {
        require(!book_.contains(id), record.error().message + ", and was written");
    } else if (took(record)) {
        require_known(*record);
    }
}

void Worker::upsert() {
    const std::uint64_t id = some_id();
    const Kept point = new_point();
    const auto done = c_->upsert(PointId{id}, salted_vector(point.salt), point.payload, any_durability());
    if (wrote(done)) keep(id, point, *done);
}

void Worker::upsert_if() {
    const std::uint64_t id = some_id();
    const auto known = book_.find(id);
    std::uint64_t version = 0;
    if (known != book_.end()) {
        const auto record = c_->get(PointId{id}, {.payload = true, .vector = true});
        if (!took(record)) return;
        require_known(*record);
        version = static_cast<std::uint64_t>(record->version);
    }
    const bool wrong = random_.below(4) == 0;
    const Kept point = new_point();
    const auto done = c_->upsert_if(Lsn{wrong ? version + 1 : version}, PointId{id}, salted_vector(point.salt),
                                    point.payload, any_durability());
    if (wrong && !done && done.error().code == ErrorCode::version_conflict) return;
    if (wrote(done)) {
        require(!wrong, "a write upon a condition that does not hold");
        keep(id, point, *done);
    }
}

/// Operations act in their order, also on one id.
void Worker::write_batch() {
    if (calm_) return change_payloads();
    if (grows_) return add_cold();
    WriteBatch batch;
    std::map<std::uint64_t, std::optional<Kept>> after;
    for (std::uint64_t i = 0; i < 100; ++i) {
        const std::uint64_t id = some_id();
        auto touched = after.find(id);
        if (touched == after.end()) {
            const auto known = book_.find(id);
            touched = after.emplace(id, known == book_.end() ? std::nullopt : std::optional(known->second)).first;
        }
        std::optional<Kept>& point = touched->second;
        switch (random_.below(8)) {
            case 0:
                batch.erase(PointId{id});
                point.reset();
                break;
            case 1: {
                const Payload more{{"changed", i}};
                batch.set_payload(PointId{id}, more);
                if (!point.has_value()) break;
                point->payload.update(more);
                point->version = 0;
                break;
            }
            default:
                point = new_point();
                batch.upsert(PointId{id}, salted_vector(point->salt), point->payload);
                break;
        }
    }
    const auto done = c_->write(std::move(batch), any_durability());
    if (!wrote(done)) return;
    newest_ = std::max(newest_, *done);
    for (auto& [id, point] : after) {
        if (point.has_value()) {
            book_[id] = std::move(*point);
        } else {
            book_.erase(id);
        }
    }
}

/// Points that stay as they are for a while, so that sealed segments have some that live; then the older ones go.
void Worker::add_cold() {
    if (calm_) return change_payloads();
    WriteBatch batch;
    Book added;
    for (std::uint64_t i = 0; i < 50; ++i) {
        const Kept& point = added[own_ + next_cold_] = new_point(next_cold_);
        batch.upsert(PointId{own_ + next_cold_++}, salted_vector(point.salt), point.payload);
    }
    const auto done = c_->write(std::move(batch), any_durability());
    if (!wrote(done)) return;
    newest_ = std::max(newest_, *done);
    book_.merge(added);
    // Before they are sealed: what dies in a sealed segment has it rebuilt instead of merged.
    if (grows_) return erase_where(next_cold_ - 30, next_cold_);
    const std::uint64_t oldest = book_.lower_bound(own_ + cold_from)->first - own_;
    if (next_cold_ - oldest <= most_cold) return;
    const std::uint64_t cut = next_cold_ - most_cold / 2;
    erase_where(cold_from, cut);
    // Some have lost what the filter looks for.
    std::vector<PointId> left;
    for (auto at = book_.lower_bound(own_ + cold_from); at != book_.end() && at->first < own_ + cut; ++at) {
        left.push_back(PointId{at->first});
    }
    const auto erased = c_->erase(left, any_durability());
    if (!wrote(erased)) return;
    require(*erased == left.size(), "other points erased than named");
    for (const PointId& id : left) book_.erase(id.integer());
}

void Worker::erase_some() {
    if (calm_) return change_payloads();
    if (grows_) return add_cold();
    std::set<std::uint64_t> numbers;
    switch (random_.below(3)) {
        case 0: {
            const std::uint64_t id = some_id();
            const auto erased = c_->erase(PointId{id}, any_durability());
            if (wrote(erased)) require(*erased == book_.erase(id), "one point: not erased, or never there");
            break;
        }
        case 1: {
            const auto erased = c_->erase(some_ids(numbers), any_durability());
            if (!wrote(erased)) return;
            std::uint64_t expected = 0;
            for (const std::uint64_t id : numbers) expected += book_.erase(id);
            require(*erased == expected, "some points: not erased, or never there");
            break;
        }
        default: {
            const std::uint64_t low = random_.below(1000);
            erase_where(low, low + 30);
        }
    }
}

void Worker::erase_where(std::uint64_t low, std::uint64_t high) {
    const auto erased = c_->erase(own_filter(low, high), any_durability());
    if (!wrote(erased)) return;
    const auto expected = std::erase_if(book_, [&](const auto& each) { return each.second.owned_between(low, high); });
    require(*erased == expected, "a filter erased other points than it means");
}

void Worker::change_payloads() {
    std::set<std::uint64_t> ids;
    switch (random_.below(6)) {
        case 0: {
            const std::uint64_t id = *ids.insert(some_id()).first;
            return change(PointId{id}, ids);
        }
        case 1: {
            const std::vector<PointId> points = some_ids(ids);
            return change(points, ids);
        }
        case 2: {
            const std::uint64_t low = random_.below(1000);
            for (const auto& [id, kept] : book_) {
                if (kept.owned_between(low, low + 100)) ids.insert(id);
            }
            return change(own_filter(low, low + 100), ids);
        }
        default: {
            // All of its points, which is what makes compacting worth it.
            for (const auto& [id, kept] : book_) {
                if (kept.owned()) ids.insert(id);
            }
            const Payload more{{"changed", random_.below(1000)}};
            const auto done = c_->set_payload(own_filter(), more, any_durability());
            if (!wrote(done)) return;
            require(*done == ids.size(), "a change of other points than the filter means");
            for (const std::uint64_t id : ids) {
                book_.at(id).payload.update(more);
                book_.at(id).version = 0;
            }
        }
    }
}

template <class Points>
void Worker::change(const Points& points, const std::set<std::uint64_t>& ids) {
    const Payload more{{"changed", random_.below(1000)}, {"text", some_text()}};
    const Payload other{{"owner", number_}, {"n", random_.below(1000)}};
    const std::vector<std::string> keys{"changed", "text"};
    const std::uint64_t kind = random_.below(4);
    const auto done = kind == 0   ? c_->set_payload(points, more, any_durability())
                      : kind == 1 ? c_->overwrite_payload(points, other, any_durability())
                      : kind == 2 ? c_->delete_payload_keys(points, keys, any_durability())
                                  : c_->clear_payload(points, any_durability());
    if (!wrote(done)) return;
    std::uint64_t changed = 0;
    for (const std::uint64_t id : ids) {
        const auto known = book_.find(id);
        if (known == book_.end()) continue;
        ++changed;
        Payload& payload = known->second.payload;
        if (kind == 0) payload.update(more);
        if (kind == 1) payload = other;
        if (kind == 2) payload.erase("changed"), payload.erase("text");
        if (kind == 3) payload = Payload::object();
        known->second.version = 0;
    }
    require(*done == changed, "payloads of other points changed than named");
}

void Worker::get() {
    ++reads;
    const Select all{.payload = true, .vector = true};
    switch (random_.below(3)) {
        case 0: {
            const std::uint64_t id = some_id();
            return require_known(id, c_->get(PointId{id}, all));
        }
        case 1: {
            std::set<std::uint64_t> numbers;
            some_ids(numbers);
            const std::vector<PointId> ids(numbers.begin(), numbers.end());
            const auto records = c_->get(ids, all);
            if (!took(records)) return;
            const auto known =
                std::count_if(numbers.begin(), numbers.end(), [&](auto id) { return book_.contains(id); });
            require(records->size() == static_cast<std::size_t>(known), "more or fewer points than were written");
            for (const Record& record : *records) require_known(record);
            return;
        }
        default: {
            const std::vector<PointId> ids{PointId{stride + random_.below(16) * stride + random_.below(hot_ids)}};
            const auto records = c_->get(ids, all);
            if (!took(records)) return;
            for (const Record& record : *records) require_whole(record.payload, record.vector);
        }
    }
}

/// All of its own, in their order, from several versions: nobody else writes them.
void Worker::scroll() {
    ++reads;
    ScrollRequest request{.after = PointId{own_ - 1}, .limit = 200, .select = {.payload = true, .vector = true}};
    auto expected = book_.begin();
    while (true) {
        const auto page = c_->scroll(request);
        if (!took(page)) return;
        for (const Record& record : page->points) {
            if (record.id.integer() >= own_ + stride) {
                require_whole(record.payload, record.vector);
                continue;
            }
            require(expected != book_.end() && record.id.integer() == expected->first, "a page with a gap");
            require_known(record);
            ++expected;
        }
        request.after = page->next;
        if (!page->next.has_value() || page->next->integer() >= own_ + stride) break;
    }
    require(expected == book_.end(), "pages that end too early");
}

void Worker::count() {
    ++reads;
    const auto counted = c_->count(own_filter());
    if (!took(counted)) return;
    const auto known = std::count_if(book_.begin(), book_.end(), [](const auto& each) { return each.second.owned(); });
    require(*counted == static_cast<std::uint64_t>(known), "a count of other points than were written");
}

void Worker::check(const SearchResult& result, bool own) {
    ++searches;
    float before = 0.0F;
    for (const Hit& hit : result) {
        require(hit.score >= before, "hits in a wrong order");
        before = hit.score;
        require_whole(hit.payload, hit.vector);
        if (own) require_known(Record{hit.id, hit.payload, hit.vector, {}});
    }
}

void Worker::search() {
    const std::vector<float> vector = salted_vector(own_ + random_.below(next_salt_ - own_ + 1));
    SearchRequest request{.vector = vector, .k = 5, .ef = 20, .select = {.payload = true, .vector = true}};
    const bool own = random_.below(3) == 0;
    if (own) request.filter = own_filter(0, 500 + random_.below(2 * cold_from));
    request.exact = random_.below(6) == 0;
    std::stop_source stop;
    request.stop_token = stop.get_token();
    switch (random_.below(4)) {
        case 0: {
            stop.request_stop();
            const auto stopped = c_->search(request);
            if (!took(stopped)) return;
            // Where there is no segment yet, nothing is all there is.
            require(!stopped->complete || stopped->empty(), "a search that was stopped says it is complete");
            return check(*stopped, own);
        }
        case 1: {
            // As a deadline does it.
            const std::jthread stopper([&] { stop.request_stop(); });
            const auto result = c_->search(request);
            if (took(result)) check(*result, own);
            return;
        }
        case 2: {
            SearchResult result;
            if (took(c_->search_into(request, result))) check(result, own);
            return;
        }
        default: {
            const auto result = c_->search(request);
            if (!took(result)) return;
            require(result->complete, "a search that nobody stopped says it is not complete");
            check(*result, own);
        }
    }
}

/// By its own vector, a point is the nearest to itself.
void Worker::search_exactly() {
    const auto wanted = book_.lower_bound(some_id());
    if (wanted == book_.end()) return upsert();
    const std::vector<float> vector = salted_vector(wanted->second.salt);
    const auto result =
        c_->search({.vector = vector, .k = 3, .exact = true, .select = {.payload = true, .vector = true}});
    if (!took(result)) return;
    check(*result, false);
    require(!result->empty() && (*result)[0].id == PointId{wanted->first} && (*result)[0].score == 0.0F,
            "an exact search misses a point that was written");
}

void Worker::search_many() {
    std::vector<std::vector<float>> vectors;
    std::vector<SearchRequest> requests;
    for (std::uint64_t i = 0; i < 6; ++i) vectors.push_back(salted_vector(own_ + i));
    for (const auto& vector : vectors) {
        requests.push_back({.vector = vector, .k = 4, .select = {.payload = true, .vector = true}});
        requests.back().exact = random_.below(2) == 0;
        requests.back().filter = own_filter();
    }
    const auto results = c_->search_batch(requests);
    if (!took(results)) return;
    for (const SearchResult& result : *results) check(result, true);
}

void Worker::look() {
    const auto stats = c_->stats();
    if (!took(stats)) return;
    if (stats->background_error.has_value()) throw std::runtime_error(stats->background_error->message);
    require(stats->live_rows >= book_.size(), "fewer points than one thread wrote");
    require(Shared::estimate(1000, {.dimension = shared_dimension}).value().peak > 0, "an estimate of nothing");
}

void Worker::optimize() {
    if (!optimizes_) return look();
    auto started = c_->start_optimize();
    if (!took(started)) return;
    const bool cancels = random_.below(2) == 0;
    Result<void> ended;
    if (cancels) {
        Task other = *started;
        const std::jthread canceller([&] { other.cancel(); });
        ended = started->wait();
    } else {
        ended = started->wait();
    }
    require(started->done(), "a task that was waited for is not done");
    if (cancels && !ended && ended.error().code == ErrorCode::cancelled) {
        happenings_->count("optimize cancelled");
    } else {
        took(ended);
    }
}

void Worker::expect_refusals() {
    const auto refused = [](const auto& result) {
        require(!result.has_value() && result.error().code == ErrorCode::closed, "a call to what is closed");
    };
    const std::vector<float> vector = salted_vector(own_);
    const std::vector<SearchRequest> requests(2, SearchRequest{.vector = vector});
    const std::vector<PointId> ids{PointId{own_}};
    SearchResult result;
    refused(c_->get(PointId{own_}));
    refused(c_->get(ids));
    refused(c_->scroll({}));
    refused(c_->count());
    refused(c_->search(requests[0]));
    refused(c_->search_into(requests[0], result));
    refused(c_->search_batch(requests));
    refused(c_->stats());
    refused(c_->verify(Depth::structure));
    refused(c_->verify(Depth::full));
    refused(c_->flush());
    refused(c_->wait_until_indexed());
    refused(c_->start_optimize());
    refused(c_->optimize());
    expect_refused_writes();
    c_->close().value();
}

void Worker::expect_refused_writes() {
    const auto refused = [](const auto& result) {
        require(!result.has_value() && result.error().code == ErrorCode::closed, "a write to what is closed");
    };
    const std::vector<float> vector = salted_vector(own_);
    const std::vector<PointId> ids{PointId{own_}};
    const std::vector<std::string> keys{"n"};
    WriteBatch batch;
    batch.erase(ids[0]);
    refused(c_->upsert(ids[0], vector, {}, any_durability()));
    refused(c_->upsert_if(Lsn{}, ids[0], vector, {}, any_durability()));
    refused(c_->write(std::move(batch), any_durability()));
    refused(c_->erase(ids[0], any_durability()));
    refused(c_->erase(ids, any_durability()));
    refused(c_->erase(Filter::all(), any_durability()));
    refused(c_->set_payload(ids[0], {{"n", 1}}, any_durability()));
    refused(c_->overwrite_payload(ids, {{"n", 1}}, any_durability()));
    refused(c_->delete_payload_keys(Filter::all(), keys, any_durability()));
    refused(c_->clear_payload(Filter::all(), any_durability()));
}

}  // namespace test_support
