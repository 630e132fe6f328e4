/// thread_hint: a number that differs between running threads, for choosing where to begin looking for a free slot.
/// Threads: thread-safe.
#pragma once

#include <cstddef>

namespace sextant::inline v1 {

/// Constant within a thread. Two threads may share it; whoever uses it must only lose time then.
[[nodiscard]] std::size_t thread_hint() noexcept;

}  // namespace sextant::inline v1
