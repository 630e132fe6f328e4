/// ScrollRequest, ScrollPage: all points, page by page, in the order of their ids.
///   for (sx::ScrollRequest next; ; next.after = page.next) { page = c.scroll(next).value(); …; if (!page.next) break; }
/// Invariants: a point that exists, unchanged in id, during the whole scroll is seen exactly once; each page shows one
/// version of the collection.
/// Threads: values.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "sextant/collection/record.hpp"
#include "sextant/payload/filter.hpp"

namespace sextant::inline v1 {

struct ScrollRequest {
    /// Only ids greater than this one. Nothing: from the start.
    std::optional<PointId> after = {};
    /// Points in a page, 1 .. limits::max_k.
    std::size_t limit = 100;
    /// Which points; empty: all.
    Filter filter = {};
    Select select = {};
};

struct ScrollPage {
    std::vector<Record> points = {};
    /// Pass it as the next request's `after`; nothing when this page was the last.
    std::optional<PointId> next = {};
};

}  // namespace sextant::inline v1
