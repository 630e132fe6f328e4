#include "sextant/segment/segment_limits.hpp"

#include "support/catch.hpp"

using namespace sextant;

TEST_CASE("a growing segment is bounded in rows, in bytes, and from below", "[segment_limits]") {
    CHECK(growing_rows_for(4 * 128) == growing_max_rows);
    CHECK(growing_rows_for(4 * 2048) == (1U << 30U) / (4 * 2048));
    CHECK(growing_rows_for(4ULL * 65'536) == 4096);
    CHECK(growing_rows_for(std::uint64_t{1} << 30U) == growing_min_rows);
    CHECK(growing_rows_for(0) == growing_max_rows);
}
