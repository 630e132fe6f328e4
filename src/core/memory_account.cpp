#include "sextant/core/memory_account.hpp"

#include <algorithm>

#include "core/format_text.hpp"

namespace sextant::inline v1 {

MemoryAccount::MemoryAccount(std::string name, std::uint64_t limit_bytes, MemoryAccount* parent)
    : name_(std::move(name)), limit_(limit_bytes), parent_(parent) {}

Result<void> MemoryAccount::charge(std::uint64_t bytes) {
    for (MemoryAccount* account = this; account != nullptr; account = account->parent_) {
        auto charged = account->charge_here(bytes);
        if (charged) continue;
        for (MemoryAccount* below = this; below != account; below = below->parent_) below->release_here(bytes);
        return charged;
    }
    return {};
}

void MemoryAccount::release(std::uint64_t bytes) noexcept {
    for (MemoryAccount* account = this; account != nullptr; account = account->parent_) account->release_here(bytes);
}

std::uint64_t MemoryAccount::left() const noexcept {
    std::uint64_t least = unlimited;
    for (const MemoryAccount* account = this; account != nullptr; account = account->parent_) {
        least = std::min(least, account->limit_ - account->used());
    }
    return least;
}

Result<void> MemoryAccount::charge_here(std::uint64_t bytes) {
    if (!grant()) {
        return Error{
            ErrorCode::resource_exhausted,
            format_text("memory account '{}': {} bytes asked for, refused as told by refuse_after()", name_, bytes)};
    }
    // Relaxed: the number guards no other data; only its own total has to be exact, which compare_exchange gives.
    std::uint64_t used = used_.load(std::memory_order_relaxed);
    do {
        if (bytes > limit_ - used) {
            return Error{ErrorCode::resource_exhausted,
                         format_text("memory account '{}': {} bytes asked for, {} of {} are left", name_, bytes,
                                     limit_ - used, limit_)};
        }
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    const std::uint64_t total = used + bytes;
    std::uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < total && !peak_.compare_exchange_weak(peak, total, std::memory_order_relaxed)) {}
    return {};
}

void MemoryAccount::release_here(std::uint64_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

bool MemoryAccount::grant() noexcept {
    std::uint64_t left = grants_left_.load(std::memory_order_relaxed);
    while (left != unlimited) {
        if (left == 0) return false;
        if (grants_left_.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) return true;
    }
    return true;
}

Result<MemoryCharge> MemoryCharge::take(MemoryAccount& account, std::uint64_t bytes) {
    SEXTANT_TRY(account.charge(bytes));
    MemoryCharge charge;
    charge.account_ = &account;
    charge.bytes_ = bytes;
    return charge;
}

Result<void> MemoryCharge::resize(MemoryAccount& account, std::uint64_t bytes) {
    if (bytes > bytes_) SEXTANT_TRY(account.charge(bytes - bytes_));
    if (bytes < bytes_) account.release(bytes_ - bytes);
    account_ = &account;
    bytes_ = bytes;
    return {};
}

void MemoryCharge::reset() noexcept {
    if (account_ != nullptr) account_->release(bytes_);
    account_ = nullptr;
    bytes_ = 0;
}

}  // namespace sextant::inline v1
