/// Tombstones: which rows of a segment are dead, as immutable sets that each version holds one of.
/// Invariants: (1) a TombstoneSet never changes while a version holds it; (2) sets only gain rows.
/// Threads: TombstoneSet: immutable. Tombstones: confined to the writer.
/// Lifetime: a set must go before the Tombstones it came from.
/// Cost: a set is a bitmap of the whole segment, yet making the next one costs as much as it adds: two or three bitmaps
/// take turns. The writer picks one that no version holds any more, replays what was added since it was last used, adds
/// the new rows and publishes it. Only when every bitmap is held is one more made, by copying; so a segment has as many
/// as there are versions pinned at once, plus two: commit() frees the rest.
/// Why not one bitmap with atomic bits: a search that began before an upsert would miss the old row, which just died,
/// and not see the new one, which lies past its row count. Why not a death date per row: 8 bytes a row and a compare per
/// scored row, where the index takes a bitmap. (The idea of two copies that take turns is "left-right", Ramalhete and
/// Correia 2015; here the writer never waits for readers, it takes another copy.)
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sextant/core/arena.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1 {

namespace detail {
struct TombstoneBits {
    Column<std::uint64_t> words;
    std::uint64_t applied = 0;  ///< position in the log up to which the bits are set
    bool stale = false;         ///< has bits of a set that was never published: copy before use
    std::atomic<bool> in_use{false};
};
}  // namespace detail

/// Covers every row the segment can ever have, so a row past a version's row count may be tested (it is not dead).
class TombstoneSet {
public:
    TombstoneSet(detail::TombstoneBits& bits, std::size_t bit_count, std::uint32_t count) noexcept
        : bits_(&bits), bit_count_(bit_count), count_(count) {}
    TombstoneSet(const TombstoneSet&) = delete;
    TombstoneSet& operator=(const TombstoneSet&) = delete;
    /// Release pairs with the acquire in Tombstones::prepare: the readers of this set are done.
    ~TombstoneSet() { bits_->in_use.store(false, std::memory_order_release); }

    [[nodiscard]] BitmapView view() const noexcept { return {bits_->words.data(), bit_count_}; }
    [[nodiscard]] bool test(std::uint32_t row) const noexcept { return view().test(row); }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

private:
    friend class Tombstones;
    detail::TombstoneBits* bits_;
    std::size_t bit_count_;
    std::uint32_t count_;
};

class Tombstones {
public:
    Tombstones(std::uint32_t max_rows, MemoryAccount& account) noexcept : max_rows_(max_rows), account_(&account) {}

    /// The set with `rows` added. Nothing changes until commit(). REQUIRES: the rows are alive and each named once; no
    /// other set is prepared.
    [[nodiscard]] Result<std::shared_ptr<const TombstoneSet>> prepare(std::span<const std::uint32_t> rows);
    /// Makes the prepared set the current one.
    void commit(const std::shared_ptr<const TombstoneSet>& prepared) noexcept;
    /// Forgets a prepared set.
    void abandon(const std::shared_ptr<const TombstoneSet>& prepared) noexcept;

    /// Null while no row is dead.
    [[nodiscard]] const std::shared_ptr<const TombstoneSet>& current() const noexcept { return current_; }
    [[nodiscard]] std::uint32_t count() const noexcept { return current_ == nullptr ? 0 : current_->count(); }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

private:
    [[nodiscard]] std::size_t word_count() const noexcept { return (std::size_t{max_rows_} + 63) / 64; }
    [[nodiscard]] Result<detail::TombstoneBits*> free_bits();
    void catch_up(detail::TombstoneBits& bits) noexcept;
    void trim() noexcept;

    std::uint32_t max_rows_;
    MemoryAccount* account_;
    std::vector<std::unique_ptr<detail::TombstoneBits>> bits_;
    std::vector<std::uint32_t> log_;  ///< rows in the order they died, from position log_begin_ on
    std::uint64_t log_begin_ = 0;
    std::size_t prepared_count_ = 0;  ///< rows at the end of log_ that are not committed
    std::shared_ptr<const TombstoneSet> current_;
};

}  // namespace sextant::inline v1
