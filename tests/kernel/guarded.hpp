/// guarded: memory that ends where an unreadable page begins, so that a kernel that reads one byte too far is caught.
/// Threads: confined.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <stdexcept>
#include <utility>

namespace sextant::test {

/// `size` bytes whose last one is the last readable one.
class GuardedBytes {
public:
    explicit GuardedBytes(std::size_t size) : size_(size) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        const std::size_t readable = (size + page - 1) / page * page;
        mapped_ = readable + page;
        void* start = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED) throw std::runtime_error("mmap failed");
        start_ = static_cast<std::byte*>(start);
        if (mprotect(start_ + readable, page, PROT_NONE) != 0) throw std::runtime_error("mprotect failed");
        data_ = start_ + readable - size;
    }
    GuardedBytes(GuardedBytes&& other) noexcept
        : start_(std::exchange(other.start_, nullptr)),
          data_(other.data_),
          size_(other.size_),
          mapped_(other.mapped_) {}
    GuardedBytes& operator=(GuardedBytes&&) = delete;
    ~GuardedBytes() {
        if (start_ != nullptr) munmap(start_, mapped_);
    }

    [[nodiscard]] std::byte* data() noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    std::byte* start_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t mapped_ = 0;
};

/// `count` values of T, the last of which ends at the unreadable page.
template <class T>
class Guarded {
public:
    explicit Guarded(std::size_t count) : bytes_(count * sizeof(T)), count_(count) {}

    [[nodiscard]] T* data() noexcept { return reinterpret_cast<T*>(bytes_.data()); }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] T& operator[](std::size_t index) noexcept { return data()[index]; }
    [[nodiscard]] T* begin() noexcept { return data(); }
    [[nodiscard]] T* end() noexcept { return data() + count_; }

private:
    GuardedBytes bytes_;
    std::size_t count_;
};

}  // namespace sextant::test
