/// Arena: a reserved range of addresses, committed as it grows, so that what lies in it never moves.
/// Invariants: (1) base() never changes; (2) bytes [0, committed()) are readable, writable and were zero when committed;
/// (3) committed bytes are charged to the account, reserved ones are not; (4) a call that fails changes nothing.
/// Threads: const-safe; ensure() needs one writer at a time and may run beside readers of already committed bytes and
/// callers of committed().
/// Lifetime: the account and the text of `what` outlive the arena.
/// Cost: commits in steps that grow from 64 KiB to 2 MiB; from 2 MiB on with huge pages (MADV_HUGEPAGE): a walk over a
/// graph of 64 MiB misses the second-level TLB at nearly every hop with 4 KiB pages and at none with 2 MiB ones.
/// Why not std::vector: growing would move rows under running searches, and needs old and new at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "sextant/core/memory_account.hpp"
#include "sextant/core/result.hpp"

namespace sextant::inline v1 {

class Arena {
public:
    Arena() = default;
    /// Reserves address space only. `what` names the arena in errors. 2 MiB aligned when reserve_bytes ≥ 2 MiB.
    [[nodiscard]] static Result<Arena> reserve(std::size_t reserve_bytes, MemoryAccount& account, const char* what);
    /// Reserves and commits `size` bytes, rounded up to whole pages: for arrays whose size is known and final.
    [[nodiscard]] static Result<Arena> exact(std::size_t size, MemoryAccount& account, const char* what);
    Arena(Arena&& other) noexcept;
    Arena& operator=(Arena&& other) noexcept;
    ~Arena();

    /// Makes bytes [0, size) usable. resource_exhausted when past the reservation, over the account or out of memory;
    /// then nothing changed.
    [[nodiscard]] Result<void> ensure(std::size_t size);
    /// Gives back the pages and the charge of all whole pages past [0, size); the addresses stay reserved, and read as
    /// zero when committed again. REQUIRES: nobody reads past `size`.
    void shrink(std::size_t size) noexcept;

    [[nodiscard]] std::byte* base() const noexcept { return base_; }
    [[nodiscard]] std::size_t committed() const noexcept { return committed_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t reserved() const noexcept { return reserved_; }

private:
    [[nodiscard]] Result<void> commit_to(std::size_t target);
    void reset() noexcept;

    std::byte* base_ = nullptr;
    std::atomic<std::size_t> committed_{0};  ///< relaxed: a figure; what lies below it is published by others
    std::size_t reserved_ = 0;
    MemoryAccount* account_ = nullptr;
    const char* what_ = "";
};

/// Column<T>: an Arena as an array of trivially copyable T.
/// Threads, Lifetime: as Arena.
template <class T>
requires std::is_trivially_copyable_v<T>
class Column {
public:
    Column() = default;
    [[nodiscard]] static Result<Column> reserve(std::size_t max_count, MemoryAccount& account, const char* what) {
        SEXTANT_TRY_ASSIGN(auto arena, Arena::reserve(bytes_of(max_count), account, what));
        return Column(std::move(arena));
    }
    /// `count` elements, all zero bytes, committed at once.
    [[nodiscard]] static Result<Column> exact(std::size_t count, MemoryAccount& account, const char* what) {
        SEXTANT_TRY_ASSIGN(auto arena, Arena::exact(bytes_of(count), account, what));
        return Column(std::move(arena));
    }
    [[nodiscard]] Result<void> ensure(std::size_t count) { return arena_.ensure(bytes_of(count)); }
    void shrink(std::size_t count) noexcept { arena_.shrink(bytes_of(count)); }
    /// How many elements are committed, those past the last ensure() included.
    [[nodiscard]] std::size_t capacity() const noexcept { return arena_.committed() / sizeof(T); }
    [[nodiscard]] T* data() const noexcept { return reinterpret_cast<T*>(arena_.base()); }
    [[nodiscard]] T& operator[](std::size_t index) const noexcept { return data()[index]; }
    /// The first `count` elements as bytes. REQUIRES: count ≤ capacity().
    [[nodiscard]] std::span<std::byte> bytes(std::size_t count) const noexcept {
        return {arena_.base(), count * sizeof(T)};
    }
    [[nodiscard]] const Arena& arena() const noexcept { return arena_; }

private:
    explicit Column(Arena&& arena) noexcept : arena_(std::move(arena)) {}
    /// Saturates, so that a count past all memory is refused by the arena and never wraps to a small size.
    [[nodiscard]] static constexpr std::size_t bytes_of(std::size_t count) noexcept {
        constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
        return count > most / sizeof(T) ? most : count * sizeof(T);
    }

    Arena arena_;
};

}  // namespace sextant::inline v1
