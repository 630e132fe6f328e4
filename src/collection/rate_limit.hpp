/// RateLimit: keeps background work from taking the whole disk: waits after each piece for as long as it was too early.
/// Threads: confined. Cost: nothing without a limit.
/// Why sleep and not a token bucket: a piece is at most 1 MiB, so the average over a second is right, and a stop is
/// seen within 10 ms.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <thread>

namespace sextant::inline v1::detail {

class RateLimit {
public:
    /// 0: no limit.
    explicit RateLimit(std::uint64_t bytes_per_second) noexcept : bytes_per_second_(bytes_per_second) {}

    void spend(std::uint64_t bytes, const std::stop_token& stop) {
        if (bytes_per_second_ == 0) return;
        using Seconds = std::chrono::duration<double>;
        const Seconds share(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_));
        const Seconds now = Clock::now() - start_;
        // What was not used before the last piece is gone: a pause is no leave for a burst.
        free_at_ = std::max(free_at_, now - share) + share;
        constexpr Seconds longest_nap(0.01);
        while (!stop.stop_requested()) {
            const Seconds rest = free_at_ - (Clock::now() - start_);
            if (rest <= Seconds::zero()) return;
            std::this_thread::sleep_for(std::min(rest, longest_nap));
        }
    }

private:
    using Clock = std::chrono::steady_clock;

    std::uint64_t bytes_per_second_;
    Clock::time_point start_ = Clock::now();
    std::chrono::duration<double> free_at_{0};  ///< since start_: the next piece may be written
};

}  // namespace sextant::inline v1::detail
