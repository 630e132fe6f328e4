#include "sextant/payload/filter.hpp"

// A filter is not the answer for a point.
// expect-error: (could not convert|cannot convert|no viable conversion)
#ifdef SEXTANT_EXPECT_FAILURE
const bool answer = sextant::field("year") == 2020;
#else
const bool answer = (sextant::field("year") == 2020).empty();
#endif
