#include "sextant/core/thread_hint.hpp"

#include <cstdint>

#include "sextant/core/random.hpp"

namespace sextant::inline v1 {

std::size_t thread_hint() noexcept {
    // The address of a thread's own variable differs from those of all threads running now, and costs no counter.
    static thread_local char here = 0;
    // Shifted before it is mixed: thread-local blocks are pages apart, and g++ 12 folds the constant that mix64 adds
    // right into the relocation of `here`, where it does not fit.
    return static_cast<std::size_t>(mix64(reinterpret_cast<std::uintptr_t>(&here) >> 6U));
}

}  // namespace sextant::inline v1
