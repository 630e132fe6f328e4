#include "sextant/core/limits.hpp"

#include <cstdint>
#include <limits>

#include "sextant/core/row_id.hpp"
#include "support/catch.hpp"

namespace limits = sextant::limits;

TEST_CASE("The limits keep the promises their comments make", "[core][limits]") {
    // Sums of 8-bit products stay in int32.
    CHECK(limits::max_dimension * 128 * 128 <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
    // The default ef of 4·k is allowed for each k, and a page fits one pool.
    CHECK(4 * limits::max_k <= limits::max_ef);
    CHECK(limits::max_offset + limits::max_k == limits::max_ef);
    // A whole batch and each payload in it have 32-bit sizes.
    CHECK(limits::max_batch_size <= std::numeric_limits<std::uint32_t>::max());
    CHECK(limits::max_payload_size < limits::max_batch_size);
    CHECK(limits::max_dimension * sizeof(float) < limits::max_batch_size);
    // A row number leaves two bits free, and never is no_row.
    CHECK(limits::max_rows_per_segment <= (std::uint32_t{1} << 30U));
    CHECK(limits::max_rows_per_segment < sextant::to_index(sextant::no_row));
}
