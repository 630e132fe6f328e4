#include "sextant/index/hnsw/hnsw_search.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace sextant::inline v1::detail {
namespace {

/// Hops between two looks at the stop token.
constexpr std::uint64_t stop_interval = 64;

/// The most rows that are expanded at once.
constexpr std::size_t widest_hop = 8;

/// A descent follows one path for so many of ef. One path alone can end in the wrong one of two clusters, and a pool that
/// the rows of a cluster fill does not lead out of it.
constexpr std::size_t ef_per_path = 32;

/// Looks at a stop token now and then.
class StopWatch {
public:
    explicit StopWatch(const std::stop_token* stop) noexcept : stop_(stop) {}

    [[nodiscard]] bool stopped(SearchCounters& counters) noexcept {
        if (stop_ == nullptr || counters.hops < next_look_) return false;
        next_look_ = counters.hops + stop_interval;
        if (!stop_->stop_requested()) return false;
        counters.stopped = true;
        return true;
    }

private:
    const std::stop_token* stop_;
    std::uint64_t next_look_ = 0;
};

/// Both cache lines of a list of 32. Always inline: g++ 12 takes a function that does nothing but prefetch for one without
/// effect, and leaves out the calls.
[[gnu::always_inline]] inline void prefetch_list(const GraphView& graph, std::uint32_t row) noexcept {
    if (row >= graph.row_limit) return;
    const std::uint32_t* list = graph.list(RowId{row});
    __builtin_prefetch(list);
    __builtin_prefetch(list + 16);
}

/// Inserts the rows that are closer than the pool's worst.
void offer(const GraphView& graph, std::span<const RowId> rows, const float* distances, std::uint32_t* survivors,
           CandidatePool& pool) noexcept {
    const float worst = pool.worst();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {  // branch-free: most fail, but which is unpredictable
        survivors[kept] = static_cast<std::uint32_t>(i);
        kept += distances[i] < worst ? 1U : 0U;
    }
    if (kept == 0) return;
    // The closest of them is most likely what the search goes on from: its list is under way while the pool is sorted.
    std::uint32_t best = survivors[0];
    for (std::size_t j = 1; j < kept; ++j) {
        const std::uint32_t i = survivors[j];
        best = distances[i] < distances[best] ? i : best;
    }
    prefetch_list(graph, to_index(rows[best]));
    for (std::size_t j = 0; j < kept; ++j) {
        const std::uint32_t i = survivors[j];
        if (!(distances[i] < pool.worst())) continue;
        prefetch_list(graph, to_index(rows[i]));
        pool.insert(distances[i], to_index(rows[i]));
    }
}

/// The fresh rows of an upper list: rows to scratch.rows_of_list, their slots to scratch.ids_of_list.
std::size_t collect_upper(const GraphView& graph, std::uint32_t slot, HnswScratch& scratch) noexcept {
    const std::uint32_t* list = graph.upper_list(slot);
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < graph.m; ++i) {
        const std::uint32_t neighbor = __atomic_load_n(list + i, __ATOMIC_RELAXED);
        if (neighbor >= graph.slot_limit) {
            if (neighbor == no_slot) break;
            continue;  // published after this search began
        }
        const std::uint32_t row = graph.upper_rows[neighbor];
        scratch.ids_of_list[count] = neighbor;
        scratch.rows_of_list[count] = RowId{row};
        count += scratch.visited.mark(row) ? 1U : 0U;
    }
    return count;
}

void score(const RowScorer& scorer, std::span<const RowId> rows, HnswScratch& scratch,
           SearchCounters& counters) noexcept {
    scorer.score(rows, scratch.distances);
    counters.scored += rows.size();
}

/// The closest points of an upper level, from which a descent goes on.
class Beam {
public:
    static constexpr std::size_t most = 8;

    /// Begins with `entry` whatever its distance is, so that there always is a best point.
    Beam(std::size_t width, const GraphPoint& entry) noexcept : last_(std::clamp<std::size_t>(width, 1, most) - 1) {
        points_.fill({no_slot, std::numeric_limits<float>::infinity()});
        expanded_.fill(true);
        points_[0] = entry;
        expanded_[0] = false;
    }

