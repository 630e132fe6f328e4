#include "sextant/payload/filter.hpp"

// The digits of a long double would be lost.
// expect-error: (no match for|invalid operands)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("x") == 0.5L;
#else
const sextant::Filter filter = sextant::field("x") == 0.5;
#endif
