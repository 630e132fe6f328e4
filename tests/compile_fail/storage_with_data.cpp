// A storage is a policy: one that holds data would have to be copied, moved and guarded by every segment.
// expect-error: is_empty
#include "sextant/concepts/storage.hpp"

namespace {

struct Shelf {
    static constexpr std::string_view name = "shelf";
    static constexpr bool durable = false;
    static constexpr sextant::Residency residency = sextant::Residency::resident;
#ifdef SEXTANT_EXPECT_FAILURE
    int rows = 0;
#endif
};

static_assert(sextant::Storage<Shelf>);

}  // namespace
