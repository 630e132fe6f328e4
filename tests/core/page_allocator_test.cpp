#include "sextant/core/page_allocator.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "support/catch.hpp"

using sextant::PageAllocator;
using sextant::PagedVector;

namespace {

/// mincore() knows only addresses that are mapped.
bool is_mapped(const void* at) {
    unsigned char resident = 0;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    auto* const begin = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(at) / page * page);
    return ::mincore(begin, 1, &resident) == 0;
}

}  // namespace

TEST_CASE("a vector keeps its values from the smallest size to the largest", "[core][page_allocator]") {
    PagedVector<std::uint64_t> values;
    for (std::uint64_t i = 0; i < 100'000; ++i) values.push_back(i);
    PagedVector<std::uint64_t> copy = values;
    values.clear();
    values.shrink_to_fit();
    for (std::uint64_t i = 0; i < copy.size(); ++i) {
        if (copy[i] != i) FAIL("value " << i << " is " << copy[i]);
    }
    values.swap(copy);
    CHECK(values.size() == 100'000);
}

TEST_CASE("a large block begins a page, and is the system's again when it is freed", "[core][page_allocator]") {
    PageAllocator<std::byte> allocator;
    constexpr std::size_t size = std::size_t{3} << 20U;
    std::byte* const block = allocator.allocate(size);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)) == 0);
    CHECK(std::all_of(block, block + size, [](std::byte byte) { return byte == std::byte{0}; }));
    std::fill(block, block + size, std::byte{1});
    CHECK(is_mapped(block + size - 1));
    allocator.deallocate(block, size);
    CHECK_FALSE(is_mapped(block + size / 2));
}

TEST_CASE("what cannot be had is bad_alloc", "[core][page_allocator]") {
    PageAllocator<std::uint64_t> allocator;
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    CHECK_THROWS_AS(allocator.allocate(most), std::bad_alloc);
    CHECK_THROWS_AS(allocator.allocate(most / 16), std::bad_alloc);
}
