#include "sextant/segment/id_map.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/format_text.hpp"
#include "sextant/core/assert.hpp"
#include "sextant/core/random.hpp"

namespace sextant::inline v1 {

Result<std::shared_ptr<IdTable>> IdTable::create(std::size_t slot_count, std::uint32_t max_rows,
                                                 MemoryAccount& account) {
    auto table = std::make_shared<IdTable>();
    SEXTANT_TRY_ASSIGN(table->slots_, Column<std::uint32_t>::exact(slot_count, account, "id map"));
    std::memset(table->slots_.data(), 0xFF, slot_count * sizeof(std::uint32_t));
    table->slot_count_ = slot_count;
    // One more bit pattern than rows, so that no row with any tag looks like an empty slot.
    table->row_bits_ = static_cast<std::uint32_t>(std::bit_width(max_rows));
    table->row_mask_ = static_cast<std::uint32_t>((std::uint64_t{1} << table->row_bits_) - 1);
    return table;
}

std::size_t IdTable::home(std::uint64_t hash) const noexcept {
    // Multiply-shift instead of a power of two: the table may have any size. It reads the hash's high bits, the tag its
    // low ones.
    return static_cast<std::size_t>((static_cast<detail_u128>(hash) * slot_count_) >> 64U);
}

RowId IdTable::find(const IdView& ids, const PointId& id, std::uint64_t hash) const noexcept {
    if (slot_count_ == 0) return no_row;
    const std::uint32_t wanted = tag(hash);
    for (std::size_t slot = home(hash);; slot = slot + 1 == slot_count_ ? 0 : slot + 1) {
        const std::uint32_t entry = load(slot);
        if (entry == empty) return no_row;
        if ((entry & ~row_mask_) == wanted && ids.equals(entry & row_mask_, id)) return RowId{entry & row_mask_};
    }
}

RowId IdTable::insert(const IdView& ids, std::uint32_t row, const PointId& id, std::uint64_t hash) noexcept {
    SEXTANT_ASSERT((row & ~row_mask_) == 0);
    const std::uint32_t wanted = tag(hash);
    for (std::size_t slot = home(hash);; slot = slot + 1 == slot_count_ ? 0 : slot + 1) {
        const std::uint32_t entry = load(slot);
        if (entry == empty) {
            store(slot, wanted | row);
            return no_row;
        }
        if ((entry & ~row_mask_) == wanted && ids.equals(entry & row_mask_, id)) {
            store(slot, wanted | row);
            return RowId{entry & row_mask_};
        }
    }
}

Result<void> IdTable::check(const IdView& ids, std::uint32_t row_count) const {
    std::uint32_t taken = 0;
    for (std::size_t slot = 0; slot < slot_count_; ++slot) {
        const std::uint32_t entry = load(slot);
        if (entry == empty) continue;
        const std::uint32_t row = entry & row_mask_;
        if (row >= row_count) {
            return Error{ErrorCode::corruption,
                         format_text("id map: slot {} names row {} of {}", slot, row, row_count)};
        }
        ++taken;
    }
    if (taken != row_count || taken >= slot_count_) {
        return Error{ErrorCode::corruption,
                     format_text("id map: {} of {} slots are taken, expected {}", taken, slot_count_, row_count)};
    }
    // From here on a search ends and stays inside. Each row found under its own id: no row is missing, none is there
    // twice, and no two rows have one id.
    for (std::uint32_t row = 0; row < row_count; ++row) {
        const PointId id = ids[row];
        if (find(ids, id, id.hash()) == RowId{row}) continue;
        return Error{ErrorCode::corruption, format_text("id map: the id of row {} does not lead to it", row)};
    }
    return {};
}

void IdTable::take_over(const IdTable& other, const IdView& ids) noexcept {
    for (std::size_t from = 0; from < other.slot_count_; ++from) {
        const std::uint32_t entry = other.load(from);
        if (entry == empty) continue;
        const std::uint32_t row = entry & other.row_mask_;
        const std::uint64_t hash = ids[row].hash();
        std::size_t slot = home(hash);
        while (load(slot) != empty) slot = slot + 1 == slot_count_ ? 0 : slot + 1;
        store(slot, tag(hash) | row);
    }
}

Result<IdMap> IdMap::create(std::uint32_t max_rows, MemoryAccount& account) {
    IdMap map;
    map.max_rows_ = max_rows;
    map.account_ = &account;
    // One page: what the smallest allocation takes anyway.
    SEXTANT_TRY_ASSIGN(map.table_, IdTable::create(1024, max_rows, account));
    return map;
}

Result<void> IdMap::reserve(std::size_t added, const IdView& ids) {
    const std::size_t wanted = id_count_ + added;
    if (wanted * 5 <= table_->slot_count() * 4) return {};
    // By a third: from a load of 0.80 to 0.60. Each row is moved about three times in all.
    const std::size_t slots = std::max(table_->slot_count() + table_->slot_count() / 3, wanted + wanted / 4 + 1);
    SEXTANT_TRY_ASSIGN(auto larger, IdTable::create(slots, max_rows_, *account_));
    larger->take_over(*table_, ids);
    table_ = std::move(larger);
    return {};
}

RowId IdMap::insert(const IdView& ids, std::uint32_t row, const PointId& id, std::uint64_t hash) noexcept {
    const RowId before = table_->insert(ids, row, id, hash);
    if (before == no_row) ++id_count_;
    return before;
}

}  // namespace sextant::inline v1
