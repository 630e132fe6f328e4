// A search is noexcept: it runs under a pinned version, inside noexcept code.
// expect-error: (noexcept|may throw)
#include "sextant/concepts/index.hpp"

#ifdef SEXTANT_EXPECT_FAILURE
#define SEARCH_NOEXCEPT
#else
#define SEARCH_NOEXCEPT noexcept
#endif

namespace {

struct Shelves {
    struct Scratch {};
    [[nodiscard]] std::size_t search(const sextant::RowScorer& /*scorer*/, const sextant::RowFilter& /*filter*/,
                                     const sextant::SearchParams& /*params*/, Scratch& /*scratch*/,
                                     std::span<sextant::Neighbor> /*out*/,
                                     sextant::SearchCounters& /*counters*/) const SEARCH_NOEXCEPT {
        return 0;
    }
};

static_assert(sextant::Index<Shelves>);

}  // namespace
