#include "sextant/core/point_id.hpp"

// An id and a count must not be mixed up by accident: PointId{42} is written out.
// expect-error: (conversion from|no viable conversion)
#ifdef SEXTANT_EXPECT_FAILURE
sextant::PointId id = 42;
#else
sextant::PointId id{42};
#endif
