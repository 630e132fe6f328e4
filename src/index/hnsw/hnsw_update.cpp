#include "sextant/index/hnsw/hnsw_update.hpp"

#include <algorithm>

#include "sextant/index/hnsw/hnsw_rules.hpp"

namespace sextant::inline v1::detail {

namespace {

/// Sorts in pieces that take a few milliseconds. False: stopped.
bool sort_until(PagedVector<std::uint64_t>& requests, const std::stop_token& stop) {
    constexpr std::size_t piece = std::size_t{1} << 16U;
    const auto at = [&](std::size_t index) {
        return requests.begin() + static_cast<std::ptrdiff_t>(std::min(index, requests.size()));
    };
    for (std::size_t first = 0; first < requests.size(); first += piece) {
        if (stop.stop_requested()) return false;
        std::sort(at(first), at(first + piece));
    }
    for (std::size_t width = piece; width < requests.size(); width *= 2) {
        for (std::size_t first = 0; first < requests.size(); first += 2 * width) {
            if (stop.stop_requested()) return false;
            std::inplace_merge(at(first), at(first + width), at(first + 2 * width));
        }
    }
    return true;
}

}  // namespace

bool LinkRequests::group(PagedVector<std::uint64_t>& requests, const std::stop_token& stop) {
    if (!sort_until(requests, stop)) return false;
    requests.erase(std::unique(requests.begin(), requests.end()), requests.end());
    group_starts_.clear();
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (i == 0 || target_of(requests[i]) != target_of(requests[i - 1])) {
            group_starts_.push_back(static_cast<std::uint32_t>(i));
        }
    }
    group_starts_.push_back(static_cast<std::uint32_t>(requests.size()));
    return true;
}

bool LinkRequests::carry_out(Executor& executor, WorkerPool& workers, const std::stop_token& stop) {
    for (const bool upper : {false, true}) {
        PagedVector<std::uint64_t>& requests = upper ? slots_ : rows_;
        if (!group(requests, stop)) return false;
        parallel_for(executor, group_starts_.size() - 1, 16,
                     [&](std::size_t worker, std::size_t begin, std::size_t end) {
                         if (stop.stop_requested()) return;
                         for (std::size_t g = begin; g < end; ++g) {
                             const std::size_t first = group_starts_[g];
                             extend({requests.data() + first, group_starts_[g + 1] - first}, upper, workers[worker]);
                         }
                     });
        if (stop.stop_requested()) return false;
        requests.clear();
    }
    return true;
}

/// `requests` all name one target.
void LinkRequests::extend(std::span<const std::uint64_t> requests, bool upper, HnswWorker& worker) const noexcept {
    const std::uint32_t target = target_of(requests.front());
    std::uint32_t* const ids = worker.ids.data();
    const std::size_t held = upper ? store_.read_upper(target, ids) : store_.read(RowId{target}, ids);
    std::size_t count = held;
    for (const std::uint64_t request : requests) {
        const std::uint32_t source = source_of(request);
        if (source == target || std::find(ids, ids + held, source) != ids + held) continue;
        if (count == worker.ids.size()) {
            // More than a list is compared with; a tree link may not be left out and takes the place of another.
            if (upper || tree_.parent(RowId{source}) != RowId{target}) continue;
            std::size_t at = count;
            while (at-- > held && tree_.parent(RowId{ids[at]}) == RowId{target}) {}
            ids[at] = source;
            continue;
        }
        ids[count++] = source;
    }
    if (count == held) return;
    const std::size_t room = upper ? store_.params().m : store_.degree();
    if (count > room) return choose(target, upper, count, worker);
    if (upper) {
        store_.write_upper(target, {ids, count});
    } else {
        store_.write(RowId{target}, {ids, count});
    }
}

/// Chooses the list of `target` anew from worker.ids[0, count).
void LinkRequests::choose(std::uint32_t target, bool upper, std::size_t count, HnswWorker& worker) const noexcept {
    std::uint32_t* const ids = worker.ids.data();
    const RowId row = upper ? store_.upper_row(target) : RowId{target};
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const RowId other = upper ? store_.upper_row(ids[i]) : RowId{ids[i]};
        const bool tree = !upper && tree_.parent(other) == row;
        if (!tree && is_deleted(deleted_, to_index(other))) continue;
        ids[kept] = ids[i];
        worker.rows[kept++] = other;
    }
    worker.scorer.bind(row);
    worker.scorer.score({worker.rows.data(), kept}, worker.distances);
    worker.counters.scored += kept;
    worker.candidates.clear();
    for (std::size_t i = 0; i < kept; ++i) {
        const bool tree = !upper && tree_.parent(worker.rows[i]) == row;
        worker.candidates.push_back({worker.distances[i], worker.rows[i], ids[i], tree});
    }
    std::sort(worker.candidates.begin(), worker.candidates.end());
    const SelectRule rule = upper ? upper_rule(store_.params()) : rule_;
    const std::size_t chosen =
        select_links(worker.candidates, rule, worker.scorer, worker.select, worker.counters.scored);
    for (std::size_t i = 0; i < chosen; ++i) ids[i] = worker.candidates[i].id;
    if (upper) {
        store_.write_upper(target, {ids, chosen});
    } else {
        store_.write(RowId{target}, {ids, chosen});
    }
}

}  // namespace sextant::inline v1::detail
