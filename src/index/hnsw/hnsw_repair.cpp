#include "sextant/index/hnsw/hnsw_repair.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "core/format_text.hpp"
#include "sextant/index/hnsw/hnsw_connect.hpp"
#include "sextant/index/hnsw/hnsw_rules.hpp"
#include "sextant/index/hnsw/hnsw_update.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Bounds of one walk through gone rows: what one list may cost.
constexpr std::size_t most_candidates = 256;
constexpr std::size_t most_gone = 64;
/// Lists healed before what they gained is collected.
constexpr std::size_t block_size = 8192;

/// Chooses new lists around gone rows. `numbers` and `slots` translate old numbers to new ones, no_row where gone.
class Healer {
public:
    Healer(const GraphView& old, std::span<const std::uint32_t> numbers, std::span<const std::uint32_t> slots,
           LinkStore& store, const SpanningTree& tree, const HnswBuild& build)
        : old_(old),
          numbers_(numbers),
          slots_(slots),
          store_(store),
          tree_(tree),
          build_(build),
          workers_(build, store.params().ef_construction,
                   std::max<std::size_t>(most_candidates + 2 * max_m, LinkRequests::most_sources)),
          requests_(store, tree, build.deleted, overflow_rule(store.params())) {
        workers_.reserve_rows(std::max(old.row_limit, old.slot_limit));
    }

    /// Heals the lists of old rows (or slots) and remembers what they gained. False: stopped, some are as they were.
    [[nodiscard]] bool heal_all(std::span<const std::uint32_t> old_ids, bool upper) {
        const std::size_t length = upper ? old_.m : old_.degree;
        for (std::size_t start = 0; start < old_ids.size(); start += block_size) {
            if (build_.stop.stop_requested()) return false;
            const std::size_t count = std::min(block_size, old_ids.size() - start);
            gained_.assign(count * length, to_index(no_row));
            parallel_for(*build_.executor, count, 16, [&](std::size_t worker, std::size_t begin, std::size_t end) {
                if (build_.stop.stop_requested()) return;
                for (std::size_t i = begin; i < end; ++i) {
                    heal(old_ids[start + i], upper, workers_[worker], gained_.data() + i * length);
                }
            });
            for (std::size_t i = 0; i < gained_.size(); ++i) {
                if (gained_[i] == to_index(no_row)) continue;
                const std::uint32_t source = translate(old_ids[start + i / length], upper);
                if (upper) {
                    requests_.add_upper(gained_[i], source);
                } else {
                    requests_.add(RowId{gained_[i]}, RowId{source});
                }
            }
        }
        return !build_.stop.stop_requested();
    }

    /// Links back, and a tree that spans what is left. False: `stop` asked to end before that.
    [[nodiscard]] bool finish(SpanningTree& tree, const std::stop_token& stop) {
        return requests_.carry_out(*build_.executor, workers_, stop) &&
               connect(store_, tree, build_, workers_[0], stop);
    }

private:
    struct Gathered {
        std::size_t kept = 0;  ///< of the ids, how many the list held and may hold on
        std::size_t total = 0;
        bool touched = false;  ///< the list held something that is gone
    };

    [[nodiscard]] std::uint32_t translate(std::uint32_t old_id, bool upper) const noexcept {
        return (upper ? slots_ : numbers_)[old_id];
    }
    [[nodiscard]] RowId row_of(std::uint32_t id, bool upper) const noexcept {
        return upper ? store_.upper_row(id) : RowId{id};
    }

    /// Fills worker.ids with new ids: what the list holds, then what lies behind gone ones.
    Gathered gather(std::uint32_t old_id, bool upper, HnswWorker& worker) const noexcept {
        std::array<std::uint32_t, most_gone> gone;
        std::size_t gone_count = 0;
        Gathered found;
        VisitedSet& visited = worker.search.visited;
        visited.mark(old_id);
        const auto look = [&](std::uint32_t from, bool own) {
            const std::uint32_t* list = upper ? old_.upper_list(from) : old_.list(RowId{from});
            for (std::size_t i = 0; i < (upper ? old_.m : old_.degree); ++i) {
                // Relaxed: this thread's caller is the only writer.
                const std::uint32_t id = __atomic_load_n(list + i, __ATOMIC_RELAXED);
                if (id == to_index(no_row)) break;
                // Lists of a mapped graph may have gone bad on the disk since they were checked.
                if (id >= (upper ? old_.slot_limit : old_.row_limit) || !visited.mark(id)) continue;
                const std::uint32_t now = translate(id, upper);
                if (now == to_index(no_row)) {
                    if (gone_count < most_gone) gone[gone_count++] = id;
                } else if (found.total < most_candidates + 2 * max_m &&
                           (own || !is_deleted(build_.deleted, to_index(row_of(now, upper))))) {
                    worker.ids[found.total++] = now;
                }
            }
        };
        look(old_id, true);
        found.kept = found.total;
        found.touched = gone_count != 0;
        for (std::size_t next = 0; next < gone_count && found.total < most_candidates; ++next) look(gone[next], false);
        visited.clear();
        return found;
    }

