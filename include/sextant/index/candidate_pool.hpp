/// CandidatePool: the best rows a search has met, closest first, and which of them were already expanded.
/// Invariants: (1) entries are sorted by (distance, id) and hold each id once if each is inserted once; (2) size() ≤
/// capacity(); (3) entries before next_ are expanded.
/// Threads: confined. Cost: insert is a branch-free binary search and a memmove of what lies behind; 8 bytes an entry.
/// Why one sorted array: the two heaps of Malkov & Yashunin 2016, Alg. 2, pay a sift for every pop and every push, and a
/// full pool of 10..500 entries of 8 bytes lies in the L1 cache, where a memmove costs about as much as one sift.
///
/// An entry is one integer, so that ordering, ties and the flag need one comparison:
///
///     63            32 31            1   0
///     ordered distance | id (31 bits) | expanded
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "sextant/core/row_id.hpp"

namespace sextant::inline v1 {

class CandidatePool {
public:
    /// Ids are below this: the lowest bit of an entry is the flag.
    static constexpr std::uint32_t id_limit = 0x80000000U;

    /// Empties the pool and makes it hold up to `capacity` entries. Throws std::bad_alloc when it must grow and cannot.
    void reset(std::size_t capacity) {
        if (entries_.size() < capacity) entries_.resize(capacity);
        capacity_ = capacity;
        size_ = 0;
        next_ = 0;
    }
    /// Memory for reset(capacity) without allocation.
    void reserve(std::size_t capacity) {
        if (entries_.size() < capacity) entries_.resize(capacity);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return entries_.capacity() * sizeof(std::uint64_t); }

    /// Nothing at this distance or farther can enter: infinity until the pool is full.
    /// Strictly closer, not "as close with a smaller id": among a million equal vectors a search would otherwise walk
    /// on to ever smaller ids.
    [[nodiscard]] float worst() const noexcept {
        return full() && size_ != 0 ? distance_of(entries_[size_ - 1]) : std::numeric_limits<float>::infinity();
    }

    /// REQUIRES: distance < worst(), id < id_limit, id not in the pool, capacity() > 0. Drops the farthest entry when full.
    void insert(float distance, std::uint32_t id) noexcept {
        std::uint64_t* const entries = entries_.data();
        const std::uint64_t key = make_key(distance, id);
        std::size_t at = 0;
        for (std::size_t rest = size_; rest != 0;) {  // compiles to conditional moves: the outcome is unpredictable
            const std::size_t half = (rest + 1) / 2;
            at += entries[at + half - 1] < key ? half : 0;
            rest -= half;
        }
        const std::size_t kept = full() ? size_ - 1 : size_;
        std::memmove(entries + at + 1, entries + at, (kept - at) * sizeof(std::uint64_t));
        entries[at] = key;
        size_ = kept + 1;
        if (at < next_) next_ = at;
    }

    /// Is there an entry nobody has expanded?
    [[nodiscard]] bool has_next() noexcept {
        while (next_ < size_ && (entries_[next_] & expanded) != 0) ++next_;
        return next_ < size_;
    }
    /// How many entries are closer than the one pop() gives. REQUIRES: has_next() was just true.
    [[nodiscard]] std::size_t next_index() const noexcept { return next_; }
    /// The closest unexpanded entry, marked as expanded. REQUIRES: has_next() was just true.
    [[nodiscard]] Neighbor pop() noexcept {
        const std::uint64_t key = entries_[next_];
        entries_[next_] = key | expanded;
        ++next_;
        return {distance_of(key), RowId{id_of(key)}};
    }
    /// The id pop() would give next, without searching far; no_row's number when it is not at hand.
    [[nodiscard]] std::uint32_t peek() const noexcept {
        const std::size_t at = next_ + ((next_ < size_ && (entries_[next_] & expanded) != 0) ? 1 : 0);
        return at < size_ ? id_of(entries_[at]) : to_index(no_row);
    }

    /// The ids of the closest unexpanded entries, out.size() at most; returns how many. Expands none.
    std::size_t peek(std::span<std::uint32_t> out) const noexcept {
        std::size_t count = 0;
        for (std::size_t i = next_; i < size_ && count < out.size(); ++i) {
            if ((entries_[i] & expanded) == 0) out[count++] = id_of(entries_[i]);
        }
        return count;
    }

    [[nodiscard]] Neighbor operator[](std::size_t index) const noexcept {
        return {distance_of(entries_[index]), RowId{id_of(entries_[index])}};
    }

private:
    static constexpr std::uint64_t expanded = 1;

    /// Floats as integers in the same order; -0 becomes 0 first, so that both are one distance.
    [[nodiscard]] static std::uint64_t make_key(float distance, std::uint32_t id) noexcept {
        const auto bits = std::bit_cast<std::uint32_t>(distance + 0.0F);
        const std::uint32_t ordered = bits ^ ((bits >> 31U) != 0 ? 0xFFFFFFFFU : 0x80000000U);
        return (std::uint64_t{ordered} << 32U) | (std::uint64_t{id} << 1U);
    }
    [[nodiscard]] static float distance_of(std::uint64_t key) noexcept {
        const auto ordered = static_cast<std::uint32_t>(key >> 32U);
        return std::bit_cast<float>(ordered ^ ((ordered >> 31U) != 0 ? 0x80000000U : 0xFFFFFFFFU));
    }
    [[nodiscard]] static std::uint32_t id_of(std::uint64_t key) noexcept {
        return static_cast<std::uint32_t>(key) >> 1U;
    }

    std::vector<std::uint64_t> entries_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    std::size_t next_ = 0;
};

}  // namespace sextant::inline v1
