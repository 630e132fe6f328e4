#include "sextant/index/hnsw/hnsw_build.hpp"

#include <algorithm>
#include <atomic>

#include "core/format_text.hpp"
#include "sextant/index/hnsw/hnsw_connect.hpp"
#include "sextant/index/hnsw/hnsw_rules.hpp"
#include "sextant/index/hnsw/hnsw_search.hpp"
#include "sextant/index/hnsw/hnsw_update.hpp"
#include "sextant/index/hnsw/level_sampler.hpp"

namespace sextant::inline v1::detail {
namespace {

class BatchLinker {
public:
    BatchLinker(LinkStore& store, SpanningTree& tree, const HnswBuild& build)
        : store_(store),
          tree_(tree),
          build_(build),
          workers_(build, store.params().ef_construction, candidate_limit(store.params())),
          requests_(store, tree, build.deleted, overflow_rule(store.params())) {}

    [[nodiscard]] Result<void> run(std::uint32_t first, std::uint32_t end) {
        SEXTANT_TRY(plan(first, end));
        if (!find()) {
            return Error{ErrorCode::cancelled, format_text("linking was stopped at row {} of {}", first_, end_)};
        }
        adopt_all();
        answer();
        store_.publish(end_, slot_count_, entry_);
        return {};
    }

private:
    /// A row of the batch.
    struct Newcomer {
        std::uint32_t first_slot = no_slot;  ///< of level 1
        std::uint32_t level = 0;
        bool live = true;
        RowId nearest = no_row;  ///< the closest row met, deleted ones included
    };

    static std::size_t candidate_limit(const HnswParams& params) noexcept {
        return std::max<std::size_t>(params.ef_construction + VisitedSet::max_list, LinkRequests::most_sources);
    }

    [[nodiscard]] RowId row_at(std::size_t index) const noexcept {
        return RowId{first_ + static_cast<std::uint32_t>(index)};
    }
    [[nodiscard]] bool in_batch(RowId row) const noexcept { return to_index(row) >= first_; }

    Result<void> plan(std::uint32_t first, std::uint32_t end) {
        first_ = first;
        end_ = end;
        slot_count_ = store_.slots();
        const std::size_t count = end - first;
        newcomers_.assign(count, {});
        mates_.clear();
        for (std::size_t i = 0; i < count; ++i) {
            Newcomer& newcomer = newcomers_[i];
            newcomer.live = !is_deleted(build_.deleted, to_index(row_at(i)));  // asked once: the bitmap may change
            if (!newcomer.live) continue;
            mates_.push_back(row_at(i));
            const HnswParams& params = store_.params();
            newcomer.level = sample_level(build_.row_key(row_at(i)), params.seed, params.m);
            if (newcomer.level == 0 || slot_count_ + newcomer.level > store_.max_slots()) {
                newcomer.level = 0;
                continue;
            }
            newcomer.first_slot = slot_count_;
            slot_count_ += newcomer.level;
        }
        SEXTANT_TRY(store_.ensure(end_, slot_count_));
        SEXTANT_TRY(tree_.ensure(end_));
        workers_.reserve_rows(end_);
        for (std::size_t i = 0; i < count; ++i) {
            for (std::uint32_t s = 0; s < newcomers_[i].level; ++s) {
                store_.set_upper_row(newcomers_[i].first_slot + s, row_at(i));
            }
        }
        graph_ = store_.view();
        return {};
    }

    /// False: stopped.
    bool find() {
        std::atomic<bool> stopped{false};
        parallel_for(*build_.executor, newcomers_.size(), 4,
                     [&](std::size_t worker, std::size_t begin, std::size_t end) {
                         for (std::size_t i = begin; i < end; ++i) {
                             if (build_.stop.stop_requested()) {
                                 // Relaxed: parallel_for returns after all workers, and orders what they wrote.
                                 stopped.store(true, std::memory_order_relaxed);
                                 return;
                             }
                             find_links(i, workers_[worker]);
                         }
                     });
        return !stopped.load(std::memory_order_relaxed);
    }

