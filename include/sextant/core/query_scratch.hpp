/// QueryScratch: 64-byte aligned memory that a query borrows and the next one reuses.
/// Invariants: after the first queries have sized it, taking memory allocates nothing.
/// Threads: confined. Lifetime: what take() gives lives until reset().
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

namespace sextant::inline v1 {

class QueryScratch {
public:
    QueryScratch() = default;
    QueryScratch(QueryScratch&& other) noexcept = default;
    QueryScratch& operator=(QueryScratch&& other) noexcept = default;
    QueryScratch(const QueryScratch&) = delete;
    QueryScratch& operator=(const QueryScratch&) = delete;
    ~QueryScratch() = default;

    /// `count` objects, uninitialised, 64-byte aligned; never null. Throws std::bad_alloc.
    template <class T>
    requires std::is_trivially_destructible_v<T>
    [[nodiscard]] std::span<T> take(std::size_t count) {
        static_assert(alignof(T) <= alignof(Line));
        return {static_cast<T*>(take_bytes(count * sizeof(T))), count};
    }
    template <class T>
    requires std::is_trivially_destructible_v<T>
    [[nodiscard]] T* make(const T& value) {
        static_assert(alignof(T) <= alignof(Line));
        return ::new (take_bytes(sizeof(T))) T(value);
    }

    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        std::size_t lines = 0;
        for (const auto& block : blocks_) lines += block.capacity();
        return lines * sizeof(Line);
    }

    /// Gives everything back. When the last round overflowed into a second block, one block of the whole size replaces
    /// them, so that a steady load allocates once.
    void reset();

private:
    struct alignas(64) Line {
        std::byte bytes[64];
    };
    [[nodiscard]] void* take_bytes(std::size_t size);

    std::vector<std::vector<Line>> blocks_;
    std::size_t used_lines_ = 0;  ///< of the last block
};

inline void* QueryScratch::take_bytes(std::size_t size) {
    const std::size_t lines = size / sizeof(Line) + 1;
    if (blocks_.empty() || blocks_.back().size() - used_lines_ < lines) {
        const std::size_t last = blocks_.empty() ? 64 : blocks_.back().size();
        blocks_.emplace_back(lines > 2 * last ? lines : 2 * last);
        used_lines_ = 0;
    }
    void* taken = blocks_.back().data() + used_lines_;
    used_lines_ += lines;
    return taken;
}

inline void QueryScratch::reset() {
    if (blocks_.size() > 1) {
        std::size_t total = 0;
        for (const auto& block : blocks_) total += block.size();
        blocks_.clear();
        blocks_.emplace_back(total);
    }
    used_lines_ = 0;
}

}  // namespace sextant::inline v1
