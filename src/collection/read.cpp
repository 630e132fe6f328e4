/// read: get, scroll, count.
#include <algorithm>

#include "core/format_text.hpp"
#include "core_state.hpp"
#include "filter_rows.hpp"
#include "read_vector.hpp"
#include "sextant/core/limits.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Makes PointRefs of one version; each lives until the next one.
class PointReader {
public:
    PointReader(const CoreState& core, const Version& version, const Select& select)
        : dimension_(core.options.dimension), version_(version), select_(select) {
        if (select.vector) scratch_.emplace(core.scratches);
    }

    [[nodiscard]] Result<PointRef> read(std::size_t segment, std::uint32_t row) {
        const SegmentState& state = *version_.segments[segment];
        PointRef point;
        point.id = state.ids[row];
        point.version = state.version(row, version_.last);
        if (select_.payload) point.payload = state.payload(row, version_.last);
        if (select_.vector) {
            SEXTANT_TRY_ASSIGN(point.vector, read_vector(state, RowId{row}, dimension_, (*scratch_)->field.query));
        }
        return point;
    }

private:
    std::size_t dimension_;
    const Version& version_;
    Select select_;
    std::optional<ScratchPool::Lease> scratch_;
};

/// The `limit + 1` smallest ids past `after`, of the rows it is shown; the extra one says that there is more.
class PageBuilder {
public:
    struct Entry {
        PointId id;
        std::size_t segment;
        std::uint32_t row;
    };

    PageBuilder(const Version& version, const ScrollRequest& request, const FilterProgram& program)
        : version_(version), request_(request), program_(program) {
        page_.reserve(request.limit + 2);
    }

    void add_segment(std::size_t index) {
        const SegmentState& state = *version_.segments[index];
        const auto order = state.segment->order().get(state.ids, state.row_count);
        std::uint32_t scanned_from = 0;
        if (order != nullptr) {
            const auto rows = order->rows();
            const std::size_t first = request_.after.has_value() ? order->after(state.ids, *request_.after) : 0;
            for (std::size_t at = first; at < rows.size(); ++at) {
                if (is_full() && state.ids[rows[at]] > page_.front().id) break;
                add_row(index, rows[at]);
            }
            scanned_from = order->size();
        }
        for (std::uint32_t row = scanned_from; row < state.row_count; ++row) add_row(index, row);
    }

    /// In ascending order; `next` is set when there are more.
    [[nodiscard]] std::vector<Entry> finish(std::optional<PointId>& next) {
        std::sort_heap(page_.begin(), page_.end(), by_id);
        if (is_full()) {
            page_.pop_back();
            next = page_.back().id;
        }
        return std::move(page_);
    }

private:
    static bool by_id(const Entry& a, const Entry& b) noexcept { return a.id < b.id; }
    [[nodiscard]] bool is_full() const noexcept { return page_.size() > request_.limit; }

    void add_row(std::size_t index, std::uint32_t row) {
        const SegmentState& state = *version_.segments[index];
        if (!state.alive(row)) return;  // an order may also name rows that came after this version
        const PointId id = state.ids[row];
        if (request_.after.has_value() && id <= *request_.after) return;
        if (is_full() && id > page_.front().id) return;
        if (!program_.admits_all() && !row_matches(program_, state, row, version_.last)) return;
        page_.push_back({id, index, row});
        std::push_heap(page_.begin(), page_.end(), by_id);
        if (page_.size() <= request_.limit + 1) return;
        std::pop_heap(page_.begin(), page_.end(), by_id);
        page_.pop_back();
    }

    const Version& version_;
    const ScrollRequest& request_;
    const FilterProgram& program_;
    std::vector<Entry> page_;  // a heap with the largest id on top
};

}  // namespace

Result<void> CoreState::get(std::span<const PointId> ids, const Select& select,
                            FunctionRef<void(const PointRef&)> sink) const {
    SEXTANT_TRY(check_open());
    const auto pinned = cell.pin();
    SEXTANT_TRY(check_open(*pinned));
    PointReader reader(*this, *pinned, select);
    for (const PointId& id : ids) {
        const Version::Place place = pinned->find(id, id.hash());
        if (place.row == no_row) continue;
        SEXTANT_TRY_ASSIGN(const PointRef point, reader.read(place.segment, to_index(place.row)));
        sink(point);
    }
    return {};
}

Result<std::uint64_t> CoreState::count(const Filter& filter) const {
    SEXTANT_TRY(check_open());
    SEXTANT_TRY_ASSIGN(const FilterProgram program, FilterProgram::compile(filter));
    // A count, not an epoch: an epoch held for a whole scan would keep every version written meanwhile.
    const SharedVersion<Version> held = cell.share();
    SEXTANT_TRY(check_open(*held));
    if (program.admits_all()) return held->live_count;
    std::uint64_t total = 0;
    for (const auto& state : held->segments) {
        for_each_match(program, *state, held->last, nullptr, [&](std::uint32_t) { ++total; });
    }
    return total;
}

Result<std::optional<PointId>> CoreState::scroll(const ScrollRequest& request,
                                                 FunctionRef<void(const PointRef&)> sink) const {
    SEXTANT_TRY(check_open());
    if (request.limit == 0 || request.limit > limits::max_k) {
        return invalid_argument(format_text("limit: got {}, expected 1 to {}", request.limit, limits::max_k));
    }
    SEXTANT_TRY_ASSIGN(const FilterProgram program, FilterProgram::compile(request.filter));
    const SharedVersion<Version> held = cell.share();  // the first page may sort a segment
    SEXTANT_TRY(check_open(*held));
    PageBuilder page(*held, request, program);
    for (std::size_t i = 0; i < held->segments.size(); ++i) page.add_segment(i);
    std::optional<PointId> next;
    PointReader reader(*this, *held, request.select);
    for (const PageBuilder::Entry& entry : page.finish(next)) {
        SEXTANT_TRY_ASSIGN(const PointRef point, reader.read(entry.segment, entry.row));
        sink(point);
    }
    return next;
}

}  // namespace sextant::inline v1::detail