    void find_links(std::size_t index, HnswWorker& worker) noexcept {
        Newcomer& newcomer = newcomers_[index];
        const RowId row = row_at(index);
        if (!newcomer.live) {
            store_.write(row, {});
            return;
        }
        worker.scorer.bind(row);
        HnswScratch& search = worker.search;
        const std::size_t ef = store_.params().ef_construction;
        if (newcomer.level == 0 || graph_.entry.level < 0) {
            for (std::uint32_t level = newcomer.level; level > 0; --level) {
                search.pool.reset(ef);
                choose_upper(index, level, worker);
                worker.scorer.bind(row);
            }
            search_level0(graph_, worker.scorer.as_row_scorer(), ef, search, worker.counters);
        } else {
            find_upper(index, worker);
        }
        search.visited.clear();
        offer_mates(row, worker);
        if (search.pool.size() != 0) newcomer.nearest = search.pool[0].row;
        worker.candidates.clear();
        for (std::size_t i = 0; i < search.pool.size(); ++i) {
            const Neighbor near = search.pool[i];
            if (!in_batch(near.row) && is_deleted(build_.deleted, to_index(near.row))) continue;
            worker.candidates.push_back({near.distance, near.row, to_index(near.row), false});
        }
        const std::size_t chosen = select(forward_rule(store_.params()), worker);
        store_.write(row, {worker.ids.data(), chosen});
    }

    /// Walks down through the levels of the row, choosing links on each, and ends with the search of level 0.
    void find_upper(std::size_t index, HnswWorker& worker) noexcept {
        const Newcomer& newcomer = newcomers_[index];
        HnswScratch& search = worker.search;
        const std::size_t ef = store_.params().ef_construction;
        const RowScorer scorer = worker.scorer.as_row_scorer();
        const auto top = std::min(static_cast<std::uint32_t>(graph_.entry.level), newcomer.level);
        search.pool.reset(ef);
        GraphPoint best =
            descend(graph_, scorer, static_cast<std::int32_t>(top), DescentPool::nothing, search, worker.counters);
        search.visited.clear();
        for (std::uint32_t level = newcomer.level; level > 0; --level) {
            search.pool.reset(ef);
            if (level <= top) {
                search.visited.mark(graph_.upper_rows[best.id]);
                search.pool.insert(best.distance, best.id);
                expand_upper(graph_, scorer, search, worker.counters);
                search.visited.clear();
                best = {to_index(search.pool[0].row), search.pool[0].distance};
                best.id = level > 1 ? best.id - 1 : graph_.upper_rows[best.id];
            }
            choose_upper(index, level, worker);
            worker.scorer.bind(row_at(index));
        }
        search.pool.reset(ef);
        search.visited.mark(best.id);
        search.pool.insert(best.distance, best.id);
        expand(graph_, scorer, HopWidth::one, nullptr, search, worker.counters);
    }

    /// Chooses from the pool, which holds slots, and from batch mates that reach this level.
    void choose_upper(std::size_t index, std::uint32_t level, HnswWorker& worker) noexcept {
        const std::uint32_t slot = newcomers_[index].first_slot + level - 1;
        const CandidatePool& pool = worker.search.pool;
        worker.candidates.clear();
        for (std::size_t i = 0; i < pool.size(); ++i) {
            const std::uint32_t id = to_index(pool[i].row);
            const RowId row = store_.upper_row(id);
            if (is_deleted(build_.deleted, to_index(row))) continue;
            worker.candidates.push_back({pool[i].distance, row, id, false});
        }
        for (std::size_t i = 0; i < newcomers_.size(); ++i) {
            if (i == index || newcomers_[i].level < level) continue;
            const RowId mate = row_at(i);
            worker.scorer.score({&mate, 1}, worker.distances);
            ++worker.counters.scored;
            worker.candidates.push_back({worker.distances[0], mate, newcomers_[i].first_slot + level - 1, false});
        }
        std::sort(worker.candidates.begin(), worker.candidates.end());
        const std::size_t chosen = select(upper_rule(store_.params()), worker);
        store_.write_upper(slot, {worker.ids.data(), chosen});
    }

    std::size_t select(const SelectRule& rule, HnswWorker& worker) noexcept {
        const std::size_t chosen =
            select_links(worker.candidates, rule, worker.scorer, worker.select, worker.counters.scored);
        for (std::size_t i = 0; i < chosen; ++i) worker.ids[i] = worker.candidates[i].id;
        return chosen;
    }

