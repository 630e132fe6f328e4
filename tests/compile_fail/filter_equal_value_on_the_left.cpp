#include "sextant/payload/filter.hpp"

// The field stands on the left; C++20 must not turn == around in silence.
// expect-error: (rewritten|no match for|invalid operands)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = 2020 == sextant::field("year");
#else
const sextant::Filter filter = sextant::field("year") == 2020;
#endif
