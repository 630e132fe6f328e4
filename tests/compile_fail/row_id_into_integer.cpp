#include <cstdint>

#include "sextant/core/row_id.hpp"

// Nor is it turned into one in silence: to_index says so.
// expect-error: (cannot convert|cannot initialize|no viable conversion)
#ifdef SEXTANT_EXPECT_FAILURE
std::uint32_t position(sextant::RowId row) { return row; }
#else
std::uint32_t position(sextant::RowId row) { return sextant::to_index(row); }
#endif