    /// Offers the other new rows to the pool. REQUIRES: the scorer is bound to `row`.
    void offer_mates(RowId row, HnswWorker& worker) noexcept {
        if (mates_.size() < 2) return;
        worker.scorer.score(mates_, worker.distances);
        worker.counters.scored += mates_.size();
        CandidatePool& pool = worker.search.pool;
        for (std::size_t i = 0; i < mates_.size(); ++i) {
            if (mates_[i] != row && worker.distances[i] < pool.worst()) {
                pool.insert(worker.distances[i], to_index(mates_[i]));
            }
        }
    }

    /// Where the search will begin, and a parent for every new row.
    void adopt_all() {
        entry_ = store_.entry();
        const GraphEntry old_entry = entry_;
        std::size_t top = newcomers_.size();
        for (std::size_t i = 0; i < newcomers_.size(); ++i) {
            const bool higher = top == newcomers_.size() || newcomers_[i].level > newcomers_[top].level;
            if (newcomers_[i].live && higher) top = i;
        }
        if (top == newcomers_.size()) return;  // all are deleted
        const bool rises = static_cast<std::int32_t>(newcomers_[top].level) > entry_.level;
        if (rises) {
            const std::uint32_t level = newcomers_[top].level;
            const std::uint32_t row = to_index(row_at(top));
            entry_ = {level > 0 ? newcomers_[top].first_slot + level - 1 : row, static_cast<std::int32_t>(level)};
        }
        if (old_entry.level < 0) tree_.set_parent(row_at(top), row_at(top));
        TreeBuilder adopter(store_, tree_, old_entry.level < 0 ? row_at(top) : graph_.entry_row());
        for (std::size_t i = 0; i < newcomers_.size(); ++i) {
            if (!newcomers_[i].live || tree_.reached(row_at(i))) continue;
            requests_.add(adopter.adopt(row_at(i), newcomers_[i].nearest), row_at(i));
        }
        if (rises && old_entry.level >= 0) {  // the tree's root is the entry: hang the old root below the new one
            const RowId old_root = graph_.entry_row();
            tree_.set_parent(old_root, row_at(top));
            tree_.set_parent(row_at(top), row_at(top));
            requests_.add(row_at(top), old_root);
        }
    }

    void answer() {
        std::uint32_t ids[2 * max_m];
        for (std::size_t i = 0; i < newcomers_.size(); ++i) {
            const std::size_t count = store_.read(row_at(i), ids);
            for (std::size_t j = 0; j < count; ++j) requests_.add(RowId{ids[j]}, row_at(i));
            for (std::uint32_t s = 0; s < newcomers_[i].level; ++s) {
                const std::uint32_t slot = newcomers_[i].first_slot + s;
                const std::size_t upper_count = store_.read_upper(slot, ids);
                for (std::size_t j = 0; j < upper_count; ++j) requests_.add_upper(ids[j], slot);
            }
        }
        requests_.carry_out(*build_.executor, workers_);
    }

    LinkStore& store_;
    SpanningTree& tree_;
    const HnswBuild& build_;
    WorkerPool workers_;
    LinkRequests requests_;
    GraphView graph_;  ///< as it stood before the batch
    std::uint32_t first_ = 0;
    std::uint32_t end_ = 0;
    std::uint32_t slot_count_ = 0;
    GraphEntry entry_;
    std::vector<Newcomer> newcomers_;
    std::vector<RowId> mates_;  ///< the live ones
};

}  // namespace

Result<void> link_rows(LinkStore& store, SpanningTree& tree, std::uint32_t row_count, bool flush,
                       const HnswBuild& build) {
    std::uint32_t first = store.rows();
    if (first >= row_count || (!flush && batch_end(first) > row_count)) return {};
    BatchLinker linker(store, tree, build);
    while (first < row_count) {
        const std::uint32_t end = std::min(batch_end(first), row_count);
        if (!flush && end != batch_end(first)) break;
        SEXTANT_TRY(linker.run(first, end));
        first = end;
    }
    return {};
}

}  // namespace sextant::inline v1::detail
