#include "sextant/index/hnsw/hnsw_gates.hpp"

#include <algorithm>
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
                for (std::size_t i = begin; i < end; ++i) {
                    const RowId row{(first + static_cast<std::uint32_t>(i)) * probe_interval};
                    probe(row, met_.data() + i * ef_, workers_[worker]);
                }
            });
            for (std::uint32_t i = 0; i < count; ++i) open(RowId{(first + i) * probe_interval}, met_.data() + i * ef_);
        }
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

    /// A link to `row` from the first of `met` that gives none yet.
    void open(RowId row, const RowId* met) {
        for (const RowId* near = met; near != met + ef_ && *near != no_row; ++near) {
            if (gives_[to_index(*near)]) continue;
            if (link(*near, row)) return;
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
