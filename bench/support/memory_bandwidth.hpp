/// memory_bandwidth: how fast one core of this machine reads memory, the bound of every scan.
#pragma once

#include <cstddef>

namespace sextant_bench {

/// A buffer far larger than the caches, in huge pages where the system grants them, and a loop that only adds it up.
class BandwidthProbe {
public:
    explicit BandwidthProbe(std::size_t bytes);
    ~BandwidthProbe();
    BandwidthProbe(const BandwidthProbe&) = delete;
    BandwidthProbe& operator=(const BandwidthProbe&) = delete;

    /// Reads everything once, front to back, in this thread.
    void read_once() const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    std::size_t bytes_;
    float* data_;
};

}  // namespace sextant_bench
