/// HnswIndex: a navigable small-world graph over row numbers (Malkov & Yashunin 2016, heuristic of Alg. 4).
/// Invariants: (1) level-0 lists are fixed arrays of 2·m rows, 64-byte aligned, padded with no_row; (2) every row in a list
/// is < linked(); (3) lists of rows never move; (4) after link() every live row is reachable from the entry.
/// Threads: search() and the readers are safe beside one linker; link(), repair() and finish() need one caller at a time,
/// and while finish() runs nobody may search.
/// Lifetime: the account outlives the index.
/// Why batches: rows are linked in batches whose boundaries depend on row numbers alone; a batch searches the graph as it
/// stood before it, in parallel, then each changed list is written by exactly one worker. So no list needs a lock and
/// the bytes do not depend on the number of threads (the scheme of ParlayANN, Manohar et al. 2024).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>

#include "sextant/concepts/index.hpp"
#include "sextant/core/executor.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"
#include "sextant/index/hnsw/hnsw_params.hpp"
#include "sextant/index/hnsw/hnsw_scratch.hpp"

namespace sextant::inline v1 {

/// The graph as plain arrays, exactly as a file would hold them (docs/format/graph.md). `upper` is empty before finish():
/// only then do the upper levels lie in one piece.
struct HnswSections {
    std::span<const std::byte> level0;  ///< linked × 2·m × u32
    std::span<const std::byte> upper;   ///< header with entry and levels, then the upper lists
};

struct HnswBuild {
    PairScorerFactory scorers;                  ///< distances between rows
    FunctionRef<std::uint64_t(RowId)> row_key;  ///< what levels are drawn from: a hash of the point's id
    BitmapView deleted;                         ///< rows that need not be reachable and should not be linked to
    Executor* executor = nullptr;               ///< REQUIRED
    std::stop_token stop = {};
    /// Null, or what finish() tells how many rows it has refined; from the thread that called it.
    const FunctionRef<void(std::uint32_t)>* refined = nullptr;
};

class HnswIndex {
public:
    using Scratch = HnswScratch;

    /// Reserves addresses for max_rows; memory is taken as rows are linked.
    [[nodiscard]] static Result<HnswIndex> create(const HnswParams& params, std::uint32_t max_rows,
                                                  MemoryAccount& account);
    HnswIndex(HnswIndex&&) noexcept;
    HnswIndex& operator=(HnswIndex&&) noexcept;
    ~HnswIndex();

    /// A growing graph from an older one, whose row r is now called new_row_of_old[r], or no_row's number where it is
    /// dropped: lists are carried over, and healed around what was dropped. The numbers that are kept must be 0 ..
    /// kept_rows - 1 in order. Levels stay. `build` speaks of the new rows. invalid_argument where the numbers are not such.
    [[nodiscard]] static Result<HnswIndex> from_rows(const HnswIndex& old,
                                                     std::span<const std::uint32_t> new_row_of_old,
                                                     std::uint32_t kept_rows, std::uint32_t max_rows,
                                                     MemoryAccount& account, const HnswBuild& build);

    /// A finished graph of `rows` rows as sections() gave it: `fill` puts the two sections where they go, and fails as it
    /// likes. corruption when they are not those of a graph with these parameters and so many rows. Levels, links and
    /// entry are checked as far as searching needs; audit() checks the rest.
    [[nodiscard]] static Result<HnswIndex> load(
        const HnswParams& params, std::uint32_t rows, std::uint64_t upper_size, MemoryAccount& account,
        FunctionRef<Result<void>(std::span<std::byte> level0, std::span<std::byte> upper)> fill);
    /// The same, with the first section left where it lies, for as long as `owner` lives. The bytes may change later (a
    /// disk that goes bad): searches then find less, and touch nothing else.
    [[nodiscard]] static Result<HnswIndex> map(const HnswParams& params, std::uint32_t rows,
                                               std::span<const std::byte> level0, std::span<const std::byte> upper,
                                               std::shared_ptr<const void> owner, MemoryAccount& account);

    /// Links rows [linked(), row_count) into the graph. Full batches only, unless `flush`: then all of them, so that
    /// linked() == row_count. cancelled / resource_exhausted: the graph holds a whole number of batches and is consistent.
    [[nodiscard]] Result<void> link(std::uint32_t row_count, bool flush, const HnswBuild& build);

    /// Heals lists around erased rows: neighbours that link to one get its live neighbours as candidates instead. Afterwards
    /// no live row links to them. Costs a scan of all lists, so erased rows should come in batches. Rows not linked yet
    /// are passed over.
    [[nodiscard]] Result<void> repair(std::span<const RowId> erased, const HnswBuild& build);

    /// Before sealing: makes every live row reachable, fills lists to 2·m with useful links, shrinks memory to size.
    /// Afterwards the graph cannot be changed: link() and repair() say read_only. REQUIRES: no search runs.
    [[nodiscard]] Result<void> finish(const HnswBuild& build);

    [[nodiscard]] std::size_t search(const RowScorer& scorer, const RowFilter& filter, const SearchParams& params,
                                     HnswScratch& scratch, std::span<Neighbor> out,
                                     SearchCounters& counters) const noexcept;

    /// Rows a search can meet; acquire: pairs with the release at the end of each batch.
    [[nodiscard]] std::uint32_t linked() const noexcept;
    [[nodiscard]] const HnswParams& params() const noexcept;
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;
    [[nodiscard]] HnswSections sections() const noexcept;

    struct Audit {
        std::uint32_t live_rows = 0;
        std::uint32_t reachable_live_rows = 0;  ///< by walking level 0 from the entry
        std::uint64_t level0_links = 0;
        std::uint32_t first_unreachable = 0xFFFFFFFFU;
    };
    /// Checks every list (range, duplicates, self links, padding) and walks the graph. corruption names the row.
    [[nodiscard]] Result<Audit> audit(BitmapView deleted) const;

    /// Bytes that `rows` rows take when finished, in expectation over levels.
    [[nodiscard]] static std::uint64_t estimate_bytes(std::uint64_t rows, const HnswParams& params) noexcept;

private:
    struct Impl;
    explicit HnswIndex(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sextant::inline v1
