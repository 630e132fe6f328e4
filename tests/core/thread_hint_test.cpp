#include "sextant/core/thread_hint.hpp"

#include <thread>

#include "support/catch.hpp"

TEST_CASE("A thread's hint stays the same, and two running threads have different ones", "[core][thread_hint]") {
    const std::size_t mine = sextant::thread_hint();
    CHECK(sextant::thread_hint() == mine);
    std::size_t other = mine;
    std::thread([&] { other = sextant::thread_hint(); }).join();
    CHECK(other != mine);
}
