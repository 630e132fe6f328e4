/// allocation_counter: counts every heap allocation of the program it is linked into, operator new included, by standing
/// in for malloc (glibc lets a program do that and still reach the real one).
#pragma once

#include <cstdint>

namespace sextant_bench {

/// Calls of malloc, calloc, realloc, aligned_alloc, posix_memalign and memalign in this thread since it began.
[[nodiscard]] std::uint64_t allocations_of_this_thread() noexcept;

}  // namespace sextant_bench
