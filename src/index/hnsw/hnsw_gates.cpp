#include "sextant/index/hnsw/hnsw_gates.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "sextant/index/hnsw/hnsw_search.hpp"
#include "sextant/index/hnsw/hnsw_update.hpp"

namespace sextant::inline v1::detail {
namespace {

/// One row in so many is searched for: a cluster worth the name has one of them.
constexpr std::uint32_t probe_interval = 4;
/// Probes against one state of the graph.
constexpr std::uint32_t block_probes = 256;

class Gatekeeper {
public:
    Gatekeeper(LinkStore& store, const SpanningTree& tree, const HnswBuild& build, WorkerPool& workers)
        : store_(store), tree_(tree), build_(build), workers_(workers), ef_(store.params().m) {
        gives_.resize(store.rows(), false);
        met_.resize(block_probes * ef_, no_row);
    }

    void run() {
        const std::uint32_t probes = (store_.rows() + probe_interval - 1) / probe_interval;
        for (std::uint32_t first = 0; first < probes; first += block_probes) {
            if (build_.stop.stop_requested()) return;
            const std::uint32_t count = std::min(probes - first, block_probes);
            graph_ = store_.view();
            parallel_for(*build_.executor, count, 8, [&](std::size_t worker, std::size_t begin, std::size_t end) {
                if (build_.stop.stop_requested()) return;
                for (std::size_t i = begin; i < end; ++i) {
                    const RowId row{(first + static_cast<std::uint32_t>(i)) * probe_interval};
                    probe(row, met_.data() + i * ef_, workers_[worker]);
                }
            });
            for (std::uint32_t i = 0; i < count; ++i) {
                open(RowId{(first + i) * probe_interval}, {met_.data() + i * ef_, ef_});
            }
        }
        draw_in_outsiders();
    }

private:
    /// Searches for `row`; where that misses it, `met` holds what was closest.
    void probe(RowId row, RowId* met, HnswWorker& worker) const noexcept {
        std::fill(met, met + ef_, no_row);
        if (is_deleted(build_.deleted, to_index(row))) return;
        HnswScratch& search = worker.search;
        worker.scorer.bind(row);
        search_level0(graph_, worker.scorer.as_row_scorer(), ef_, search, worker.counters);
        const bool missed = search.visited.mark(to_index(row));
        search.visited.clear();
        if (!missed) return;
        worker.scorer.score({&row, 1}, worker.distances);
        ++worker.counters.scored;
        for (std::size_t i = 0; i < search.pool.size(); ++i) {
            const Neighbor near = search.pool[i];
            // Twins of the row: what searches for it find is as good.
            if (!(worker.distances[0] < near.distance)) return;
            if (!is_deleted(build_.deleted, to_index(near.row))) *met++ = near.row;
        }
    }

    /// A row that none of the closer half of its links leads back to is known only to rows that a search for it, or for
    /// anything beside it, has no reason to expand.
    void draw_in_outsiders() {
        std::uint32_t ids[2 * max_m];
        std::vector<RowId> near;
        for (std::uint32_t i = 0; i < store_.rows() && !build_.stop.stop_requested(); ++i) {
            const RowId row{i};
            const std::size_t count = store_.read(row, ids);
            if (is_deleted(build_.deleted, i)) continue;
            // Lists begin with what was closest when they were chosen: for nearly all rows the first one will do.
            if (any_leads_to(row, {ids, std::min<std::size_t>(count, 3)})) continue;
            sort_links(row, ids, count);
            if (any_leads_to(row, {ids, (count + 1) / 2})) continue;
            near.clear();
            for (std::size_t j = 0; j < count; ++j) {
                if (!is_deleted(build_.deleted, ids[j])) near.push_back(RowId{ids[j]});
            }
            open(row, near);
        }
    }
    [[nodiscard]] bool any_leads_to(RowId row, std::span<const std::uint32_t> from) const noexcept {
        return std::any_of(from.begin(), from.end(), [&](std::uint32_t id) { return leads_to(RowId{id}, row); });
    }
    [[nodiscard]] bool leads_to(RowId from, RowId row) const noexcept {
        std::uint32_t ids[2 * max_m];
        const std::size_t count = store_.read(from, ids);
        return std::find(ids, ids + count, to_index(row)) != ids + count;
    }

    /// A link to `row` from the first of `met` that gives none yet.
    void open(RowId row, std::span<const RowId> met) {
        for (const RowId near : met) {
            if (near == no_row) return;
            if (gives_[to_index(near)]) continue;
            if (link(near, row)) return;
        }
    }

    /// False where `from` holds nothing but tree links.
    bool link(RowId from, RowId row) {
        std::uint32_t ids[2 * max_m];
        std::size_t count = store_.read(from, ids);
        if (std::find(ids, ids + count, to_index(row)) != ids + count) return true;
        if (count == store_.degree()) {
            sort_links(from, ids, count);
            std::size_t at = count;
            while (at > 0 && tree_.parent(RowId{ids[at - 1]}) == from) --at;
            if (at == 0) return false;
            std::copy(ids + at, ids + count, ids + at - 1);
            --count;
        }
        ids[count] = to_index(row);
        store_.write(from, {ids, count + 1});
        gives_[to_index(from)] = true;
        return true;
    }

    /// Sorts the links of `from`, closest first.
    void sort_links(RowId from, std::uint32_t* ids, std::size_t count) {
        HnswWorker& worker = workers_[0];
        for (std::size_t i = 0; i < count; ++i) worker.rows[i] = RowId{ids[i]};
        worker.scorer.bind(from);
        worker.scorer.score({worker.rows.data(), count}, worker.distances);
        worker.candidates.clear();
        for (std::size_t i = 0; i < count; ++i) {
            worker.candidates.push_back({worker.distances[i], worker.rows[i], ids[i], false});
        }
        std::sort(worker.candidates.begin(), worker.candidates.end());
        for (std::size_t i = 0; i < count; ++i) ids[i] = worker.candidates[i].id;
    }

    LinkStore& store_;
    const SpanningTree& tree_;
    const HnswBuild& build_;
    WorkerPool& workers_;
    const std::size_t ef_;
    GraphView graph_;
    std::vector<bool> gives_;
    std::vector<RowId> met_;  ///< of each probe of a block, up to ef rows
};

}  // namespace

void open_gates(LinkStore& store, const SpanningTree& tree, const HnswBuild& build, WorkerPool& workers) {
    Gatekeeper(store, tree, build, workers).run();
}

}  // namespace sextant::inline v1::detail
