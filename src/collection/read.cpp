/// read: get, scroll, count.
#include <fmt/format.h>

#include <algorithm>

#include "core_state.hpp"
#include "filter_rows.hpp"
#include "sextant/core/limits.hpp"

namespace sextant::inline v1::detail {
namespace {

PointRef point_at(const Version& version, std::size_t segment, std::uint32_t row, const Select& select) noexcept {
    const SegmentState& state = *version.segments[segment];
    PointRef point;
    point.id = state.ids[row];
    point.version = state.version(row, version.last);
    if (select.payload) point.payload = state.payload(row, version.last);
    if (select.vector) point.vector = state.segment->field(0).raw(RowId{row});
    return point;
}

}  // namespace

Result<void> CoreState::get(std::span<const PointId> ids, FunctionRef<void(const PointRef&)> sink) const {
    SEXTANT_TRY(check_open());
    const auto pinned = cell.pin();
    for (const PointId& id : ids) {
        const Version::Place place = pinned->find(id, id.hash());
        if (place.row == no_row) continue;
        sink(point_at(*pinned, place.segment, to_index(place.row), {.payload = true, .vector = true}));
    }
    return {};
}

Result<std::uint64_t> CoreState::count(const Filter& filter) const {
    SEXTANT_TRY(check_open());
    SEXTANT_TRY_ASSIGN(const FilterProgram program, FilterProgram::compile(filter));
    const auto pinned = cell.pin();
    if (program.admits_all()) return pinned->live_count;
    std::uint64_t total = 0;
    for (const auto& state : pinned->segments) {
        for_each_match(program, *state, pinned->last, nullptr, [&](std::uint32_t) { ++total; });
    }
    return total;
}

Result<std::optional<PointId>> CoreState::scroll(const ScrollRequest& request,
                                                 FunctionRef<void(const PointRef&)> sink) const {
    SEXTANT_TRY(check_open());
    if (request.limit == 0 || request.limit > limits::max_k) {
        return invalid_argument(fmt::format("limit: got {}, expected 1 to {}", request.limit, limits::max_k));
    }
    SEXTANT_TRY_ASSIGN(const FilterProgram program, FilterProgram::compile(request.filter));
    struct Entry {
        PointId id;
        std::size_t segment;
        std::uint32_t row;
    };
    const auto by_id = [](const Entry& a, const Entry& b) { return a.id < b.id; };
    // The `limit + 1` smallest ids past `after`, as a heap with the largest on top; the extra one says there is more.
    std::vector<Entry> page;
    page.reserve(request.limit + 2);
    const auto pinned = cell.pin();
    for (std::size_t i = 0; i < pinned->segments.size(); ++i) {
        const SegmentState& state = *pinned->segments[i];
        for (std::uint32_t row = 0; row < state.row_count; ++row) {
            const PointId id = state.ids[row];
            if (request.after.has_value() && id <= *request.after) continue;
            if (page.size() > request.limit && id > page.front().id) continue;
            if (!state.alive(row) || !(program.admits_all() || row_matches(program, state, row, pinned->last))) continue;
            page.push_back({id, i, row});
            std::push_heap(page.begin(), page.end(), by_id);
            if (page.size() <= request.limit + 1) continue;
            std::pop_heap(page.begin(), page.end(), by_id);
            page.pop_back();
        }
    }
    std::sort_heap(page.begin(), page.end(), by_id);
    std::optional<PointId> next;
    if (page.size() > request.limit) {
        page.pop_back();
        next = page.back().id;
    }
    for (const Entry& entry : page) sink(point_at(*pinned, entry.segment, entry.row, request.select));
    return next;
}

}  // namespace sextant::inline v1::detail
