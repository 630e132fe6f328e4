#include "sextant/core/row_id.hpp"

// A row number is not just any integer: the conversion has to be written.
// expect-error: (cannot convert|cannot initialize|no viable conversion)
#ifdef SEXTANT_EXPECT_FAILURE
sextant::RowId row = 7;
#else
sextant::RowId row{7};
#endif
