// Exact answers to many queries: each block of rows is read from memory once for all of them.
#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include "segment/field_scan.hpp"
#include "sextant/quantizer/float_scorer.hpp"
#include "sextant/segment/field_search.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Rows of a block: 256 KiB of them, so that a block stays in the second-level cache while the queries pass over it.
std::size_t rows_per_block(std::size_t stride) noexcept {
    return std::clamp<std::size_t>((std::size_t{256} << 10U) / std::max<std::size_t>(stride, 1), 8, scan_chunk);
}

/// Queries of a tile: their vectors, 256 KiB at most, share the cache with the block.
std::size_t queries_per_tile(std::size_t dimension) noexcept {
    return std::clamp<std::size_t>((std::size_t{256} << 10U) / (dimension * sizeof(float)), 8, 64);
}

struct Tile {
    std::span<const FieldQuery> queries;
    std::span<Neighbor> out;  ///< count each
    std::span<std::size_t> found;
};

/// Whether nobody waits for an answer any more: one query that is stopped must not cut the others short.
bool stopped(std::span<const FieldQuery> queries) noexcept {
    return std::all_of(queries.begin(), queries.end(),
                       [](const FieldQuery& q) { return q.stop != nullptr && q.stop->stop_requested(); });
}

void search_tile(const FieldView& view, const Tile& tile, std::uint32_t row_count, FieldScratch& scratch) {
    const std::size_t count = tile.queries[0].count;
    const RowFilter& filter = tile.queries[0].filter;
    scratch.query.reset();
    const auto vectors = scratch.query.take<VectorView>(tile.queries.size());
    const auto tops = scratch.query.take<TopRows>(tile.queries.size());
    for (std::size_t q = 0; q < tile.queries.size(); ++q) {
        ::new (&vectors[q]) VectorView(tile.queries[q].vector);
        ::new (&tops[q]) TopRows(tile.out.subspan(q * count, count));
    }
    const FloatBatch batch = bind_float_batch(view.metric, vectors, view.raw, scratch.query);
    const std::size_t block = rows_per_block(view.raw.stride);
    const auto distances = scratch.query.take<float>(block * tile.queries.size());
    const auto survivors = scratch.query.take<std::uint32_t>(block);
    for (std::uint32_t first = 0; first < row_count && !stopped(tile.queries);) {
        const std::size_t rows = std::min<std::size_t>(block, row_count - first);
        batch.score(RowId{first}, rows, distances.data(), block);
        for (std::size_t q = 0; q < tile.queries.size(); ++q) {
            offer_chunk(distances.data() + q * block, rows, first, filter, survivors, tops[q]);
        }
        first += static_cast<std::uint32_t>(rows);
    }
    for (std::size_t q = 0; q < tile.queries.size(); ++q) {
        const auto sorted = tops[q].sorted();
        const auto end = std::upper_bound(sorted.begin(), sorted.end(), tile.queries[q].bound,
                                          [](float bound, const Neighbor& row) { return bound < row.distance; });
        tile.found[q] = static_cast<std::size_t>(end - sorted.begin());
    }
}

}  // namespace

bool search_field_batch(const FieldView& view, std::span<const FieldQuery> queries, std::uint32_t row_count,
                        FieldScratch& scratch, std::span<Neighbor> out, std::span<std::size_t> found) noexcept {
    std::fill(found.begin(), found.end(), std::size_t{0});
    if (queries.empty() || queries[0].count == 0 || row_count == 0) return true;
    const std::size_t count = queries[0].count;
    const std::size_t step = queries_per_tile(queries[0].vector.size());
    const RowFilter& filter = queries[0].filter;
    // Few admitted rows: reading just those for each query is less work than all rows for all queries.
    const bool sparse = !filter.admits_all() && queries[0].admitted_count * 16 < row_count;
    bool whole = true;
    try {
        for (std::size_t first = 0; first < queries.size(); first += sparse ? 1 : step) {
            if (sparse) {
                FieldQuery query = queries[first];
                query.exact = true;
                const auto answer = search_field(view, query, row_count, scratch, out.subspan(first * count, count));
                found[first] = answer.found;
                // Who asked it to stop knows; what else stops a search is a lack of memory.
                const bool asked = query.stop != nullptr && query.stop->stop_requested();
                whole = whole && (asked || !answer.counters.stopped);
                continue;
            }
            const std::size_t size = std::min(step, queries.size() - first);
            search_tile(
                view,
                {queries.subspan(first, size), out.subspan(first * count, size * count), found.subspan(first, size)},
                row_count, scratch);
        }
    } catch (const std::bad_alloc&) {
        std::fill(found.begin(), found.end(), std::size_t{0});  // no memory for the scratch: no answers, not wrong ones
        return false;
    }
    return whole;
}

}  // namespace sextant::inline v1::detail
