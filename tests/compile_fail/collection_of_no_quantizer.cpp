// The third argument of a Collection is a quantizer for its metric; anything else is refused by the concept's name.
// expect-error: QuantizerFor
#include "sextant/sextant.hpp"

namespace {

#ifdef SEXTANT_EXPECT_FAILURE
using Third = sextant::SquaredL2;
#else
using Third = sextant::ScalarQuantizer;
#endif

using Photos = sextant::Collection<sextant::Cosine, sextant::MemoryStorage, Third>;
static_assert(sizeof(Photos) > 0);

}  // namespace
