/// IdOrder: the first rows of a segment in the order of their ids, so that a page of a scroll costs as much as the page.
/// IdOrderCache: makes one when it is first asked for, and again when too many rows have come since.
/// Threads: IdOrder: immutable. IdOrderCache: thread-safe; two that ask at once may both build, one result is kept.
/// Lifetime: an order holds row numbers only; ids stay in their column.
/// Cost: 4 bytes a row from the first scroll on, and a sort (0.15 s for a million rows). Why not kept from the start:
/// most collections are never scrolled, and search needs no order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "sextant/core/arena.hpp"
#include "sextant/core/memory_account.hpp"
#include "sextant/core/mutex.hpp"
#include "sextant/core/result.hpp"
#include "sextant/segment/id_column.hpp"

namespace sextant::inline v1 {

class IdOrder {
public:
    [[nodiscard]] static Result<std::shared_ptr<const IdOrder>> build(const IdView& ids, std::uint32_t row_count,
                                                                      MemoryAccount& account);
    /// Rows [0, size()) in ascending order of ids; rows with equal ids in ascending order of rows.
    [[nodiscard]] std::span<const std::uint32_t> rows() const noexcept { return {rows_.data(), size_}; }
    [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(size_); }
    /// Position of the first row whose id is greater than `id`.
    [[nodiscard]] std::size_t after(const IdView& ids, const PointId& id) const noexcept;
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return rows_.arena().committed(); }

private:
    Column<std::uint32_t> rows_;
    std::size_t size_ = 0;
};

class IdOrderCache {
public:
    explicit IdOrderCache(MemoryAccount& account) noexcept : account_(&account) {}
    /// An order that covers all of [0, row_count) but a few; it may cover more. Null where there are only a few rows, or
    /// no memory: then the rows themselves have to be looked at.
    [[nodiscard]] std::shared_ptr<const IdOrder> get(const IdView& ids, std::uint32_t row_count) const;
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

private:
    MemoryAccount* account_;
    mutable Mutex mutex_{LockRank::leaf};
    mutable std::shared_ptr<const IdOrder> order_ SEXTANT_GUARDED_BY(mutex_);
};

}  // namespace sextant::inline v1