    [[nodiscard]] const GraphPoint& best() const noexcept { return points_[0]; }
    [[nodiscard]] std::span<const GraphPoint> points() const noexcept {
        std::size_t count = 1;
        while (count <= last_ && points_[count].id != no_slot) ++count;
        return {points_.data(), count};
    }
    void offer(const GraphPoint& point) noexcept {
        if (!(point.distance < points_[last_].distance)) return;
        std::size_t at = last_;
        for (; at > 0 && point.distance < points_[at - 1].distance; --at) {
            points_[at] = points_[at - 1];
            expanded_[at] = expanded_[at - 1];
        }
        points_[at] = point;
        expanded_[at] = false;
    }
    /// The closest point that was not returned before on this level; null when there is none.
    [[nodiscard]] GraphPoint* next() noexcept {
        for (std::size_t i = 0; i <= last_; ++i) {
            if (expanded_[i]) continue;
            expanded_[i] = true;
            return &points_[i];
        }
        return nullptr;
    }
    template <class Below>
    void step_down(Below&& below) noexcept {
        for (std::size_t i = 0; i <= last_ && points_[i].id != no_slot; ++i) {
            points_[i].id = below(points_[i].id);
            expanded_[i] = false;
        }
    }

private:
    std::array<GraphPoint, most> points_;
    std::array<bool, most> expanded_;
    std::size_t last_;
};

}  // namespace

GraphPoint descend(const GraphView& graph, const RowScorer& scorer, std::int32_t level, DescentPool into,
                   HnswScratch& scratch, SearchCounters& counters) noexcept {
    const bool keep = into == DescentPool::met;
    const RowId entry = graph.entry_row();
    scratch.visited.mark(to_index(entry));
    score(scorer, {&entry, 1}, scratch, counters);
    Beam beam(scratch.pool.capacity() / ef_per_path, {graph.entry.id, scratch.distances[0]});
    if (keep) scratch.pool.insert(scratch.distances[0], to_index(entry));
    for (std::int32_t at = graph.entry.level; at > level; --at) {
        while (GraphPoint* next = at > 0 ? beam.next() : nullptr) {
            const std::size_t count = collect_upper(graph, next->id, scratch);
            ++counters.hops;
            score(scorer, {scratch.rows_of_list.data(), count}, scratch, counters);
            for (std::size_t i = 0; i < count; ++i) {
                const float distance = scratch.distances[i];
                if (keep && distance < scratch.pool.worst()) {
                    scratch.pool.insert(distance, to_index(scratch.rows_of_list[i]));
                }
                beam.offer({scratch.ids_of_list[i], distance});
            }
        }
        beam.step_down([&](std::uint32_t slot) { return at > 1 ? slot - 1 : graph.upper_rows[slot]; });
    }
    if (into == DescentPool::ends) {
        scratch.visited.clear();
        for (const GraphPoint& point : beam.points()) {
            scratch.visited.mark(point.id);
            scratch.pool.insert(point.distance, point.id);
        }
    }
    return beam.best();
}

void expand(const GraphView& graph, const RowScorer& scorer, HopWidth width, const std::stop_token* stop,
            HnswScratch& scratch, SearchCounters& counters) noexcept {
    CandidatePool& pool = scratch.pool;
    // On the way towards the query the closest row is the one to go on from. Around it all rows of the pool will be
    // expanded, in whichever order: several at once wait for memory once instead of each in turn.
    const std::size_t fitting = std::min(widest_hop, VisitedSet::max_list / graph.degree);
    const std::size_t widest = width == HopWidth::one ? 1 : fitting;
    std::array<const std::uint32_t*, widest_hop> lists;
    std::array<std::uint32_t, widest_hop> ahead;
    StopWatch watch(stop);
    while (pool.has_next() && !watch.stopped(counters)) {
        const std::size_t wanted = std::min(widest, pool.next_index() + 1);
        std::size_t taken = 0;
        do {
            lists[taken++] = graph.list(pool.pop().row);
        } while (taken < wanted && pool.has_next());
        const std::size_t count = pool.peek(ahead);  // what comes next unless this hop finds something closer
        for (std::size_t i = 0; i < count; ++i) prefetch_list(graph, ahead[i]);
        const auto fresh = scratch.visited.collect(std::span(lists).first(taken), graph.degree, graph.row_limit);
        counters.hops += taken;
        score(scorer, fresh, scratch, counters);
        offer(graph, fresh, scratch.distances.data(), scratch.ids_of_list.data(), pool);
    }
}

void expand_upper(const GraphView& graph, const RowScorer& scorer, HnswScratch& scratch,
                  SearchCounters& counters) noexcept {
    CandidatePool& pool = scratch.pool;
    while (pool.has_next()) {
        const std::size_t count = collect_upper(graph, to_index(pool.pop().row), scratch);
        ++counters.hops;
        score(scorer, {scratch.rows_of_list.data(), count}, scratch, counters);
        for (std::size_t i = 0; i < count; ++i) {
            if (scratch.distances[i] < pool.worst()) pool.insert(scratch.distances[i], scratch.ids_of_list[i]);
        }
    }
}

