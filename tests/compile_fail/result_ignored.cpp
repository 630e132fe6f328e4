#include "sextant/core/result.hpp"

// A failure nobody reads is refused; .ignore("why") puts the reason where it can be searched for.
// flags: -Werror
// expect-error: (nodiscard|unused-result|discarding)
sextant::Result<void> save();

void leave() {
#ifdef SEXTANT_EXPECT_FAILURE
    save();
#else
    save().ignore("a copy is kept elsewhere");
#endif
}
