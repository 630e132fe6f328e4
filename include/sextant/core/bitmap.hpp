/// Bitmap: a growing set of row numbers, one bit each, that is written while searches read it. Tombstones are one.
/// Invariants: (1) a bit once set stays set; (2) count() is the number of bits set; (3) view() stays valid and sees later
/// bits, as words never move.
/// Threads: set, test, count, view: thread-safe. ensure: one at a time, beside any of those.
/// Lifetime: views live as long as the bitmap. Cost: one bit a row; set is one atomic or.
/// Why relaxed everywhere: a bit guards no other data. A search that misses a bit set just now sees the row as it was an
/// instant ago; who must see it (the writer that acknowledged, the next version) is ordered by the version it pins.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "sextant/core/arena.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1 {

class Bitmap {
public:
    Bitmap() = default;
    [[nodiscard]] static Result<Bitmap> reserve(std::size_t max_bits, MemoryAccount& account, const char* what);
    /// A bitmap of its own with the bits of `view` at this moment. A null view gives no bits.
    [[nodiscard]] static Result<Bitmap> copy_of(BitmapView view, MemoryAccount& account, const char* what);
    Bitmap(Bitmap&& other) noexcept;
    Bitmap& operator=(Bitmap&& other) noexcept;
    ~Bitmap() = default;

    /// Makes bits [0, bit_count) usable; new ones are clear. resource_exhausted as Arena::ensure; then nothing changed.
    [[nodiscard]] Result<void> ensure(std::size_t bit_count);

    /// Sets the bit and says whether it was set before. REQUIRES: ensure(index + 1) succeeded.
    bool set(std::uint32_t index) noexcept {
        const std::uint64_t mask = std::uint64_t{1} << (index & 63U);
        const std::uint64_t before = __atomic_fetch_or(words_.data() + (index >> 6U), mask, __ATOMIC_RELAXED);
        const bool was_set = (before & mask) != 0;
        if (!was_set) count_.fetch_add(1, std::memory_order_relaxed);
        return was_set;
    }
    /// REQUIRES: ensure(index + 1) succeeded.
    [[nodiscard]] bool test(std::uint32_t index) const noexcept {
        return ((__atomic_load_n(words_.data() + (index >> 6U), __ATOMIC_RELAXED) >> (index & 63U)) & 1U) != 0;
    }
    [[nodiscard]] std::size_t count() const noexcept { return count_.load(std::memory_order_relaxed); }
    /// How many bits ensure() has made usable.
    [[nodiscard]] std::size_t size() const noexcept { return bit_count_.load(std::memory_order_acquire); }
    [[nodiscard]] BitmapView view() const noexcept { return {words_.data(), size()}; }
    [[nodiscard]] std::size_t committed() const noexcept { return words_.arena().committed(); }

private:
    Column<std::uint64_t> words_;
    std::atomic<std::size_t> bit_count_{0};  // release in ensure() pairs with the acquire in size()
    std::atomic<std::size_t> count_{0};
};

}  // namespace sextant::inline v1
