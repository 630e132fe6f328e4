/// LinkStore: the adjacency of a graph as flat arrays, and the publication of what of them may be read.
///
///     level 0          2·m rows per row, padded with no_row:      row r at  level0 + r · 2·m
///     upper levels     m slots per slot:                          slot s at upper_links + s · m
///                      the row behind a slot:                     upper_rows[s]
///
/// A row whose highest level is L > 0 has L consecutive slots, for level 1, 2 … L. So the slot one level below s is
/// s - 1, and below the first one lies level 0 at upper_rows[s].
///
/// Invariants: (1) lists never move; (2) ids in published lists are below what is published, or no_row behind the last;
/// (3) an upper list of level l holds slots of level l.
/// Threads: one writer beside readers. Ids are read and written with relaxed atomics: a reader may see a list half old,
/// half new, and each id in it is valid by (2), or is passed over because it is not below the limits of its GraphView.
/// Publication: publish() stores rows, then slots, then the entry, each with release; view() loads them in the opposite
/// order with acquire. So whoever sees an entry sees limits that cover it, and rows behind all slots it may follow.
/// Why slots: a table from row to upper list would cost 4 bytes for every row; slots cost 4 + 4·m bytes for 1 in m rows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sextant/core/arena.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/row_id.hpp"
#include "sextant/index/hnsw/hnsw_params.hpp"

namespace sextant::inline v1::detail {

inline constexpr std::uint32_t no_slot = 0xFFFFFFFFU;
/// As many as a row has upper levels at most (level_sampler.hpp).
inline constexpr std::uint32_t max_slots_per_row = 15;

/// Where searches begin: a slot of the highest level, or a row where no row has an upper level.
struct GraphEntry {
    std::uint32_t id = no_slot;
    std::int32_t level = -1;  ///< -1: the graph is empty
};

/// What a search may read: the arrays and how far they go. Taken once, at its start.
struct GraphView {
    const std::uint32_t* level0 = nullptr;
    const std::uint32_t* upper_rows = nullptr;
    const std::uint32_t* upper_links = nullptr;
    std::uint32_t m = 0;
    std::uint32_t degree = 0;  ///< of level 0: 2·m
    std::uint32_t row_limit = 0;
    std::uint32_t slot_limit = 0;
    GraphEntry entry;

    [[nodiscard]] const std::uint32_t* list(RowId row) const noexcept {
        return level0 + std::size_t{to_index(row)} * degree;
    }
    [[nodiscard]] const std::uint32_t* upper_list(std::uint32_t slot) const noexcept {
        return upper_links + std::size_t{slot} * m;
    }
    [[nodiscard]] RowId entry_row() const noexcept {
        return entry.level > 0 ? RowId{upper_rows[entry.id]} : RowId{entry.id};
    }
};

class LinkStore {
public:
    LinkStore() = default;
    [[nodiscard]] static Result<LinkStore> reserve(const HnswParams& params, std::uint32_t max_rows,
                                                   MemoryAccount& account);
    LinkStore(LinkStore&& other) noexcept;
    LinkStore& operator=(LinkStore&& other) noexcept;
    ~LinkStore() = default;

    [[nodiscard]] const HnswParams& params() const noexcept { return params_; }
    [[nodiscard]] std::uint32_t degree() const noexcept { return 2 * params_.m; }
    [[nodiscard]] std::uint32_t max_rows() const noexcept { return max_rows_; }
    [[nodiscard]] std::uint32_t max_slots() const noexcept { return max_slots_; }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

