/// timing: wall clock, processor time, percentiles and medians of measured samples.
/// Threads: values; share them as any value. CpuStopwatch counts the thread (or process) it is read in.
/// Why processor time at all: on a machine whose cores are shared with other work, the wall clock also counts the time a
/// thread stood still; a search that never waits takes the same of both on an idle machine.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <utility>
#include <vector>

namespace sextant_bench {

class Stopwatch {
public:
    [[nodiscard]] double seconds() const noexcept {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    void restart() noexcept { start_ = std::chrono::steady_clock::now(); }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

enum class ClockKind : std::uint8_t { wall, cpu };

/// Processor seconds of this thread, or of all threads of the process.
class CpuStopwatch {
public:
    enum class Of : std::uint8_t { thread, process };
    explicit CpuStopwatch(Of of) noexcept
        : clock_(of == Of::thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID), start_(now()) {}
    [[nodiscard]] double seconds() const noexcept { return now() - start_; }

private:
    [[nodiscard]] double now() const noexcept {
        std::timespec time{};
        clock_gettime(clock_, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    }
    clockid_t clock_;
    double start_;
};

/// The smallest sample that at least `share` of all samples do not exceed (nearest rank); 0 where there is none.
template <class T>
[[nodiscard]] T percentile(std::vector<T> samples, double share) {
    if (samples.empty()) return T{};
    const double rank = share * static_cast<double>(samples.size());
    auto index = static_cast<std::size_t>(rank);
    if (static_cast<double>(index) == rank && index > 0) --index;
    index = std::min(index, samples.size() - 1);
    const auto at = samples.begin() + static_cast<std::ptrdiff_t>(index);
    std::nth_element(samples.begin(), at, samples.end());
    return *at;
}

template <class T>
[[nodiscard]] T median(std::vector<T> samples) {
    return percentile(std::move(samples), 0.5);
}

/// Keeps the compiler from dropping a computation whose result nobody reads.
template <class T>
inline void keep(const T& value) noexcept {
    asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace sextant_bench
