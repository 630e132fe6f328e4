#include "sextant/segment/field_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

#include "segment/field_scan.hpp"
#include "sextant/quantizer/float_scorer.hpp"

namespace sextant::inline v1::detail {
namespace {

const std::stop_token never_stopped;

// --- which way -------------------------------------------------------------------------------------------------------

/// Rows a graph search scores for each entry of its pool: 10 to 30 over the data sets we measure.
constexpr std::uint64_t scored_per_ef = 16;
/// Candidates read between two looks at which of the others may still be among the best.
constexpr std::size_t rows_per_turn = 8;
/// A filter that admits at least this share is applied after the search, over a pool that much larger.
constexpr double soft_share = 0.7;

/// Whether scanning `admitted` of `rows` rows is at most as much work as walking the graph. The walk passes through
/// rows that are not admitted, so it scores 1/share times as many.
bool scan_is_cheaper(std::uint64_t admitted, std::uint64_t rows, std::size_t ef) noexcept {
    const double share = static_cast<double>(admitted) / static_cast<double>(rows);
    const auto walk = static_cast<double>(scored_per_ef * ef);
    if (share >= soft_share) return static_cast<double>(admitted) <= walk / 2;
    return admitted <= 2048 || share < 0.003 || static_cast<double>(admitted) <= walk / share;
}

// --- rows that came after the search began ---------------------------------------------------------------------------

/// Scores only rows below a limit. The graph of a growing field gains rows while a search walks it, and their codes may
/// lie in a newer code section than the one the search has bound.
struct LimitedScorer {
    RowScorer inner;
    std::uint32_t limit;

    static void score(const void* state, const RowId* rows, std::size_t count, float* out) noexcept {
        const auto& self = *static_cast<const LimitedScorer*>(state);
        std::uint32_t beyond = 0;
        for (std::size_t i = 0; i < count; ++i) beyond |= to_index(rows[i]) >= self.limit ? 1U : 0U;
        if (SEXTANT_LIKELY(beyond == 0)) return self.inner.score_rows(self.inner.state, rows, count, out);
        for (std::size_t i = 0; i < count; ++i) {
            out[i] = std::numeric_limits<float>::max();
            if (to_index(rows[i]) < self.limit) self.inner.score_rows(self.inner.state, rows + i, 1, out + i);
        }
    }
    static void prefetch(const void* state, RowId row) noexcept {
        const auto& self = *static_cast<const LimitedScorer*>(state);
        if (to_index(row) < self.limit) self.inner.prefetch(row);
    }
};

class Search {
public:
    Search(const FieldView& view, const FieldQuery& query, std::uint32_t row_count, FieldScratch& scratch,
           std::span<Neighbor> out) noexcept
        : view_(view), query_(query), row_count_(row_count), scratch_(scratch), out_(out) {}

    FieldAnswer run();

private:
    void prepare();
    void choose_pool();
    void bind_codes();
    void find_candidates();
    void walk_graph(TopRows* tail);
    void scan_all();
    [[nodiscard]] std::span<Neighbor> walk(const RowFilter& filter, std::size_t ef, std::size_t wanted);
    [[nodiscard]] RowFilter safe_filter();
    void scan(std::uint32_t first, std::uint32_t last, TopRows& top);
    void rescore();
    void rescore_in_waves();
    [[nodiscard]] bool score_raw(std::span<Neighbor> rows);
    [[nodiscard]] bool score_in_turns(std::span<Neighbor> rows, std::size_t best);
    void finish(std::span<Neighbor> ranked);

    [[nodiscard]] bool passes(RowId row) const noexcept { return to_index(row) < row_count_ && query_.filter(row); }
    [[nodiscard]] const RowScorer& raw() { return raw_from(view_.raw); }
    [[nodiscard]] const RowScorer& raw_from(RowSource source) {
        if (raw_.state == nullptr || source.base != raw_base_) {
            raw_ = bind_floats(view_.metric, query_.vector, source, scratch_.query);
            raw_base_ = source.base;
        }
        return raw_;
    }
    [[nodiscard]] bool coded() const noexcept { return coded_ > 0; }
    /// A bound of -inf is one, which nothing lies within.
    [[nodiscard]] bool bounded() const noexcept { return query_.bound != std::numeric_limits<float>::infinity(); }

    const FieldView& view_;
    const FieldQuery& query_;
    std::uint32_t row_count_;
    FieldScratch& scratch_;
    std::span<Neighbor> out_;

