#include "sextant/payload/filter.hpp"

// 'x' is neither the number 120 nor the string "x".
// expect-error: (no match for|invalid operands)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("grade") == 'x';
#else
const sextant::Filter filter = sextant::field("grade") == "x";
#endif
