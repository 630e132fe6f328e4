/// parallel_work: what training shares between threads: loops over an executor that may be missing, and progress that is
/// told from the calling thread alone.
/// Threads: Progress::add is thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>

#include "sextant/concepts/quantizer.hpp"
#include "sextant/core/executor.hpp"

namespace sextant::inline v1::detail {

[[nodiscard]] inline std::size_t worker_count(const TrainContext& context) noexcept {
    return context.executor == nullptr ? 1 : std::max<std::size_t>(context.executor->parallelism(), 1);
}

/// body(worker, index) for each index below `count`, worker < worker_count(context); ends early after a stop.
template <class Body>
void for_each_index(const TrainContext& context, std::size_t count, Body body) {
    const auto chunk = [&](std::size_t worker, std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end && !context.stop.stop_requested(); ++i) body(worker, i);
    };
    if (context.executor == nullptr) {
        chunk(0, 0, count);
    } else {
        parallel_for(*context.executor, count, 1, chunk);
    }
}

/// Tells context.progress the share done of `total` steps.
class Progress {
public:
    Progress(const TrainContext& context, std::size_t total) noexcept
        : told_(context.progress), total_(static_cast<double>(total)), caller_(std::this_thread::get_id()) {}

    void add(std::size_t steps) noexcept(false) {
        const std::size_t done = done_.fetch_add(steps, std::memory_order_relaxed) + steps;
        if (told_ != nullptr && std::this_thread::get_id() == caller_) (*told_)(static_cast<double>(done) / total_);
    }
    void finish() const {
        if (told_ != nullptr) (*told_)(1.0);
    }

private:
    const FunctionRef<void(double)>* told_;
    double total_;
    std::thread::id caller_;
    std::atomic<std::size_t> done_{0};
};

}  // namespace sextant::inline v1::detail
