/// allocations: counts what operator new hands out, per thread. Every test program counts.
#pragma once

#include <cstdint>

namespace test_support {

[[nodiscard]] std::uint64_t allocations_of_this_thread() noexcept;

}  // namespace test_support
