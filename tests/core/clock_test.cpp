#include "sextant/core/clock.hpp"

#include <cstdlib>
#include <ctime>

#include "support/catch.hpp"

using namespace std::chrono_literals;

TEST_CASE("The system clock's monotonic time never goes back and its wall time is today's", "[core][clock]") {
    const sextant::SystemClock system;
    const sextant::Clock& clock = system;
    auto last = clock.monotonic();
    for (int i = 0; i < 1000; ++i) {
        const auto now = clock.monotonic();
        CHECK(now >= last);
        last = now;
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock.wall()).count();
    CHECK(std::abs(seconds - static_cast<long long>(std::time(nullptr))) <= 2);
}

TEST_CASE("A manual clock stands still until told", "[core][clock]") {
    sextant::ManualClock clock(1000s);
    CHECK(clock.monotonic() == 0ns);
    CHECK(clock.wall() == 1000s);
    clock.advance(5ms);
    CHECK(clock.monotonic() == 5ms);
    CHECK(clock.wall() == 1000s + 5ms);
    clock.set_wall(10s);
    CHECK(clock.monotonic() == 5ms);
    CHECK(clock.wall() == 10s);
}
