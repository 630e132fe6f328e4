#include "search.hpp"

#include <algorithm>
#include <cmath>

#include "core/format_text.hpp"
#include "filter_rows.hpp"
#include "read_vector.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/format/calibration.hpp"

namespace sextant::inline v1::detail {
namespace {

/// As deep as a segment looks when it tests itself.
constexpr float most_oversampling = Calibration::most_oversampling;

std::size_t pool_size(const SearchRequest& request) noexcept {
    const std::size_t wanted = request.offset + request.k;
    return std::max(request.ef.value_or(usual_ef(request.k)), wanted);
}

void count_plan(FieldPlan plan, SearchPlan& into) noexcept {
    const bool graph = plan == FieldPlan::graph || plan == FieldPlan::graph_and_tail;
    (graph ? into.segments_by_graph : into.segments_scanned) += 1;
}

}  // namespace

Result<void> validate_request(const SearchRequest& request, const CoreOptions& options) {
    SEXTANT_TRY(validate_vector(request.vector, options.dimension, "vector"));
    if (request.k == 0 || request.k > limits::max_k) {
        return invalid_argument(format_text("k: got {}, expected 1 to {}", request.k, limits::max_k));
    }
    if (request.offset > limits::max_offset) {
        return invalid_argument(format_text("offset: got {}, expected 0 to {}", request.offset, limits::max_offset));
    }
    if (request.ef.has_value() && (*request.ef == 0 || *request.ef > limits::max_ef)) {
        return invalid_argument(format_text("ef: got {}, expected 1 to {}", *request.ef, limits::max_ef));
    }
    if (request.recall_target.has_value()) {
        const float got = *request.recall_target;
        if (!(got > 0.0F && got <= 1.0F)) {
            return invalid_argument(format_text("recall_target: got {}, expected more than 0, at most 1", got));
        }
        if (request.ef.has_value()) return invalid_argument("recall_target: given, but ef is given as well");
        if (!request.rescore) {
            return invalid_argument("recall_target: given, but rescore is false: it is measured with rescoring");
        }
    }
    if (request.oversampling.has_value()) {
        const float got = *request.oversampling;
        if (!(got >= 1.0F && got <= most_oversampling)) {
            return invalid_argument(format_text("oversampling: got {}, expected 1 to {}", got, most_oversampling));
        }
        if (!request.rescore) {
            return invalid_argument("oversampling: given, but rescore is false: nothing would be sampled");
        }
    }
    if (request.score_threshold.has_value()) {
        if (std::isnan(*request.score_threshold)) {
            return invalid_argument("score_threshold: got nan, expected a number");
        }
        if (!request.rescore) {
            return invalid_argument("score_threshold: given, but rescore is false: a threshold needs exact scores");
        }
    }
    return {};
}

bool Searcher::admit(const SegmentState& state, const FilterProgram* program, const std::stop_token& stop,
                     RowFilter& filter, std::uint64_t& admitted) {
    filter.deleted = state.deleted_view();
    admitted = state.live_count;
    if (program == nullptr || program->admits_all()) return true;
    // For every row the segment can have: a graph may know rows that this version does not, and they pass no filter.
    auto& words = scratch_.admitted;
    words.assign((std::size_t{state.segment->max_rows()} + 63) / 64, 0);
    admitted = 0;
    const bool whole = for_each_match(*program, state, version_.last, &stop, [&](std::uint32_t row) {
        words[row >> 6U] |= std::uint64_t{1} << (row & 63U);
        ++admitted;
    });
    filter.admitted = {words.data(), words.size() * 64};
    return whole;
}

Result<void> Searcher::search_segment(std::uint32_t index, const FieldQuery& query, SearchOutcome& outcome,
                                      bool& more) {
    const SegmentState& state = *version_.segments[index];
    const FieldRows& rows = state.segment->field(0);
    auto& found = scratch_.found;
    if (found.size() < query.count) found.resize(query.count);
    FieldAnswer answer = rows.search(query, state.row_count, scratch_.field, found);
    if (answer.failure.has_value()) return std::move(*answer.failure);
    outcome.visited += answer.counters.scored;
    count_plan(answer.plan, outcome.plan);
    more = more || answer.more_within_bound;
    if (answer.counters.stopped) outcome.complete = false;
    for (std::size_t i = 0; i < answer.found; ++i) {
        scratch_.merged.push_back({found[i].distance, index, found[i].row});
    }
    return {};
}

void Searcher::rank(std::size_t offset, std::size_t k) {
    auto& merged = scratch_.merged;
    // Ties by id, so that it does not matter which segment a point lies in.
    std::sort(merged.begin(), merged.end(), [this](const SegmentNeighbor& a, const SegmentNeighbor& b) {
        if (a.distance != b.distance) return a.distance < b.distance;
        return version_.segments[a.segment]->ids[to_index(a.row)] < version_.segments[b.segment]->ids[to_index(b.row)];
    });
    const std::size_t begin = std::min(offset, merged.size());
    hits_ = std::span<const SegmentNeighbor>(merged).subspan(begin, std::min(k, merged.size() - begin));
}

Result<SearchOutcome> Searcher::find(const SearchRequest& request, const FilterProgram* program) {
    SearchOutcome outcome;
    outcome.plan.filtered = program != nullptr && !program->admits_all();
    scratch_.merged.clear();
    const std::size_t wanted = request.offset + request.k;
    const VectorField& field = *core_.fields[0];
    bool more = false;
    for (std::uint32_t i = 0; i < version_.segments.size(); ++i) {
        const SegmentState& state = *version_.segments[i];
        FieldQuery query{.vector = request.vector,
                         .count = wanted,
                         .ef = pool_size(request),
                         .usual_ef = !request.ef.has_value(),
                         .recall_target = request.recall_target.value_or(0.0F),
                         .exact = request.exact || request.recall_target == 1.0F,
                         .rescore = request.rescore,
                         .oversampling = request.oversampling.value_or(0.0F),
                         .stop = &request.stop_token};
        if (request.score_threshold.has_value()) query.bound = field.from_score(*request.score_threshold);
        if (request.stop_token.stop_requested() ||
            !admit(state, program, request.stop_token, query.filter, query.admitted_count)) {
            outcome.complete = false;
            break;
        }
        outcome.plan.admitted += query.admitted_count;
        if (query.admitted_count == 0) {
            ++outcome.plan.segments_skipped;
            continue;
        }
        SEXTANT_TRY(search_segment(i, query, outcome, more));
    }
    more = more || scratch_.merged.size() > wanted;
    if (request.score_threshold.has_value() && more) outcome.complete = false;
    rank(request.offset, request.k);
    return outcome;
}

Result<PointRef> Searcher::point(const SegmentNeighbor& hit, const Select& select) const {
    const SegmentState& state = *version_.segments[hit.segment];
    const std::uint32_t row = to_index(hit.row);
    PointRef point;
    point.id = state.ids[row];
    point.score = core_.fields[0]->to_score(hit.distance);
    if (select.payload) point.payload = state.payload(row, version_.last);
    if (select.vector) {
        // Of this point alone: what was read for the search is not needed any more.
        SEXTANT_TRY_ASSIGN(point.vector, read_vector(state, hit.row, core_.options.dimension, scratch_.field.query));
    }
    return point;
}

Result<void> Searcher::find_exact(std::span<const SearchRequest* const> requests, const FilterProgram* program,
                                  FunctionRef<Result<void>(std::size_t, const SearchOutcome&)> done) {
    const SearchRequest& first = *requests[0];
    const std::size_t wanted = first.offset + first.k;
    std::vector<FieldQuery> queries(requests.size());
    std::vector<std::vector<SegmentNeighbor>> merged(requests.size());
    std::vector<Neighbor> found(requests.size() * wanted);
    std::vector<std::size_t> counts(requests.size());
    SearchOutcome outcome;
    outcome.plan.filtered = program != nullptr && !program->admits_all();
    // The filter is evaluated for all of them: a token that only some have must not cut it short.
    const bool one_token = std::all_of(requests.begin(), requests.end(), [&first](const SearchRequest* request) {
        return request->stop_token == first.stop_token;
    });
    const std::stop_token shared_stop = one_token ? first.stop_token : std::stop_token();
    for (std::uint32_t i = 0; i < version_.segments.size(); ++i) {
        const SegmentState& state = *version_.segments[i];
        RowFilter filter;
        std::uint64_t admitted = 0;
        if (!admit(state, program, shared_stop, filter, admitted)) outcome.complete = false;
        outcome.plan.admitted += admitted;
        (admitted == 0 ? outcome.plan.segments_skipped : outcome.plan.segments_scanned) += 1;
        if (admitted == 0) continue;
        outcome.visited += admitted;
        for (std::size_t q = 0; q < requests.size(); ++q) {
            queries[q] = {.vector = requests[q]->vector,
                          .count = wanted,
                          .ef = wanted,
                          .exact = true,
                          .filter = filter,
                          .admitted_count = admitted,
                          .stop = &requests[q]->stop_token};
        }
        if (auto readable = state.segment->field(0).vectors().check_all(shared_stop); !readable) {
            if (!shared_stop.stop_requested()) return std::move(readable).error();
            outcome.complete = false;
            continue;
        }
        if (!state.segment->field(0).search_exact_batch(queries, state.row_count, scratch_.field, found, counts)) {
            outcome.complete = false;
        }
        for (std::size_t q = 0; q < requests.size(); ++q) {
            for (std::size_t n = 0; n < counts[q]; ++n) {
                const Neighbor& neighbor = found[q * wanted + n];
                merged[q].push_back({neighbor.distance, i, neighbor.row});
            }
        }
    }
    for (std::size_t q = 0; q < requests.size(); ++q) {
        SearchOutcome own = outcome;
        if (requests[q]->stop_token.stop_requested()) own.complete = false;
        scratch_.merged.swap(merged[q]);
        rank(first.offset, first.k);
        SEXTANT_TRY(done(q, own));
    }
    return {};
}

}  // namespace sextant::inline v1::detail