void search_level0(const GraphView& graph, const RowScorer& scorer, std::size_t ef, HnswScratch& scratch,
                   SearchCounters& counters) noexcept {
    scratch.pool.reset(ef);
    if (graph.entry.level < 0) return;
    descend(graph, scorer, 0, DescentPool::met, scratch, counters);
    expand(graph, scorer, HopWidth::one, nullptr, scratch, counters);
}

namespace {

/// Puts the closest candidate at the top of a heap.
struct Farther {
    bool operator()(const Neighbor& a, const Neighbor& b) const noexcept { return b < a; }
};

/// Filtered search: rows that fail the filter are walked through but take no place in scratch.admitted, so the walk goes
/// on until ef admitted rows are closer than everything that is left, or nothing is left. What may be expanded is kept
/// in a heap without bound: a pool of fixed size would end the walk early where few rows are admitted.
void expand_filtered(const GraphView& graph, const RowScorer& scorer, const RowFilter& filter,
                     const std::stop_token* stop, HnswScratch& scratch, SearchCounters& counters) {
    CandidatePool& admitted = scratch.admitted;
    auto& frontier = scratch.frontier;
    const auto meet = [&](float distance, RowId row) {
        if (!(distance < admitted.worst())) return;
        frontier.push_back({distance, row});
        std::push_heap(frontier.begin(), frontier.end(), Farther{});
        if (filter(row)) admitted.insert(distance, to_index(row));
    };
    for (std::size_t i = 0; i < scratch.pool.size(); ++i) meet(scratch.pool[i].distance, scratch.pool[i].row);
    StopWatch watch(stop);
    while (!frontier.empty() && !watch.stopped(counters)) {
        const Neighbor nearest = frontier.front();
        if (admitted.full() && !(nearest.distance < admitted.worst())) break;
        std::pop_heap(frontier.begin(), frontier.end(), Farther{});
        frontier.pop_back();
        if (!frontier.empty()) prefetch_list(graph, to_index(frontier.front().row));
        const auto fresh = scratch.visited.collect(graph.list(nearest.row), graph.degree, graph.row_limit);
        ++counters.hops;
        score(scorer, fresh, scratch, counters);
        for (std::size_t i = 0; i < fresh.size(); ++i) meet(scratch.distances[i], fresh[i]);
        if (!frontier.empty()) prefetch_list(graph, to_index(frontier.front().row));
    }
}

std::size_t copy_out(const CandidatePool& pool, std::span<Neighbor> out) noexcept {
    const std::size_t count = std::min(pool.size(), out.size());
    for (std::size_t i = 0; i < count; ++i) out[i] = pool[i];
    return count;
}

/// Throws std::bad_alloc where the scratch must grow and cannot.
std::size_t search_or_throw(const GraphView& graph, const RowScorer& scorer, const RowFilter& filter,
                            const SearchParams& params, HnswScratch& scratch, std::span<Neighbor> out,
                            SearchCounters& counters) {
    const std::size_t ef = std::max<std::size_t>({params.ef, out.size(), 1});
    scratch.reserve(graph.row_limit, ef);
    scratch.pool.reset(ef);
    if (filter.admits_all()) {
        descend(graph, scorer, 0, DescentPool::met, scratch, counters);
        expand(graph, scorer, HopWidth::growing, params.stop, scratch, counters);
        return copy_out(scratch.pool, out);
    }
    scratch.admitted.reset(ef);
    scratch.frontier.clear();
    // Rows met on the way down are forgotten again: the pool would drop some that pass the filter.
    descend(graph, scorer, 0, DescentPool::ends, scratch, counters);
    expand_filtered(graph, scorer, filter, params.stop, scratch, counters);
    return copy_out(scratch.admitted, out);
}

}  // namespace

std::size_t search_graph(const GraphView& graph, const RowScorer& scorer, const RowFilter& filter,
                         const SearchParams& params, HnswScratch& scratch, std::span<Neighbor> out,
                         SearchCounters& counters) noexcept {
    if (graph.entry.level < 0 || out.empty()) return 0;
    std::size_t found = 0;
    try {
        found = search_or_throw(graph, scorer, filter, params, scratch, out, counters);
    } catch (const std::bad_alloc&) {
        counters.stopped = true;  // no memory for the scratch: an answer that says it is not complete
    }
    scratch.visited.clear();
    return found;
}

}  // namespace sextant::inline v1::detail
