#include "sextant/payload/filter.hpp"

// nullptr is not null: a null value is asked for by is_null().
// expect-error: (no match for|invalid operands)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("name") == nullptr;
#else
const sextant::Filter filter = sextant::field("name").is_null();
#endif
