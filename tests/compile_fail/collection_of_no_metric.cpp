#include "sextant/sextant.hpp"

// The first argument of Collection says what "near" means; anything else is refused where it is written.
// expect-error: (constraint|Metric)
#ifdef SEXTANT_EXPECT_FAILURE
using Cache = sextant::Collection<int>;
#else
using Cache = sextant::Collection<sextant::SquaredL2>;
#endif

bool is_open(Cache* cache) { return cache != nullptr; }
