#include "sextant/payload/filter.hpp"

// Two fields are not compared with each other.
// expect-error: (no match for|invalid operands)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("start") == sextant::field("end");
#else
const sextant::Filter filter = sextant::field("start") == 1;
#endif