    [[nodiscard]] std::uint32_t rows() const noexcept { return rows_.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint32_t slots() const noexcept { return slots_.load(std::memory_order_acquire); }
    [[nodiscard]] GraphView view() const noexcept;
    [[nodiscard]] GraphEntry entry() const noexcept;

    // --- The writer's side.

    /// Memory for rows [0, rows) and slots [0, slots); nothing changed when it fails.
    [[nodiscard]] Result<void> ensure(std::uint32_t rows, std::uint32_t slots);
    /// REQUIRES: slot is ensured and not published.
    void set_upper_row(std::uint32_t slot, RowId row) noexcept { upper_rows_[slot] = to_index(row); }
    [[nodiscard]] RowId upper_row(std::uint32_t slot) const noexcept { return RowId{upper_rows_[slot]}; }
    /// Ids of a list, up to its first no_row. Returns how many were written to `out` (2·m or m at most).
    [[nodiscard]] std::size_t read(RowId row, std::uint32_t* out) const noexcept;
    [[nodiscard]] std::size_t read_upper(std::uint32_t slot, std::uint32_t* out) const noexcept;
    /// Replaces a list and pads it. REQUIRES: ids.size() ≤ 2·m or m, ids are unique.
    void write(RowId row, std::span<const std::uint32_t> ids) noexcept;
    void write_upper(std::uint32_t slot, std::span<const std::uint32_t> ids) noexcept;
    void publish(std::uint32_t rows, std::uint32_t slots, GraphEntry entry) noexcept;

    /// Gives back what lies behind the published rows and slots, and packs the upper levels into one section
    /// (docs/format/graph.md). REQUIRES: no search runs, and nothing is written afterwards.
    [[nodiscard]] Result<void> seal(MemoryAccount& account);
    /// A sealed store with room for the sections of one that was written out; load() once they are filled.
    [[nodiscard]] static Result<LinkStore> for_sections(const HnswParams& params, std::uint32_t rows,
                                                        std::size_t upper_size, MemoryAccount& account);
    /// The same, with lists of level 0 that lie elsewhere, for as long as `owner` lives. REQUIRES: 4-byte aligned; they
    /// have the size for so many rows.
    [[nodiscard]] static Result<LinkStore> for_mapped(const HnswParams& params, std::uint32_t rows,
                                                      std::span<const std::byte> level0,
                                                      std::shared_ptr<const void> owner, std::size_t upper_size,
                                                      MemoryAccount& account);
    /// Empty where they lie elsewhere.
    [[nodiscard]] std::span<std::byte> level0_room() const noexcept {
        return level0_.bytes(owner_ == nullptr ? std::size_t{max_rows_} * degree() : 0);
    }
    [[nodiscard]] std::span<std::byte> upper_room() const noexcept {
        return {upper_section_.base(), upper_section_size_};
    }
    /// Takes the sections as its own. corruption when header or sizes are not those of `params` and `rows`.
    [[nodiscard]] Result<void> load();
    [[nodiscard]] bool sealed() const noexcept { return sealed_; }
    [[nodiscard]] std::span<const std::byte> level0_section() const noexcept;
    [[nodiscard]] std::span<const std::byte> upper_section() const noexcept;

private:
    HnswParams params_;
    std::uint32_t max_rows_ = 0;
    std::uint32_t max_slots_ = 0;
    Column<std::uint32_t> level0_;
    std::shared_ptr<const void> owner_;     ///< of lists that are not in level0_
    const std::uint32_t* lists_ = nullptr;  ///< level 0
    Column<std::uint32_t> rows_column_;
    Column<std::uint32_t> links_column_;
    Arena upper_section_;  ///< after seal(): header, rows, links
    std::size_t upper_section_size_ = 0;
    std::uint32_t* upper_rows_ = nullptr;  ///< into rows_column_, or into upper_section_
    std::uint32_t* upper_links_ = nullptr;
    bool sealed_ = false;
    std::atomic<std::uint32_t> rows_{0};
    std::atomic<std::uint32_t> slots_{0};
    std::atomic<std::uint64_t> entry_{no_slot};  ///< id, and level + 1 in the upper half
};

/// The upper section's header, little-endian, and the size of the whole section (docs/format/graph.md).
inline constexpr std::size_t upper_header_size = 64;
inline constexpr std::uint32_t upper_section_version = 1;
[[nodiscard]] constexpr std::size_t upper_links_offset(std::size_t slots) noexcept {
    return upper_header_size + (slots * 4 + 63) / 64 * 64;
}
[[nodiscard]] constexpr std::size_t upper_section_size(std::size_t slots, std::size_t m) noexcept {
    return upper_links_offset(slots) + slots * m * 4;
}

}  // namespace sextant::inline v1::detail
