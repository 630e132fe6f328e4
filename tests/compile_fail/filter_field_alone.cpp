#include "sextant/payload/filter.hpp"

// A field without a condition is no filter.
// expect-error: (conversion from|no viable conversion)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("year");
#else
const sextant::Filter filter = sextant::field("year").exists();
#endif
