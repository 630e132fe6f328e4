/// IdMap, IdTable: which row holds a point id, as a hash table of row numbers. Keys are not stored: they are compared in
/// the ids column.
/// Invariants: (1) one slot per distinct id, which names the newest row that was inserted with it; (2) a slot, once
/// taken, stays taken; (3) a table at most 4/5 full, so that every search ends.
/// Threads: find() is safe beside one writer: a slot is one word, written with release after the id's bytes.
/// Lifetime: readers keep the table they found in their version; growing makes a new table and leaves the old as it was.
/// Cost: a slot is 4 bytes at a load of 0.60 to 0.80, 5.0 to 6.7 bytes a row; a sealed table has a load of 0.75, 5.3
/// bytes. The bits a row number does not need hold a tag from the hash (13 bits at 2^18 rows, 8 at 10 million), so a
/// lookup reads the ids column about once, not once per probe.
/// Why one map per segment: a map of (segment, row) for the whole collection needs 8-byte slots and a rewrite of every
/// slot when a segment is merged; a segment's own map is a function of its ids column, so a file need not hold it. There
/// are few segments (at most four sealed ones in a steady state), each costs a lookup one cache miss.
/// Why no erase: which row is alive is the tombstones' business; a row's slot goes when the segment is rebuilt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sextant/core/arena.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/point_id.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/row_id.hpp"
#include "sextant/segment/id_column.hpp"

namespace sextant::inline v1 {

/// The slots. Shape fixed; slots change in place.
class IdTable {
public:
    /// Room for `id_count` distinct ids at a load of `id_count / slot_count`. Rows are < max_rows.
    [[nodiscard]] static Result<std::shared_ptr<IdTable>> create(std::size_t slot_count, std::uint32_t max_rows,
                                                                 MemoryAccount& account);

    /// The newest row with this id, or no_row. It may lie past the rows the caller's version has: see SegmentState::find.
    [[nodiscard]] RowId find(const IdView& ids, const PointId& id, std::uint64_t hash) const noexcept;
    /// Puts `row` under its id, in place of an older row with the same id; says which one that was, or no_row.
    /// REQUIRES: a free slot; ids[row] is written.
    RowId insert(const IdView& ids, std::uint32_t row, const PointId& id, std::uint64_t hash) noexcept;
    /// Takes over every row of `other`. REQUIRES: this table is empty and large enough.
    void take_over(const IdTable& other, const IdView& ids) noexcept;

    [[nodiscard]] std::size_t slot_count() const noexcept { return slot_count_; }
    /// The slots as they would lie in a file (docs/format/sections.md). REQUIRES: nothing is inserted any more.
    [[nodiscard]] std::span<const std::byte> section() const noexcept {
        return {reinterpret_cast<const std::byte*>(slots_.data()), slot_count_ * sizeof(std::uint32_t)};
    }
    /// The same, to be read into from a file; then check() before anything is looked up.
    [[nodiscard]] std::span<std::byte> writable_section() const noexcept { return slots_.bytes(slot_count_); }
    /// That slots name rows below row_count and as many as there are rows, so that every search ends, and that the id of
    /// each row leads to that row. corruption says which slot or row does not. Cost: a lookup for each row.
    [[nodiscard]] Result<void> check(const IdView& ids, std::uint32_t row_count) const;
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return slots_.arena().committed(); }

private:
    static constexpr std::uint32_t empty = 0xFFFFFFFFU;

    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept;
    [[nodiscard]] std::uint32_t tag(std::uint64_t hash) const noexcept {
        return static_cast<std::uint32_t>(hash << row_bits_) & ~row_mask_;
    }
    [[nodiscard]] std::uint32_t load(std::size_t slot) const noexcept {
        // Acquire pairs with the release in store(): the id of the row that is found is written.
        return __atomic_load_n(&slots_[slot], __ATOMIC_ACQUIRE);
    }
    void store(std::size_t slot, std::uint32_t value) noexcept {
        __atomic_store_n(&slots_[slot], value, __ATOMIC_RELEASE);
    }

    Column<std::uint32_t> slots_;
    std::size_t slot_count_ = 0;
    std::uint32_t row_bits_ = 0;
    std::uint32_t row_mask_ = 0;
};

/// The writer's side of a growing segment's table.
class IdMap {
public:
    IdMap() = default;
    [[nodiscard]] static Result<IdMap> create(std::uint32_t max_rows, MemoryAccount& account);

    /// Room for `added` more inserts. A failure changes nothing.
    [[nodiscard]] Result<void> reserve(std::size_t added, const IdView& ids);
    /// As IdTable::insert. REQUIRES: reserve() made room.
    RowId insert(const IdView& ids, std::uint32_t row, const PointId& id, std::uint64_t hash) noexcept;
    [[nodiscard]] const std::shared_ptr<IdTable>& table() const noexcept { return table_; }
    [[nodiscard]] std::size_t id_count() const noexcept { return id_count_; }

private:
    std::shared_ptr<IdTable> table_;
    std::size_t id_count_ = 0;
    std::uint32_t max_rows_ = 0;
    MemoryAccount* account_ = nullptr;
};

/// Slots of a table that will not grow: a load of 3/4.
[[nodiscard]] constexpr std::size_t sealed_slot_count(std::size_t id_count) noexcept {
    return id_count + id_count / 3 + 1;
}

}  // namespace sextant::inline v1
