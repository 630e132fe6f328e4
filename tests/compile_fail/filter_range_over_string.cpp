#include "sextant/payload/filter.hpp"

// A range is over numbers; a date or a name is no bound of one.
// expect-error: (no match for|invalid operands)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("year") >= "2020";
#else
const sextant::Filter filter = sextant::field("year") >= 2020;
#endif
