/// Clock: where the library reads the time, so that a test can be the one who says what time it is.
/// Threads: thread-safe.
#pragma once

#include <atomic>
#include <chrono>

namespace sextant::inline v1 {

class Clock {
public:
    virtual ~Clock() = default;
    /// Never goes back; its zero means nothing. For durations and timeouts.
    [[nodiscard]] virtual std::chrono::nanoseconds monotonic() const noexcept = 0;
    /// Since 1970-01-01 UTC, without leap seconds; may jump. For what people read.
    [[nodiscard]] virtual std::chrono::nanoseconds wall() const noexcept = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] std::chrono::nanoseconds monotonic() const noexcept override {
        return std::chrono::steady_clock::now().time_since_epoch();
    }
    [[nodiscard]] std::chrono::nanoseconds wall() const noexcept override {
        return std::chrono::system_clock::now().time_since_epoch();
    }
};

/// Stands still until told.
class ManualClock final : public Clock {
public:
    explicit ManualClock(std::chrono::nanoseconds wall_start = {}) noexcept : wall_(wall_start.count()) {}
    [[nodiscard]] std::chrono::nanoseconds monotonic() const noexcept override {
        return std::chrono::nanoseconds(monotonic_.load());
    }
    [[nodiscard]] std::chrono::nanoseconds wall() const noexcept override {
        return std::chrono::nanoseconds(wall_.load());
    }
    /// Both clocks go on. REQUIRES: by ≥ 0.
    void advance(std::chrono::nanoseconds by) noexcept {
        monotonic_ += by.count();
        wall_ += by.count();
    }
    /// The wall clock jumps, as when somebody sets it; the monotonic one does not.
    void set_wall(std::chrono::nanoseconds wall) noexcept { wall_ = wall.count(); }

private:
    std::atomic<std::chrono::nanoseconds::rep> monotonic_{0};
    std::atomic<std::chrono::nanoseconds::rep> wall_;
};

}  // namespace sextant::inline v1
