#include "sextant/payload/filter.hpp"

// An enumeration is no number: what is stored is said by a cast.
// expect-error: (no match for|invalid operands)
namespace {
enum class Colour { red };
}
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::field("colour") == Colour::red;
#else
const sextant::Filter filter = sextant::field("colour") == static_cast<int>(Colour::red);
#endif