    FieldAnswer answer_;
    std::size_t count_ = 0;   ///< rows to return
    std::size_t ranked_ = 0;  ///< rows to rank: one more where it must be known whether more lie within the bound
    std::size_t want_ = 0;    ///< candidates to collect
    std::size_t ef_ = 0;
    std::uint64_t admitted_ = 0;
    std::uint32_t coded_ = 0;  ///< rows [0, coded_) are scored by codes
    bool listed_ = false;
    bool rescore_ = false;
    CodeTrust trust_ = CodeTrust::estimate;
    RowScorer raw_;
    const std::byte* raw_base_ = nullptr;  ///< what raw_ is bound to
    RowScorer codes_;
    ScanBuffers buffers_;
    std::span<Neighbor> candidates_;
};

void Search::prepare() {
    scratch_.query.reset();
    admitted_ = query_.filter.admits_all() ? row_count_ : std::min<std::uint64_t>(query_.admitted_count, row_count_);
    count_ = static_cast<std::size_t>(std::min<std::uint64_t>({query_.count, out_.size(), admitted_}));
    ranked_ = std::min<std::size_t>(count_ + (bounded() ? 1 : 0), admitted_);
    listed_ = !query_.filter.admits_all() && admitted_ * 2 < row_count_;
}

void Search::bind_codes() {
    if (query_.exact || view_.codec == nullptr) return;
    coded_ = std::min(view_.coded, row_count_);
    if (!coded()) return;
    codes_ = view_.codec->bind(query_.vector, view_.codes, scratch_.query);
    trust_ = view_.codec->trust(codes_);
    rescore_ = query_.rescore && !(view_.lossless && trust_ == CodeTrust::exact);
}

/// How many candidates rescoring gets. With a bound, most of them are then passed over unread. `depth`: as many are
/// enough, by measurement; 0: nobody knows.
std::size_t candidates_for(const FieldQuery& query, std::size_t ef, std::size_t ranked, std::size_t depth,
                           CodeTrust trust) noexcept {
    if (query.oversampling > 0.0F) {
        const double asked = std::ceil(double{query.oversampling} * static_cast<double>(query.count));
        return std::max(ranked, static_cast<std::size_t>(std::min(asked, 1e9)));
    }
    // A bound passes over most of the pool unread. Without one, half of it: a pool grows with the recall that is asked
    // for, and reading its far half finds nothing more.
    std::size_t usual = std::max(4 * ranked, ef);
    if (trust == CodeTrust::estimate) {
        usual = depth != 0 ? depth : std::max(ranked + std::max<std::size_t>(ranked / 2, 10), ef / 2);
    }
    return std::max(std::min(usual, ef), ranked);
}

/// Where recall is asked for, or nothing, the segment's own measurements choose the pool.
void Search::choose_pool() {
    ef_ = query_.ef;
    if (view_.calibration == nullptr) return;
    if (query_.recall_target > 0.0F) {
        ef_ = std::max(view_.calibration->ef_for(query_.recall_target, ranked_), ranked_);
    } else if (query_.usual_ef && rescore_) {
        ef_ = std::max(ef_, view_.calibration->depth_for(ranked_));
    }
}

FieldAnswer Search::run() {
    prepare();
    if (count_ == 0) return answer_;
    bind_codes();
    choose_pool();
    if (coded_ < row_count_) {  // raw vectors are scored where they lie
        const std::stop_token& stop = query_.stop == nullptr ? never_stopped : *query_.stop;
        if (auto readable = view_.vectors->check_all(stop); !readable) {
            answer_.counters.stopped = stop.stop_requested();
            if (!answer_.counters.stopped) answer_.failure = std::move(readable).error();
            return answer_;
        }
    }
    const std::size_t depth = view_.calibration == nullptr ? 0 : view_.calibration->depth_for(ranked_);
    want_ = rescore_ ? candidates_for(query_, ef_, ranked_, depth, trust_) : ranked_;
    want_ = static_cast<std::size_t>(std::min<std::uint64_t>(want_, admitted_));
    buffers_ = ScanBuffers::take(scratch_.query);
    find_candidates();
    if (rescore_) {
        rescore();
    } else {
        finish(candidates_);
    }
    return answer_;
}

void Search::scan(std::uint32_t first, std::uint32_t last, TopRows& top) {
    const std::uint32_t codes_end = std::clamp(coded_, first, last);
    if (first < codes_end) {
        scan_rows(codes_, first, codes_end, query_.filter, listed_, query_.stop, buffers_, top, answer_.counters);
    }
    if (codes_end < last && !answer_.counters.stopped) {
        scan_rows(raw(), codes_end, last, query_.filter, listed_, query_.stop, buffers_, top, answer_.counters);
    }
}

void Search::scan_all() {
    answer_.plan = coded() ? FieldPlan::scan_codes : FieldPlan::scan_raw;
    TopRows top(scratch_.query.take<Neighbor>(want_));
    scan(0, row_count_, top);
    candidates_ = top.sorted();
}

void Search::find_candidates() {
    const std::uint32_t linked = std::min(view_.linked, row_count_);
    // A graph over codes can be walked only where each of its rows has one.
    const bool walkable = !query_.exact && linked > 0 && (!coded() || view_.coded >= view_.linked);
    if (!walkable || scan_is_cheaper(admitted_, row_count_, std::max(ef_, want_))) return scan_all();
    if (linked == row_count_) {
        answer_.plan = FieldPlan::graph;
        walk_graph(nullptr);
    } else {
        answer_.plan = FieldPlan::graph_and_tail;
        TopRows top(scratch_.query.take<Neighbor>(want_));
        walk_graph(&top);
        if (!answer_.counters.stopped) scan(linked, row_count_, top);
        candidates_ = top.sorted();
    }
    // Never short in silence: a walk can miss admitted rows that lie behind others. Then every row is looked at.
    if (candidates_.size() < count_ && !answer_.counters.stopped) scan_all();
}

/// The graph's best rows that pass, closest first.
void Search::walk_graph(TopRows* tail) {
    const double share = static_cast<double>(admitted_) / static_cast<double>(row_count_);
    const std::size_t ef = std::max(ef_, want_);
    std::span<Neighbor> found;
    if (share >= soft_share) {
        // Few rows are refused: a plain walk over a pool with room for them is faster than one that asks at each row.
        const double grow = 1.0 / share;
        const auto wide = [grow](std::size_t n) { return static_cast<std::size_t>(static_cast<double>(n) * grow); };
        const std::size_t slack = share < 1.0 || view_.growing ? 16 : 0;
        found = walk({}, wide(ef), wide(want_) + slack);
    }
    const bool few = found.size() < std::min<std::size_t>(count_, view_.linked);
    if (few && !query_.filter.admits_all() && !answer_.counters.stopped) found = walk(safe_filter(), ef, want_);
    found = found.first(std::min(found.size(), want_));
    if (tail == nullptr) {
        candidates_ = found;
    } else {
        for (const Neighbor& neighbor : found) tail->offer(neighbor);
    }
}

std::span<Neighbor> Search::walk(const RowFilter& filter, std::size_t ef, std::size_t wanted) {
    RowScorer scorer = coded() ? codes_ : raw();
    if (coded() && view_.growing) {
        const LimitedScorer limited{scorer, view_.coded};
        scorer = {scratch_.query.make(limited), LimitedScorer::score, nullptr, LimitedScorer::prefetch};
    }
    const auto room = scratch_.query.take<Neighbor>(wanted);
    const SearchParams params{.ef = std::max(ef, wanted), .stop = query_.stop};
    const std::size_t found = view_.graph->search(scorer, filter, params, scratch_.graph, room, answer_.counters);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < found; ++i) {
        if (passes(room[i].row)) room[kept++] = room[i];
    }
    return room.first(kept);
}

/// The query's filter as a bitmap that covers every row the graph may hold before the search ends.
RowFilter Search::safe_filter() {
    if (!view_.growing && view_.linked <= row_count_) return query_.filter;
    const std::size_t word_count = (std::size_t{std::max(view_.max_rows, row_count_)} + 63) / 64;
    const auto words = scratch_.query.take<std::uint64_t>(word_count);
    const std::size_t covered = (std::size_t{row_count_} + 63) / 64;
    for (std::size_t w = 0; w < covered; ++w) {
        std::uint64_t bits = ~std::uint64_t{0};
        if (query_.filter.admitted.words != nullptr) {
            bits &= __atomic_load_n(query_.filter.admitted.words + w, __ATOMIC_RELAXED);
        }
        if (query_.filter.deleted.words != nullptr) {
            bits &= ~__atomic_load_n(query_.filter.deleted.words + w, __ATOMIC_RELAXED);
        }
        words[w] = bits;
    }
    if (row_count_ % 64 != 0) words[covered - 1] &= (std::uint64_t{1} << (row_count_ % 64)) - 1;
    std::fill(words.begin() + static_cast<std::ptrdiff_t>(covered), words.end(), std::uint64_t{0});
    return {.admitted = {words.data(), word_count * 64}, .deleted = {}};
}

// --- raw vectors rank ------------------------------------------------------------------------------------------------

/// Replaces distances by those of raw vectors. False: they could not be read.
bool Search::score_raw(std::span<Neighbor> rows) {
    for (std::size_t first = 0; first < rows.size(); first += scan_chunk) {
        const std::size_t count = std::min(scan_chunk, rows.size() - first);
        for (std::size_t i = 0; i < count; ++i) buffers_.rows[i] = rows[first + i].row;
        auto read = view_.vectors->read(buffers_.rows.first(count), scratch_.query);
        if (!read) {
            answer_.failure = std::move(read).error();
            return false;
        }
        raw_from(read->source).score(read->rows, buffers_.distances);
        for (std::size_t i = 0; i < count; ++i) rows[first + i].distance = buffers_.distances[i];
        answer_.counters.scored += count;
    }
    return true;
}

/// The first `best` have been read. Reads of the others those that may still get in, and leaves the best in front.
bool Search::score_in_turns(std::span<Neighbor> rows, std::size_t best) {
    const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(best);
    const auto closer = [](const Neighbor& a, const Neighbor& b) { return a.distance < b.distance; };
    for (std::size_t next = best; next < rows.size();) {
        const float worst = std::max_element(rows.begin(), middle, closer)->distance;
        std::size_t end = best;
        for (; next < rows.size() && end < best + rows_per_turn; ++next) {
            const Neighbor& row = rows[next];
            if (view_.codec->lower_bound(codes_, row.row, row.distance) <= worst) std::swap(rows[end++], rows[next]);
        }
        if (!score_raw(rows.subspan(best, end - best))) return false;
        std::nth_element(rows.begin(), middle - 1, rows.begin() + static_cast<std::ptrdiff_t>(end));
    }
    return true;
}

void Search::rescore() {
    if (view_.vectors->in_file()) return rescore_in_waves();
    std::span<Neighbor> rows = candidates_;
    const std::size_t first = std::min(ranked_, rows.size());
    // Candidates are sorted by code distance. Once as many as are wanted have been read, only those may still get in
    // whose true distance can be below the worst of these.
    if (!score_raw(rows.first(first))) return;
    std::size_t kept = first;
    if (trust_ == CodeTrust::estimate || query_.oversampling > 0.0F) {
        kept = rows.size();
    } else if (view_.codec->bounds_rows()) {
        if (!score_in_turns(rows, first)) return;
    } else if (first < rows.size()) {
        float worst = std::numeric_limits<float>::lowest();
        for (const Neighbor& row : rows.first(first)) worst = std::max(worst, row.distance);
        for (std::size_t i = first; i < rows.size(); ++i) {
            if (view_.codec->lower_bound(codes_, rows[i].row, rows[i].distance) <= worst) rows[kept++] = rows[i];
        }
    }
    if (!score_raw(rows.subspan(first, kept - first))) return;
    rows = rows.first(kept);
    std::sort(rows.begin(), rows.end());
    finish(rows);
}

/// Rows that are read at once at most: a disk that works on fewer does less.
constexpr std::size_t rows_per_wave = 128;

/// As rescore(), for rows that a disk may have to read: twice as many as are wanted first, then those whose true distance
/// can still be below the worst of the best. The first wave costs what one row costs, or little more, and the better that
/// worst is known the fewer follow.
void Search::rescore_in_waves() {
    const std::span<Neighbor> rows = candidates_;
    const bool bounded_codes = trust_ != CodeTrust::estimate && query_.oversampling <= 0.0F;
    TopRows top(scratch_.query.take<Neighbor>(ranked_));
    std::size_t wave = bounded_codes ? std::min(2 * ranked_, rows_per_wave) : rows_per_wave;
    std::size_t next = 0;
    std::size_t kept = 0;
    while (next < rows.size()) {
        // Not before the first wave: what was found by then is still to be ranked.
        if (next > 0 && query_.stop != nullptr && query_.stop->stop_requested()) {
            answer_.counters.stopped = true;
            break;
        }
        std::size_t count = 0;
        for (; next < rows.size() && count < wave; ++next) {
            const Neighbor row = rows[next];
            const bool hopeless =
                bounded_codes && view_.codec->lower_bound(codes_, row.row, row.distance) > top.worst();
            if (!hopeless) rows[kept + count++] = row;
        }
        if (!score_raw(rows.subspan(kept, count))) return;
        for (const Neighbor& row : rows.subspan(kept, count)) top.offer(row);
        kept += count;
        wave = rows_per_wave;
    }
    finish(top.sorted());
}

void Search::finish(std::span<Neighbor> ranked) {
    std::size_t within = 0;
    while (within < ranked.size() && ranked[within].distance <= query_.bound) ++within;
    answer_.found = std::min(within, count_);
    std::copy_n(ranked.begin(), answer_.found, out_.begin());
    // Without a bound every admitted row lies within it.
    answer_.more_within_bound = bounded() ? within > count_ : admitted_ > answer_.found;
}

}  // namespace

FieldAnswer search_field(const FieldView& view, const FieldQuery& query, std::uint32_t row_count, FieldScratch& scratch,
                         std::span<Neighbor> out) noexcept {
    try {
        return Search(view, query, row_count, scratch, out).run();
    } catch (const std::bad_alloc&) {
        FieldAnswer nothing;
        nothing.counters.stopped = true;  // no memory for the scratch: an answer that says it is not complete
        return nothing;
    }
}

}  // namespace sextant::inline v1::detail
