/// PageAllocator: for large vectors that live shortly: from 64 KiB on they are pages of their own, which the system has back
/// when they are freed.
/// Threads: thread-safe, as it has no state. Throws std::bad_alloc.
/// Cost: two system calls and a page fault for every 4 KiB, each time: not for what a search allocates.
/// Why not std::allocator: glibc takes each large block that is freed for a sign that more will come, and from then on
/// keeps blocks of that size in the heap of each thread: megabytes for work that is done once an hour.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <limits>
#include <new>
#include <vector>

namespace sextant::inline v1 {

template <class T>
class PageAllocator {
public:
    using value_type = T;

    PageAllocator() = default;
    template <class U>
    PageAllocator(const PageAllocator<U>& /*other*/) noexcept {}  // NOLINT: implicit, as allocators are

    [[nodiscard]] T* allocate(std::size_t count) {
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
        const std::size_t size = count * sizeof(T);
        if (size < least_size) return static_cast<T*>(::operator new (size, std::align_val_t{alignof(T)}));
        void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED) throw std::bad_alloc();
        return static_cast<T*>(pages);
    }
    void deallocate(T* at, std::size_t count) noexcept {
        const std::size_t size = count * sizeof(T);
        if (size < least_size) {
            ::operator delete (at, std::align_val_t{alignof(T)});
        } else {
            ::munmap(at, size);
        }
    }

    template <class U>
    bool operator==(const PageAllocator<U>& /*other*/) const noexcept {
        return true;
    }

private:
    static constexpr std::size_t least_size = std::size_t{64} << 10U;
};

template <class T>
using PagedVector = std::vector<T, PageAllocator<T>>;

}  // namespace sextant::inline v1
