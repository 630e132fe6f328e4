#include "sextant/payload/filter.hpp"

// A pointer must not become true.
// expect-error: (no match for|invalid operands)
namespace {
const bool value = true;
}
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("open") == &value;
#else
const sextant::Filter filter = sextant::field("open") == value;
#endif