    void heal(std::uint32_t old_id, bool upper, HnswWorker& worker, std::uint32_t* gained) const noexcept {
        const Gathered found = gather(old_id, upper, worker);
        const std::uint32_t target = translate(old_id, upper);
        std::uint32_t* const ids = worker.ids.data();
        if (!found.touched) return write(target, upper, {ids, found.kept});
        std::array<std::uint32_t, 2 * max_m> held;
        std::copy(ids, ids + found.kept, held.begin());
        const RowId row = row_of(target, upper);
        for (std::size_t i = 0; i < found.total; ++i) worker.rows[i] = row_of(ids[i], upper);
        worker.scorer.bind(row);
        worker.scorer.score({worker.rows.data(), found.total}, worker.distances);
        worker.candidates.clear();
        for (std::size_t i = 0; i < found.total; ++i) {
            const bool tree = !upper && tree_.parent(worker.rows[i]) == row;
            worker.candidates.push_back({worker.distances[i], worker.rows[i], ids[i], tree});
        }
        std::sort(worker.candidates.begin(), worker.candidates.end());
        SelectRule rule = upper ? upper_rule(store_.params()) : overflow_rule(store_.params());
        rule.fill_limit = std::max(rule.fill_limit, std::min(rule.limit, found.kept + 1));  // no poorer than it was
        const std::size_t chosen =
            select_links(worker.candidates, rule, worker.scorer, worker.select, worker.counters.scored);
        for (std::size_t i = 0; i < chosen; ++i) {
            ids[i] = worker.candidates[i].id;
            const auto end = held.begin() + static_cast<std::ptrdiff_t>(found.kept);
            if (std::find(held.begin(), end, ids[i]) == end) *gained++ = ids[i];
        }
        write(target, upper, {ids, chosen});
    }

    void write(std::uint32_t target, bool upper, std::span<const std::uint32_t> ids) const noexcept {
        if (upper) {
            store_.write_upper(target, ids);
        } else {
            store_.write(RowId{target}, ids);
        }
    }

    const GraphView old_;
    std::span<const std::uint32_t> numbers_;
    std::span<const std::uint32_t> slots_;
    LinkStore& store_;
    const SpanningTree& tree_;
    const HnswBuild& build_;
    WorkerPool workers_;
    LinkRequests requests_;
    PagedVector<std::uint32_t> gained_;
};

/// The first slot of the highest level whose row stays and is alive; else the first such row; else none.
GraphEntry choose_entry(const GraphView& old, std::span<const std::uint32_t> numbers,
                        std::span<const std::uint32_t> slots, BitmapView deleted) {
    GraphEntry best;
    std::int32_t level = 0;
    for (std::uint32_t slot = 0; slot < old.slot_limit; ++slot) {
        const bool continued = slot > 0 && old.upper_rows[slot] == old.upper_rows[slot - 1];
        level = continued ? level + 1 : 1;
        if (slots[slot] == no_slot || is_deleted(deleted, numbers[old.upper_rows[slot]])) continue;
        if (level > best.level) best = {slots[slot], level};
    }
    for (std::uint32_t row = 0; row < old.row_limit && best.level < 0; ++row) {
        if (numbers[row] != to_index(no_row) && !is_deleted(deleted, numbers[row])) best = {numbers[row], 0};
    }
    return best;
}

/// Live rows (or their slots) whose list holds something that is gone. Deleted rows that were not repaired yet keep their
/// lists: a walk goes on through the gone rows in them, whose own lists stay.
PagedVector<std::uint32_t> find_touched(const GraphView& graph, std::span<const std::uint32_t> translation, bool upper,
                                        const HnswBuild& build) {
    const std::size_t count = upper ? graph.slot_limit : graph.row_limit;
    const std::size_t length = upper ? graph.m : graph.degree;
    PagedVector<std::uint8_t> touched(count, 0);
    parallel_for(*build.executor, count, 4096, [&](std::size_t /*worker*/, std::size_t begin, std::size_t end) {
        if (build.stop.stop_requested()) return;  // the caller looks, too
        for (std::size_t id = begin; id < end; ++id) {
            const std::uint32_t row = upper ? graph.upper_rows[id] : static_cast<std::uint32_t>(id);
            if (translation[id] == to_index(no_row) || is_deleted(build.deleted, row)) continue;
            const std::uint32_t* list = (upper ? graph.upper_links : graph.level0) + id * length;
            for (std::size_t i = 0; i < length; ++i) {
                // Relaxed: this thread's caller is the only writer.
                const std::uint32_t neighbor = __atomic_load_n(list + i, __ATOMIC_RELAXED);
                if (neighbor == to_index(no_row)) break;
                if (translation[neighbor] == to_index(no_row)) touched[id] = 1;
            }
        }
    });
    PagedVector<std::uint32_t> ids;
    for (std::size_t id = 0; id < count; ++id) {
        if (touched[id] != 0) ids.push_back(static_cast<std::uint32_t>(id));
    }
    return ids;
}

}  // namespace

