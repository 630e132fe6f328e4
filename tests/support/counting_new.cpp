// Counts what a call allocates, in every test program, by replacing operator new. A file of its own: where g++ sees both the
// replacement and its use it warns of a mismatch that is none. The thread sanitizer brings an operator new that cannot be
// replaced; there its own hook counts, which also sees malloc.
#include <cstddef>
#include <cstdlib>
#include <new>

#include "support/allocations.hpp"

#if defined(__SANITIZE_THREAD__)
#define SEXTANT_TEST_COUNTS_BY_HOOK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SEXTANT_TEST_COUNTS_BY_HOOK 1
#endif
#endif

namespace {
thread_local std::uint64_t count = 0;
thread_local bool failing = false;
thread_local std::uint64_t granted_left = 0;
thread_local bool has_failed = false;
thread_local bool fails_once = false;
}  // namespace

test_support::FailingAllocations::FailingAllocations(std::uint64_t granted, Shortage shortage) noexcept {
    fails_once = shortage == Shortage::once;
    granted_left = granted;
    has_failed = false;
    failing = true;
}
test_support::FailingAllocations::~FailingAllocations() { failing = false; }
bool test_support::FailingAllocations::failed() const noexcept { return has_failed; }

std::uint64_t test_support::allocations_of_this_thread() noexcept { return count; }

#ifdef SEXTANT_TEST_COUNTS_BY_HOOK

bool test_support::FailingAllocations::work() noexcept { return false; }

extern "C" void __sanitizer_malloc_hook(const volatile void*, std::size_t) { ++count; }

#else

bool test_support::FailingAllocations::work() noexcept { return true; }

namespace {

void* counted(std::size_t size, std::size_t alignment) noexcept {
    ++count;
    if (failing && granted_left-- == 0) {
        granted_left = 0;
        has_failed = true;
        failing = !fails_once;
        return nullptr;
    }
    if (alignment <= alignof(std::max_align_t)) return std::malloc(size == 0 ? 1 : size);
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* counted_or_throw(std::size_t size, std::size_t alignment) {
    void* const memory = counted(size, alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

constexpr std::size_t natural = alignof(std::max_align_t);

}  // namespace

void* operator new(std::size_t size) { return counted_or_throw(size, natural); }
void* operator new[](std::size_t size) { return counted_or_throw(size, natural); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return counted_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size, natural); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size, natural); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#endif
