/// TopRows: the closest rows of a stream, in memory of the caller.
/// Invariants: while not full, entries are in the order they came; once full, a heap with the farthest on top.
/// Threads: confined. Cost: one comparison for a row that does not get in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>

#include "sextant/core/row_id.hpp"

namespace sextant::inline v1::detail {

class TopRows {
public:
    /// REQUIRES: room is not empty.
    explicit TopRows(std::span<Neighbor> room) noexcept : room_(room) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool full() const noexcept { return size_ == room_.size(); }
    /// Only what is closer than this can get in, or as close with a smaller row.
    [[nodiscard]] float worst() const noexcept {
        return full() ? room_[0].distance : std::numeric_limits<float>::infinity();
    }

    void offer(Neighbor candidate) noexcept {
        if (!full()) {
            room_[size_++] = candidate;
            if (full()) std::make_heap(room_.begin(), room_.end());
            return;
        }
        if (!(candidate < room_[0])) return;
        std::pop_heap(room_.begin(), room_.end());
        room_.back() = candidate;
        std::push_heap(room_.begin(), room_.end());
    }

    /// Closest first, ties by row. The object is used up.
    [[nodiscard]] std::span<Neighbor> sorted() noexcept {
        std::sort(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(size_));
        return room_.first(size_);
    }

private:
    std::span<Neighbor> room_;
    std::size_t size_ = 0;
};

}  // namespace sextant::inline v1::detail