Result<void> repair_rows(LinkStore& store, SpanningTree& tree, std::span<const RowId> erased, const HnswBuild& build) {
    const GraphView graph = store.view();
    PagedVector<std::uint32_t> numbers(graph.row_limit);
    std::iota(numbers.begin(), numbers.end(), 0U);
    bool any = false;
    for (const RowId row : erased) {
        if (to_index(row) >= graph.row_limit) continue;  // not linked yet: linking will find it deleted
        numbers[to_index(row)] = to_index(no_row);
        any = true;
    }
    if (!any || graph.entry.level < 0) return {};
    PagedVector<std::uint32_t> slots(graph.slot_limit);
    for (std::uint32_t slot = 0; slot < graph.slot_limit; ++slot) {
        slots[slot] = numbers[graph.upper_rows[slot]] == to_index(no_row) ? no_slot : slot;
    }
    const auto rows_touched = find_touched(graph, numbers, false, build);
    const auto slots_touched = find_touched(graph, slots, true, build);
    Healer healer(graph, numbers, slots, store, tree, build);
    if (build.stop.stop_requested()) {
        return Error{ErrorCode::cancelled, format_text("repair of {} rows was stopped before it began", erased.size())};
    }
    // A new entry first: from then on no search begins at a row that goes. Where nobody is left the old one stays.
    const std::uint32_t entry_row = to_index(graph.entry_row());
    if (numbers[entry_row] == to_index(no_row)) {
        const GraphEntry entry = choose_entry(graph, numbers, slots, build.deleted);
        if (entry.level >= 0) store.publish(graph.row_limit, graph.slot_limit, entry);
    }
    const bool healed = healer.heal_all(rows_touched, false) && healer.heal_all(slots_touched, true);
    // Also after a stop: searches go on in this graph, and every live row is to be reachable.
    const bool finished = healer.finish(tree, {});
    if (!healed || !finished)
        return Error{ErrorCode::cancelled, format_text("repair of {} rows was stopped", erased.size())};
    return {};
}

namespace {

/// New numbers of the slots whose rows stay, and those slots in order. A row whose levels find no room any more stays on
/// level 0: levels are drawn from ids, and a caller may have chosen ids that all have high ones.
struct KeptSlots {
    std::vector<std::uint32_t> numbers;
    std::vector<std::uint32_t> slots;

    KeptSlots(const GraphView& old, std::span<const std::uint32_t> new_row_of_old, std::uint32_t room)
        : numbers(old.slot_limit, no_slot) {
        std::uint32_t end = 0;
        for (std::uint32_t first = 0; first < old.slot_limit; first = end) {
            const std::uint32_t row = old.upper_rows[first];
            for (end = first + 1; end < old.slot_limit && old.upper_rows[end] == row;) ++end;
            if (new_row_of_old[row] == to_index(no_row) || slots.size() + (end - first) > room) continue;
            for (std::uint32_t slot = first; slot < end; ++slot) {
                numbers[slot] = static_cast<std::uint32_t>(slots.size());
                slots.push_back(slot);
            }
        }
    }
};

}  // namespace

Result<void> copy_rows(const GraphView& old, std::span<const std::uint32_t> new_row_of_old, std::uint32_t kept_rows,
                       LinkStore& store, SpanningTree& tree, const HnswBuild& build) {
    const KeptSlots kept_slots(old, new_row_of_old, store.max_slots());
    const auto slot_count = static_cast<std::uint32_t>(kept_slots.slots.size());
    SEXTANT_TRY(store.ensure(kept_rows, slot_count));
    SEXTANT_TRY(tree.ensure(kept_rows));
    PagedVector<std::uint32_t> kept;
    kept.reserve(kept_rows);
    for (std::uint32_t row = 0; row < old.row_limit; ++row) {
        if (new_row_of_old[row] != to_index(no_row)) kept.push_back(row);
    }
    for (std::uint32_t slot = 0; slot < slot_count; ++slot) {
        store.set_upper_row(slot, RowId{new_row_of_old[old.upper_rows[kept_slots.slots[slot]]]});
    }
    Healer healer(old, new_row_of_old, kept_slots.numbers, store, tree, build);
    if (!healer.heal_all(kept, false) || !healer.heal_all(kept_slots.slots, true)) {
        return Error{ErrorCode::cancelled, "copying the graph was stopped"};
    }
    store.publish(kept_rows, slot_count, choose_entry(old, new_row_of_old, kept_slots.numbers, build.deleted));
    if (!healer.finish(tree, build.stop)) return Error{ErrorCode::cancelled, "copying the graph was stopped"};
    return {};
}

}  // namespace sextant::inline v1::detail
