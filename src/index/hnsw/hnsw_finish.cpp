#include "sextant/index/hnsw/hnsw_finish.hpp"

#include <algorithm>
#include <vector>

#include "sextant/index/hnsw/hnsw_connect.hpp"
#include "sextant/index/hnsw/hnsw_gates.hpp"
#include "sextant/index/hnsw/hnsw_rules.hpp"
#include "sextant/index/hnsw/hnsw_search.hpp"
#include "sextant/index/hnsw/hnsw_update.hpp"
#include "sextant/index/hnsw/hnsw_worker.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Rows refined against one state of the graph.
constexpr std::uint32_t block_rows = 1024;

Error stopped() { return Error{ErrorCode::cancelled, "finishing the graph was stopped"}; }

class Finisher {
public:
    Finisher(LinkStore& store, SpanningTree& tree, const HnswBuild& build)
        : store_(store),
          tree_(tree),
          build_(build),
          workers_(build, std::max<std::size_t>(store.params().ef_construction, refine_ef(store.params())),
                   std::max<std::size_t>(refine_ef(store.params()) + 2 * max_m, LinkRequests::most_sources)),
          requests_(store, tree, build.deleted, refine_overflow_rule(store.params())) {
        workers_.reserve_rows(store.rows());
    }

    Result<void> run() {
        if (!connect(store_, tree_, build_, workers_[0], build_.stop)) return stopped();
        for (std::uint32_t first = 0; first < store_.rows(); first += block_rows) {
            const std::uint32_t count = std::min(store_.rows() - first, block_rows);
            if (!refine_block(first, count)) return stopped();
            if (build_.refined != nullptr) (*build_.refined)(first + count);
        }
        open_gates(store_, tree_, build_, workers_);
        return {};
    }

private:
    /// False: stopped.
    bool refine_block(std::uint32_t first, std::uint32_t count) {
        const std::size_t degree = store_.degree();
        lists_.assign(count * degree, to_index(no_row));
        graph_ = store_.view();
        parallel_for(*build_.executor, count, 8, [&](std::size_t worker, std::size_t begin, std::size_t end) {
            if (build_.stop.stop_requested()) return;
            for (std::size_t i = begin; i < end; ++i) {
                const RowId row{first + static_cast<std::uint32_t>(i)};
                refine(row, lists_.data() + i * degree, workers_[worker]);
            }
        });
        if (build_.stop.stop_requested()) return false;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t* const list = lists_.data() + i * degree;
            const auto length = static_cast<std::size_t>(std::find(list, list + degree, to_index(no_row)) - list);
            if (length == 0) continue;  // deleted, or alone
            const RowId row{first + i};
            store_.write(row, {list, length});
            for (std::size_t j = 0; j < length; ++j) requests_.add(RowId{list[j]}, row);
        }
        return requests_.carry_out(*build_.executor, workers_, build_.stop);
    }

    /// Writes the new list of `row` to `out`.
    void refine(RowId row, std::uint32_t* out, HnswWorker& worker) const noexcept {
        if (is_deleted(build_.deleted, to_index(row))) return;
        HnswScratch& search = worker.search;
        const RowScorer scorer = worker.scorer.as_row_scorer();
        worker.scorer.bind(row);
        search.pool.reset(refine_ef(store_.params()));
        search.visited.mark(to_index(row));
        offer_own_links(row, worker);
        expand(graph_, scorer, HopWidth::one, nullptr, search, worker.counters);
        search.visited.clear();
        const std::size_t own = worker.candidates.size();
        for (std::size_t i = 0; i < search.pool.size(); ++i) {
            const Neighbor near = search.pool[i];
            const auto end = worker.candidates.begin() + static_cast<std::ptrdiff_t>(own);
            const bool known = std::any_of(worker.candidates.begin(), end,
                                           [near](const LinkCandidate& link) { return link.row == near.row; });
            if (known || is_deleted(build_.deleted, to_index(near.row))) continue;
            worker.candidates.push_back({near.distance, near.row, to_index(near.row), false});
        }
        std::sort(worker.candidates.begin(), worker.candidates.end());
        const std::size_t chosen = select_links(worker.candidates, refine_rule(store_.params()), worker.scorer,
                                                worker.select, worker.counters.scored);
        for (std::size_t i = 0; i < chosen; ++i) out[i] = worker.candidates[i].id;
    }

    /// The links `row` has: candidates whatever the search found, and places to go on from.
    void offer_own_links(RowId row, HnswWorker& worker) const noexcept {
        HnswScratch& search = worker.search;
        worker.candidates.clear();
        const std::size_t held = store_.read(row, worker.ids.data());
        for (std::size_t i = 0; i < held; ++i) worker.rows[i] = RowId{worker.ids[i]};
        worker.scorer.score({worker.rows.data(), held}, worker.distances);
        worker.counters.scored += held;
        for (std::size_t i = 0; i < held; ++i) {
            const RowId link = worker.rows[i];
            const float distance = worker.distances[i];
            if (search.visited.mark(to_index(link)) && distance < search.pool.worst()) {
                search.pool.insert(distance, to_index(link));
            }
            const bool tree = tree_.parent(link) == row;
            if (!tree && is_deleted(build_.deleted, to_index(link))) continue;
            worker.candidates.push_back({distance, link, to_index(link), tree});
        }
    }

    LinkStore& store_;
    SpanningTree& tree_;
    const HnswBuild& build_;
    WorkerPool workers_;
    LinkRequests requests_;
    GraphView graph_;  ///< as it stood before the block
    PagedVector<std::uint32_t> lists_;
};

}  // namespace

Result<void> finish_graph(LinkStore& store, SpanningTree& tree, const HnswBuild& build) {
    if (build.stop.stop_requested()) return stopped();
    return Finisher(store, tree, build).run();
}

}  // namespace sextant::inline v1::detail
