#include "sextant/payload/filter.hpp"

// true must not become the bound 1.
// expect-error: (no match for|invalid operands)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("year") > true;
#else
const sextant::Filter filter = sextant::field("year") > 1;
#endif
