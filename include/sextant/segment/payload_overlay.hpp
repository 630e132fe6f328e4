/// PayloadOverlay: payloads that were changed after their row was written, so that vector, code and graph stay.
/// Invariants: (1) a row's changes form a chain, newest first, each with the Lsn that made it; (2) a reader at Lsn s sees
/// the first change that is not newer than s, or the row's own payload; (3) what a newer change hides from every later
/// version waits in that version's Garbage until no earlier version is left.
/// Threads: OverlayTable::find is safe beside one writer. PayloadOverlay: confined to the writer, but for row_count() and
/// change_bytes().
/// Lifetime: a reader's chain lives as long as the version it reads.
/// Cost: 16 bytes of table per changed row (at a load of 1/2 to 3/4 of 12-byte slots) and the blob with a 24-byte head.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1 {

/// One change: a head with the blob's bytes behind it, in one allocation that the account knows of.
class PayloadChange {
public:
    struct Delete {
        void operator()(PayloadChange* change) const noexcept;
    };
    using Owner = std::unique_ptr<PayloadChange, Delete>;

    [[nodiscard]] static Result<Owner> create(Lsn lsn, std::span<const std::byte> blob, MemoryAccount& account);
    PayloadChange(const PayloadChange&) = delete;
    PayloadChange& operator=(const PayloadChange&) = delete;

    [[nodiscard]] Lsn lsn() const noexcept { return lsn_; }
    [[nodiscard]] std::span<const std::byte> blob() const noexcept {
        return {reinterpret_cast<const std::byte*>(this + 1), size_};
    }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return sizeof(PayloadChange) + size_; }

private:
    friend class PayloadOverlay;
    friend class OverlayTable;
    PayloadChange(Lsn lsn, std::size_t size, MemoryAccount& account) noexcept
        : lsn_(lsn), size_(size), account_(&account) {}
    ~PayloadChange() = default;

    Lsn lsn_;
    std::size_t size_;
    MemoryAccount* account_;
    PayloadChange* older_ = nullptr;  ///< dangling once Garbage let it go; then no reader's Lsn leads there
};

/// What becomes unreachable when a version is replaced, and is freed when that version and all before it are gone.
/// A version holds its Garbage, and each Garbage holds that of the next version: so none goes before an earlier one.
/// Threads: thread-safe as a reference; the content belongs to the writer until the next version is published.
/// Why its own count: chains of a million links end in a loop here, and in a million nested calls as shared_ptr.
class GarbageRef {
public:
    struct Garbage {
        std::vector<PayloadChange::Owner> changes;
        Garbage* next = nullptr;  ///< counted
        std::atomic<std::uint64_t> references{1};
    };

    GarbageRef() = default;
    [[nodiscard]] static GarbageRef create() { return GarbageRef(new Garbage); }
    GarbageRef(const GarbageRef& other) noexcept : garbage_(other.garbage_) {
        // Relaxed: whoever copies holds a reference already.
        if (garbage_ != nullptr) garbage_->references.fetch_add(1, std::memory_order_relaxed);
    }
    GarbageRef(GarbageRef&& other) noexcept : garbage_(std::exchange(other.garbage_, nullptr)) {}
    GarbageRef& operator=(GarbageRef other) noexcept {
        std::swap(garbage_, other.garbage_);
        return *this;
    }
    ~GarbageRef();

    [[nodiscard]] Garbage* operator->() const noexcept { return garbage_; }
    [[nodiscard]] Garbage& operator*() const noexcept { return *garbage_; }
    /// Makes `later` go no earlier than this. REQUIRES: called once.
    void chain(const GarbageRef& later) const noexcept {
        later.garbage_->references.fetch_add(1, std::memory_order_relaxed);
        garbage_->next = later.garbage_;
    }

private:
    explicit GarbageRef(Garbage* garbage) noexcept : garbage_(garbage) {}
    Garbage* garbage_ = nullptr;
};

/// Row → newest change. Open addressing; slots change in place.
class OverlayTable {
public:
    [[nodiscard]] static Result<std::shared_ptr<OverlayTable>> create(std::size_t slot_count, MemoryAccount& account);
    OverlayTable() = default;

    /// What a reader at `at` sees; null: the row's own payload.
    [[nodiscard]] const PayloadChange* find(std::uint32_t row, Lsn at) const noexcept;
    [[nodiscard]] std::size_t slot_count() const noexcept { return slot_count_; }
    /// Row of a slot, or no_row. For walking over all changes; the change is then asked for with find().
    [[nodiscard]] RowId row_at(std::size_t slot) const noexcept {
        return RowId{__atomic_load_n(&rows_[slot], __ATOMIC_ACQUIRE)};
    }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return charge_.bytes(); }

private:
    friend class PayloadOverlay;
    [[nodiscard]] std::size_t slot_of(std::uint32_t row) const noexcept;

    std::size_t slot_count_ = 0;  // a power of two
    std::unique_ptr<std::uint32_t[]> rows_;
    std::unique_ptr<PayloadChange*[]> newest_;
    MemoryCharge charge_;
};

class PayloadOverlay {
public:
    explicit PayloadOverlay(MemoryAccount& account) noexcept : account_(&account) {}
    PayloadOverlay(const PayloadOverlay&) = delete;
    PayloadOverlay& operator=(const PayloadOverlay&) = delete;
    ~PayloadOverlay();

    /// A change charged to the account of this overlay.
    [[nodiscard]] Result<PayloadChange::Owner> make(Lsn lsn, std::span<const std::byte> blob) const {
        return PayloadChange::create(lsn, blob, *account_);
    }
    /// Room for changes of `added` more rows. A failure changes nothing.
    [[nodiscard]] Result<void> reserve(std::size_t added);
    /// Puts the change in front of its row's chain; the one it hides goes to `garbage`.
    /// REQUIRES: reserve() made room; `garbage` has capacity for one more; lsn is newer than all before.
    void put(std::uint32_t row, PayloadChange::Owner change, std::vector<PayloadChange::Owner>& garbage) noexcept;

    /// Null while nothing was changed.
    [[nodiscard]] const std::shared_ptr<OverlayTable>& table() const noexcept { return table_; }
    /// Rows with a change, and the bytes of the newest of each. For anyone: relaxed, figures to decide by.
    [[nodiscard]] std::size_t row_count() const noexcept { return row_count_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t change_bytes() const noexcept { return change_bytes_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

private:
    MemoryAccount* account_;
    std::shared_ptr<OverlayTable> table_;
    std::atomic<std::size_t> row_count_{0};  ///< these two are written by the writer alone
    std::atomic<std::uint64_t> change_bytes_{0};
};

}  // namespace sextant::inline v1
