/// allocations: counts what operator new hands out, per thread, and makes it fail. Every test program counts.
#pragma once

#include <cstdint>

namespace test_support {

[[nodiscard]] std::uint64_t allocations_of_this_thread() noexcept;

enum class Shortage : std::uint8_t {
    once,     ///< one allocation fails
    lasting,  ///< none succeeds any more. nlohmann::json cannot destroy an object then
};

/// While it lives, this thread gets `granted` more allocations before the shortage.
class FailingAllocations {
public:
    FailingAllocations(std::uint64_t granted, Shortage shortage) noexcept;
    FailingAllocations(const FailingAllocations&) = delete;
    FailingAllocations& operator=(const FailingAllocations&) = delete;
    ~FailingAllocations();
    /// Whether one has failed.
    [[nodiscard]] bool failed() const noexcept;
    /// False under the thread sanitizer, whose operator new cannot be replaced.
    [[nodiscard]] static bool work() noexcept;
};

}  // namespace test_support
