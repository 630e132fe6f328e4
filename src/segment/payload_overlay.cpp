#include "sextant/segment/payload_overlay.hpp"

#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "sextant/core/assert.hpp"
#include "sextant/core/random.hpp"

namespace sextant::inline v1 {

void PayloadChange::Delete::operator()(PayloadChange* change) const noexcept {
    MemoryAccount* const account = change->account_;
    const std::uint64_t bytes = change->memory_bytes();
    change->~PayloadChange();
    ::operator delete(change);
    account->release(bytes);
}

Result<PayloadChange::Owner> PayloadChange::create(Lsn lsn, std::span<const std::byte> blob, MemoryAccount& account) {
    const std::uint64_t bytes = sizeof(PayloadChange) + blob.size();
    SEXTANT_TRY(account.charge(bytes));
    void* const memory = ::operator new(bytes, std::nothrow);
    if (memory == nullptr) {
        account.release(bytes);
        return Error{ErrorCode::resource_exhausted, "payload: out of memory for a changed payload"};
    }
    auto* const change = ::new (memory) PayloadChange(lsn, blob.size(), account);
    if (!blob.empty()) std::memcpy(static_cast<void*>(change + 1), blob.data(), blob.size());
    return Owner(change);
}

GarbageRef::~GarbageRef() {
    Garbage* garbage = garbage_;
    // Acquire: what the writer put in is seen by whoever frees it; release: this holder's reads are over.
    while (garbage != nullptr && garbage->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        Garbage* const next = garbage->next;
        delete garbage;
        garbage = next;
    }
}

Result<std::shared_ptr<OverlayTable>> OverlayTable::create(std::size_t slot_count, MemoryAccount& account) {
    auto table = std::make_shared<OverlayTable>();
    SEXTANT_TRY_ASSIGN(table->charge_,
                       MemoryCharge::take(account, slot_count * (sizeof(std::uint32_t) + sizeof(void*))));
    table->rows_ = std::make_unique<std::uint32_t[]>(slot_count);
    table->newest_ = std::make_unique<PayloadChange*[]>(slot_count);
    std::memset(table->rows_.get(), 0xFF, slot_count * sizeof(std::uint32_t));  // no_row
    table->slot_count_ = slot_count;
    return table;
}

std::size_t OverlayTable::slot_of(std::uint32_t row) const noexcept {
    const std::size_t mask = slot_count_ - 1;
    std::size_t slot = static_cast<std::size_t>(mix64(row)) & mask;
    while (true) {
        const RowId there = row_at(slot);
        if (there == no_row || to_index(there) == row) return slot;
        slot = (slot + 1) & mask;
    }
}

const PayloadChange* OverlayTable::find(std::uint32_t row, Lsn at) const noexcept {
    const std::size_t slot = slot_of(row);
    if (row_at(slot) == no_row) return nullptr;
    // Acquire pairs with the release in put(): the change is written before it is linked.
    const PayloadChange* change = __atomic_load_n(&newest_[slot], __ATOMIC_ACQUIRE);
    while (change != nullptr && change->lsn() > at) change = change->older_;
    return change;
}

PayloadOverlay::~PayloadOverlay() {
    if (table_ == nullptr) return;
    for (std::size_t slot = 0; slot < table_->slot_count_; ++slot) {
        if (table_->newest_[slot] != nullptr) PayloadChange::Delete{}(table_->newest_[slot]);
    }
}

Result<void> PayloadOverlay::reserve(std::size_t added) {
    const std::size_t wanted = row_count() + added;
    if (table_ != nullptr && wanted * 4 <= table_->slot_count_ * 3) return {};
    const std::size_t slots = std::bit_ceil(wanted + wanted / 3 + 16);
    SEXTANT_TRY_ASSIGN(auto larger, OverlayTable::create(slots, *account_));
    if (table_ != nullptr) {
        for (std::size_t from = 0; from < table_->slot_count_; ++from) {
            const std::uint32_t row = table_->rows_[from];
            if (RowId{row} == no_row) continue;
            const std::size_t slot = larger->slot_of(row);
            larger->rows_[slot] = row;
            larger->newest_[slot] = table_->newest_[from];
        }
    }
    table_ = std::move(larger);
    return {};
}

void PayloadOverlay::put(std::uint32_t row, PayloadChange::Owner change,
                         std::vector<PayloadChange::Owner>& garbage) noexcept {
    const std::size_t slot = table_->slot_of(row);
    PayloadChange* const before = table_->newest_[slot];
    change_bytes_.store(change_bytes() + change->memory_bytes(), std::memory_order_relaxed);
    change->older_ = before;
    __atomic_store_n(&table_->newest_[slot], change.release(), __ATOMIC_RELEASE);
    if (before == nullptr) {
        row_count_.store(row_count() + 1, std::memory_order_relaxed);
        __atomic_store_n(&table_->rows_[slot], row, __ATOMIC_RELEASE);
        return;
    }
    change_bytes_.store(change_bytes() - before->memory_bytes(), std::memory_order_relaxed);
    SEXTANT_ASSERT(garbage.capacity() > garbage.size());
    garbage.emplace_back(before);
}

std::uint64_t PayloadOverlay::memory_bytes() const noexcept {
    return change_bytes() + (table_ == nullptr ? 0 : table_->memory_bytes());
}

}  // namespace sextant::inline v1
