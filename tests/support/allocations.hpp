/// allocations: counts what operator new hands out, per thread. Defined by collection/counting_new_test.cpp for its program.
#pragma once

#include <cstdint>

namespace test_support {

[[nodiscard]] std::uint64_t allocations_of_this_thread() noexcept;

}  // namespace test_support
