/// nearest: the rows of least distance of a scan.
/// Threads: confined.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace sextant_bench {

/// The k rows of least distance.
class Nearest {
public:
    explicit Nearest(std::size_t k) : k_(k) {}

    void add(std::size_t first, const float* distances, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            if (kept_.size() == k_ && distances[i] >= kept_.front().first) continue;
            if (kept_.size() == k_) {
                std::pop_heap(kept_.begin(), kept_.end());
                kept_.pop_back();
            }
            kept_.emplace_back(distances[i], static_cast<std::uint32_t>(first + i));
            std::push_heap(kept_.begin(), kept_.end());
        }
    }
    std::vector<std::uint32_t> take() {
        std::vector<std::uint32_t> ids;
        for (const auto& [distance, id] : kept_) ids.push_back(id);
        kept_.clear();
        return ids;
    }

private:
    std::size_t k_;
    std::vector<std::pair<float, std::uint32_t>> kept_;
};

}  // namespace sextant_bench
