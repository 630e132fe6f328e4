#include "sextant/core/row_id.hpp"

#include <type_traits>

#include "support/catch.hpp"

TEST_CASE("Row ids are 32-bit numbers that do not convert silently", "[core][row_id]") {
    static_assert(sizeof(sextant::RowId) == 4);
    static_assert(!std::is_convertible_v<sextant::RowId, unsigned>);
    static_assert(!std::is_convertible_v<unsigned, sextant::RowId>);
    CHECK(sextant::to_index(sextant::RowId{7}) == 7);
    CHECK(sextant::to_index(sextant::no_row) == 0xFFFFFFFFU);
}

TEST_CASE("A neighbor is 8 bytes, and by default it is no row", "[core][row_id]") {
    static_assert(sizeof(sextant::Neighbor) == 8);
    CHECK(sextant::Neighbor{}.row == sextant::no_row);
    CHECK_FALSE(sextant::Neighbor{1.0F, sextant::RowId{2}} < sextant::Neighbor{1.0F, sextant::RowId{2}});
    CHECK(sextant::Neighbor{1.0F, sextant::RowId{2}} < sextant::Neighbor{1.0F, sextant::RowId{3}});
}
