#include "sextant/payload/filter.hpp"

// A prefix is text.
// expect-error: (no matching (member )?function|constraint)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("name").starts_with(5);
#else
const sextant::Filter filter = sextant::field("name").starts_with("5");
#endif
