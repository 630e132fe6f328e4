#include "sextant/index/hnsw/hnsw_audit.hpp"

#include <algorithm>
#include <vector>

#include "core/format_text.hpp"
#include "sextant/index/hnsw/hnsw_update.hpp"

namespace sextant::inline v1::detail {
namespace {

Error damaged(const char* what, std::uint32_t id, const char* problem, std::uint32_t value) {
    return Error{ErrorCode::corruption, format_text("graph: the list of {} {} {} {}", what, id, problem, value)};
}

/// Checks one list and returns how many links it holds.
Result<std::size_t> check_list(const std::uint32_t* list, std::size_t length, std::uint32_t limit, std::uint32_t self,
                               const char* what) {
    std::uint32_t ids[2 * max_m];
    std::size_t count = 0;
    bool ended = false;
    for (std::size_t i = 0; i < length; ++i) {
        const std::uint32_t id = __atomic_load_n(list + i, __ATOMIC_RELAXED);  // searches may read beside us
        if (id == to_index(no_row)) {
            ended = true;
            continue;
        }
        if (ended) return damaged(what, self, "goes on after its end with", id);
        if (id >= limit) return damaged(what, self, "holds a number out of range:", id);
        if (id == self) return damaged(what, self, "holds itself at place", static_cast<std::uint32_t>(i));
        ids[count++] = id;
    }
    std::sort(ids, ids + count);
    const auto* twice = std::adjacent_find(ids, ids + count);
    if (twice != ids + count) return damaged(what, self, "holds twice", *twice);
    return count;
}

Result<void> check_upper(const GraphView& graph) {
    std::vector<std::uint8_t> levels(graph.slot_limit);
    std::vector<bool> named(graph.row_limit);
    for (std::uint32_t slot = 0; slot < graph.slot_limit; ++slot) {
        const std::uint32_t row = graph.upper_rows[slot];
        if (row >= graph.row_limit) return damaged("slot", slot, "belongs to a row out of range:", row);
        const bool continued = slot > 0 && row == graph.upper_rows[slot - 1];
        // Copying drops slots, and could bring two runs of one row together: as if they were its levels.
        if (!continued && named[row]) return damaged("slot", slot, "belongs to a row with slots elsewhere:", row);
        named[row] = true;
        levels[slot] = continued ? static_cast<std::uint8_t>(levels[slot - 1] + 1) : std::uint8_t{1};
        if (levels[slot] > max_slots_per_row) return damaged("slot", slot, "lies on a level too high:", levels[slot]);
    }
    for (std::uint32_t slot = 0; slot < graph.slot_limit; ++slot) {
        const std::uint32_t* list = graph.upper_list(slot);
        SEXTANT_TRY_ASSIGN(const std::size_t count, check_list(list, graph.m, graph.slot_limit, slot, "slot"));
        for (std::size_t i = 0; i < count; ++i) {
            if (levels[list[i]] != levels[slot]) return damaged("slot", slot, "holds one of another level:", list[i]);
        }
    }
    const GraphEntry entry = graph.entry;
    const bool bad = entry.level > 0 ? entry.id >= graph.slot_limit || levels[entry.id] != entry.level
                                     : entry.level == 0 && entry.id >= graph.row_limit;
    if (bad) return damaged("entry", entry.id, "is not on level", static_cast<std::uint32_t>(entry.level));
    return {};
}

/// Branch-free, as it looks at every link of a graph that is opened.
Result<void> check_range(const GraphView& graph) {
    for (std::uint32_t row = 0; row < graph.row_limit; ++row) {
        const std::uint32_t* const list = graph.list(RowId{row});
        std::uint32_t bad = 0;
        for (std::uint32_t i = 0; i < graph.degree; ++i) {
            bad |= static_cast<std::uint32_t>(list[i] >= graph.row_limit) &
                   static_cast<std::uint32_t>(list[i] != to_index(no_row));
        }
        if (bad == 0) continue;
        return Error{ErrorCode::corruption, format_text("graph: the list of row {} holds a number out of range", row)};
    }
    return {};
}

std::vector<std::uint8_t> walk(const GraphView& graph) {
    std::vector<std::uint8_t> met(graph.row_limit, 0);
    std::vector<std::uint32_t> queue;
    queue.push_back(to_index(graph.entry_row()));
    met[queue[0]] = 1;
    for (std::size_t next = 0; next < queue.size(); ++next) {
        const std::uint32_t* list = graph.list(RowId{queue[next]});
        for (std::uint32_t i = 0; i < graph.degree; ++i) {
            const std::uint32_t id = __atomic_load_n(list + i, __ATOMIC_RELAXED);
            if (id >= graph.row_limit) break;  // the end: check_list() has been here
            if (met[id] == 0) queue.push_back(id);
            met[id] = 1;
        }
    }
    return met;
}

}  // namespace

Result<void> check_graph(const GraphView& graph) {
    SEXTANT_TRY(check_range(graph));
    return check_upper(graph);
}

Result<HnswIndex::Audit> audit_graph(const GraphView& graph, BitmapView deleted) {
    HnswIndex::Audit audit;
    for (std::uint32_t row = 0; row < graph.row_limit; ++row) {
        SEXTANT_TRY_ASSIGN(const std::size_t count,
                           check_list(graph.list(RowId{row}), graph.degree, graph.row_limit, row, "row"));
        audit.level0_links += count;
    }
    SEXTANT_TRY(check_upper(graph));
    std::vector<std::uint8_t> met(graph.row_limit, 0);
    if (graph.entry.level >= 0) met = walk(graph);
    for (std::uint32_t row = 0; row < graph.row_limit; ++row) {
        if (is_deleted(deleted, row)) continue;
        ++audit.live_rows;
        if (met[row] != 0) {
            ++audit.reachable_live_rows;
        } else if (audit.first_unreachable == to_index(no_row)) {
            audit.first_unreachable = row;
        }
    }
    return audit;
}

}  // namespace sextant::inline v1::detail
