#include "sextant/index/hnsw/hnsw_connect.hpp"

#include <algorithm>

#include "sextant/core/random.hpp"
#include "sextant/index/hnsw/hnsw_rules.hpp"
#include "sextant/index/hnsw/hnsw_search.hpp"
#include "sextant/index/hnsw/hnsw_update.hpp"

namespace sextant::inline v1::detail {
namespace {

/// The turns a row takes on its way down a crowd of equal rows. Drawn anew on every level: turns by the row number itself
/// would be the same on all levels, and the crowd would hang in as many chains as a row has children.
Random path_of(RowId row) noexcept { return Random(to_index(row)); }

}  // namespace

void TreeBuilder::read_children(RowId parent) {
    std::uint32_t ids[2 * max_m];
    children_.clear();
    const std::size_t count = store_.read(parent, ids);
    for (std::size_t i = 0; i < count; ++i) {
        if (tree_.parent(RowId{ids[i]}) == parent) children_.push_back(RowId{ids[i]});
    }
    for (const auto& [adopter, child] : adopted_) {
        const bool listed = std::find(children_.begin(), children_.end(), child) != children_.end();
        if (adopter == parent && !listed) children_.push_back(child);
    }
}

RowId TreeBuilder::with_room_below(RowId start, RowId row) {
    RowId at = start;
    Random turns = path_of(row);
    for (read_children(at); children_.size() >= tree_limit(store_.params()); read_children(at)) {
        at = children_[turns.below(children_.size())];  // ends at a leaf
    }
    return at;
}

RowId TreeBuilder::adopt(RowId row, RowId nearest) {
    std::uint32_t ids[2 * max_m];
    const std::size_t count = store_.read(row, ids);
    RowId parent = no_row;
    for (std::size_t i = 0; i < count && parent == no_row; ++i) {
        const RowId candidate{ids[i]};
        if (!tree_.reached(candidate)) continue;
        read_children(candidate);
        if (children_.size() < tree_limit(store_.params())) parent = candidate;
    }
    if (parent == no_row) {
        const bool known = nearest != no_row && tree_.reached(nearest);
        parent = with_room_below(known ? nearest : root_, row);
    }
    tree_.set_parent(row, parent);
    adopted_.emplace_back(parent, row);
    return parent;
}

namespace {

/// Rows between two looks at the stop token: a millisecond or less.
constexpr std::size_t rows_between_stops = 1024;

class Connector {
public:
    Connector(LinkStore& store, SpanningTree& tree, const HnswBuild& build, HnswWorker& worker,
              const std::stop_token& stop)
        : store_(store), tree_(tree), build_(build), worker_(worker), stop_(stop) {}

    /// False: stopped.
    bool run() {
        const GraphView graph = store_.view();
        tree_.forget_all();
        if (graph.entry.level < 0) return true;
        const RowId root = graph.entry_row();
        tree_.set_parent(root, root);
        if (!walk(root)) return false;
        for (std::uint32_t i = 0; i < graph.row_limit; ++i) {
            const RowId row{i};
            if (tree_.reached(row) || is_deleted(build_.deleted, i)) continue;
            attach(row, graph, root);
            if (!walk(row)) return false;
        }
        return true;
    }

private:
    /// Everything that level 0 reaches from `start` gets its parent. False: stopped.
    bool walk(RowId start) {
        std::uint32_t ids[2 * max_m];
        queue_.assign(1, start);
        for (std::size_t next = 0; next < queue_.size(); ++next) {
            if (next % rows_between_stops == 0 && stop_.stop_requested()) return false;
            const std::size_t count = store_.read(queue_[next], ids);
            for (std::size_t i = 0; i < count; ++i) {
                if (tree_.reached(RowId{ids[i]})) continue;
                tree_.set_parent(RowId{ids[i]}, queue_[next]);
                queue_.push_back(RowId{ids[i]});
            }
        }
        return true;
    }

    void attach(RowId row, const GraphView& graph, RowId root) {
        HnswScratch& search = worker_.search;
        worker_.scorer.bind(row);
        search_level0(graph, worker_.scorer.as_row_scorer(), store_.params().ef_construction, search, worker_.counters);
        search.visited.clear();
        for (std::size_t i = 0; i < search.pool.size(); ++i) {
            if (tree_.reached(search.pool[i].row) && append(search.pool[i].row, row)) return;
        }
        RowId at = search.pool.size() != 0 && tree_.reached(search.pool[0].row) ? search.pool[0].row : root;
        std::uint32_t ids[2 * max_m];
        Random turns = path_of(row);
        while (!append(at, row)) {  // every link of `at` is a tree link: go to a child; a leaf has none
            const std::size_t count = store_.read(at, ids);
            at = RowId{ids[turns.below(count)]};
        }
    }

    /// Adds a tree link parent → row; false when all links of `parent` are tree links.
    bool append(RowId parent, RowId row) {
        std::uint32_t ids[2 * max_m + 1];
        std::size_t count = store_.read(parent, ids);
        if (count == store_.degree()) {
            std::size_t at = count;  // lists are ordered by distance after a choice: the last is the farthest
            while (at > 0 && tree_.parent(RowId{ids[at - 1]}) == parent) --at;
            if (at == 0) return false;
            std::copy(ids + at, ids + count, ids + at - 1);
            --count;
        }
        ids[count] = to_index(row);
        store_.write(parent, {ids, count + 1});
        tree_.set_parent(row, parent);
        return true;
    }

    LinkStore& store_;
    SpanningTree& tree_;
    const HnswBuild& build_;
    HnswWorker& worker_;
    const std::stop_token& stop_;
    PagedVector<RowId> queue_;
};

}  // namespace

bool connect(LinkStore& store, SpanningTree& tree, const HnswBuild& build, HnswWorker& worker,
             const std::stop_token& stop) {
    return Connector(store, tree, build, worker, stop).run();
}

}  // namespace sextant::inline v1::detail
