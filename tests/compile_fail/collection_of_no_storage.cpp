// The second argument of a Collection is a Storage; a quantizer in its place is refused by the concept's name.
// expect-error: Storage
#include "sextant/sextant.hpp"

namespace {

#ifdef SEXTANT_EXPECT_FAILURE
using Second = sextant::ScalarQuantizer;
#else
using Second = sextant::MemoryStorage;
#endif

using Photos = sextant::Collection<sextant::Cosine, Second>;
static_assert(sizeof(Photos) > 0);

}  // namespace
