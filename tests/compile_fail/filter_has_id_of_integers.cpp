#include "sextant/payload/filter.hpp"

// Ids are written as ids: has_id({1}) could mean a count.
// expect-error: (no matching function|could not convert)
#ifdef SEXTANT_EXPECT_FAILURE
const sextant::Filter filter = sextant::has_id({1, 2});
#else
const sextant::Filter filter = sextant::has_id({sextant::PointId{1}, sextant::PointId{2}});
#endif
