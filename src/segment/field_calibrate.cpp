#include "segment/field_calibrate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <new>
#include <utility>
#include <vector>

#include "segment/field_scan.hpp"
#include "sextant/core/page_allocator.hpp"
#include "sextant/core/random.hpp"

namespace sextant::inline v1::detail {
namespace {

constexpr std::size_t recall_at = 10;
/// One more than are counted: the query's own row is among them.
constexpr std::size_t wanted = recall_at + 1;
/// True neighbours that are asked for: those as far away as the last that counts are among them, but for crowds of equals.
constexpr std::size_t exact_wanted = 32;
constexpr std::size_t deepest = static_cast<std::size_t>(Calibration::most_oversampling) * recall_at + 1;

constexpr std::uint32_t fewest_rows = 256;
constexpr std::uint64_t most_queries = 128;
constexpr std::uint64_t fewest_queries = 24;
/// A query for each so many rows: the test is then a small part of what making the segment takes.
constexpr std::uint64_t rows_per_query = 64;
/// Floats that all exact scans together may look at: about half a second.
constexpr std::uint64_t most_floats = std::uint64_t{1} << 32U;

constexpr std::array<std::uint32_t, 12> efs = {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512};
/// Larger pools have nothing to add.
constexpr float enough_recall = 0.9995F;

Error cancelled() { return Error{ErrorCode::cancelled, "the self-test of a vector field was cancelled"}; }
Error no_memory() { return Error{ErrorCode::resource_exhausted, "the self-test of a vector field had no memory left"}; }

std::size_t query_count(std::uint32_t rows, std::size_t dimension) noexcept {
    const std::uint64_t by_work = most_floats / (std::uint64_t{rows} * dimension);
    const std::uint64_t by_rows = rows / rows_per_query;
    return static_cast<std::size_t>(std::clamp(std::min(by_work, by_rows), fewest_queries, most_queries));
}

class SelfTest {
public:
    SelfTest(const FieldView& view, std::size_t dimension, std::uint32_t row_count, const std::stop_token& stop)
        : view_(view), dimension_(dimension), row_count_(row_count), stop_(stop) {
        const std::size_t count = query_count(row_count, dimension);
        Random random(row_count);
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t begin = i * row_count / count;
            const std::uint64_t end = (i + 1) * row_count / count;
            rows_.push_back(RowId{static_cast<std::uint32_t>(begin + random.below(end - begin))});
        }
    }

    Result<Calibration> run(MemoryAccount& account) {
        const std::size_t bytes = rows_.size() * (dimension_ * sizeof(float) + exact_wanted * sizeof(Neighbor));
        SEXTANT_TRY_ASSIGN(const MemoryCharge charge, MemoryCharge::take(account, bytes));
        SEXTANT_TRY(view_.vectors->check_all(stop_));
        SEXTANT_TRY(read_sample());
        SEXTANT_TRY(find_exact());
        Calibration result;
        result.queries = static_cast<std::uint32_t>(rows_.size());
        if (view_.codec != nullptr) SEXTANT_TRY(measure_codes(result));
        SEXTANT_TRY(measure_graph(result));
        return result;
    }

private:
    Result<void> read_sample() {
        sample_.resize(rows_.size() * dimension_);
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            scratch_.query.reset();
            SEXTANT_TRY_ASSIGN(const VectorRows read, view_.vectors->read({&rows_[i], 1}, scratch_.query));
            const std::span<float> own = std::span(sample_).subspan(i * dimension_, dimension_);
            const VectorView vector = read.vector(0, dimension_, own.data());
            if (vector.data() != own.data()) std::copy(vector.begin(), vector.end(), own.begin());
        }
        return {};
    }

    [[nodiscard]] FieldQuery query(std::size_t i, std::size_t ef) const {
        return {.vector = VectorView(sample_).subspan(i * dimension_, dimension_),
                .count = wanted,
                .ef = ef,
                .admitted_count = row_count_,
                .stop = &stop_};
    }

    Result<void> find_exact() {
        const std::size_t count = std::min<std::size_t>(exact_wanted, row_count_);
        std::vector<FieldQuery> queries;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            queries.push_back(query(i, count));
            queries.back().count = count;
            queries.back().exact = true;
        }
        std::vector<Neighbor> found(rows_.size() * count);
        std::vector<std::size_t> counts(rows_.size());
        const bool whole = search_field_batch(view_, queries, row_count_, scratch_, found, counts);
        if (stop_.stop_requested()) return cancelled();
        if (!whole) return no_memory();
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            truths_.push_back(truth_of(rows_[i], std::span(found).subspan(i * count, count)));
        }
        return {};
    }

    /// Rows that may be hits. Of rows that are equally far, any will do.
    struct Truth {
        float limit = 0.0F;            ///< distance of the last that counts, and what rounding may add
        std::vector<RowId> near = {};  ///< all within the limit, unless `crowded`
        bool crowded = false;          ///< more lie within the limit than were asked for
    };
    static Truth truth_of(RowId own, std::span<const Neighbor> found) {
        std::vector<Neighbor> others;
        std::copy_if(found.begin(), found.end(), std::back_inserter(others),
                     [own](const Neighbor& neighbor) { return neighbor.row != own; });
        const float worst = others[recall_at - 1].distance;
        Truth truth{.limit = worst + 1e-5F * std::abs(worst)};
        truth.crowded = others.back().distance <= truth.limit;
        for (const Neighbor& neighbor : others) {
            if (neighbor.distance <= truth.limit) truth.near.push_back(neighbor.row);
        }
        return truth;
    }

    /// At which place of all rows ranked by codes each true neighbour comes.
    Result<void> measure_codes(Calibration& result) {
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            scratch_.query.reset();
            const RowScorer codes = view_.codec->bind(query(i, wanted).vector, view_.codes, scratch_.query);
            const ScanBuffers buffers = ScanBuffers::take(scratch_.query);
            TopRows top(scratch_.query.take<Neighbor>(std::min<std::size_t>(deepest, row_count_)));
            SearchCounters counters;
            scan_rows(codes, 0, row_count_, {}, false, &stop_, buffers, top, counters);
            if (stop_.stop_requested()) return cancelled();
            note_places(i, top.sorted(), places);
        }
        std::sort(places.begin(), places.end());
        const auto within = [&places](std::size_t depth) {
            return static_cast<double>(std::lower_bound(places.begin(), places.end(), depth) - places.begin()) /
                   static_cast<double>(places.size());
        };
        result.code_recall = static_cast<float>(within(recall_at));
        const auto needed =
            static_cast<std::size_t>(std::ceil(Calibration::depth_recall * static_cast<double>(places.size())));
        const std::size_t depth = std::max(places[needed - 1] + 1, recall_at);
        result.oversampling = std::min(static_cast<float>(depth) / recall_at, Calibration::most_oversampling);
        return {};
    }

    void note_places(std::size_t i, std::span<const Neighbor> ranked, std::vector<std::size_t>& places) const {
        const Truth& truth = truths_[i];
        const std::size_t end = places.size() + recall_at;
        std::size_t at = 0;
        for (const Neighbor& neighbor : ranked) {
            if (places.size() == end) break;
            if (neighbor.row == rows_[i]) continue;
            const bool near = std::find(truth.near.begin(), truth.near.end(), neighbor.row) != truth.near.end();
            if (near || truth.crowded) places.push_back(at);
            ++at;
        }
        places.resize(end, deepest);
    }

    Result<void> measure_graph(Calibration& result) {
        FieldView view = view_;
        view.calibration = &result;
        float recall = 0.0F;
        for (std::size_t e = 0; e < efs.size() && recall < enough_recall; ++e) {
            std::size_t hits = 0;
            for (std::size_t i = 0; i < rows_.size(); ++i) SEXTANT_TRY(count_hits(view, i, efs[e], hits));
            recall = std::max(recall, static_cast<float>(hits) / static_cast<float>(rows_.size() * recall_at));
            result.points[result.point_count++] = {efs[e], recall};
        }
        return {};
    }

    Result<void> count_hits(const FieldView& view, std::size_t i, std::uint32_t ef, std::size_t& hits) {
        std::array<Neighbor, wanted> found{};
        FieldAnswer answer = search_field(view, query(i, ef + 1), row_count_, scratch_, found);
        if (stop_.stop_requested()) return cancelled();
        if (answer.failure.has_value()) return std::move(*answer.failure);
        if (answer.counters.stopped) return no_memory();
        std::size_t near = 0;
        for (const Neighbor& neighbor : std::span(found).first(answer.found)) {
            near += neighbor.row != rows_[i] && neighbor.distance <= truths_[i].limit ? 1 : 0;
        }
        hits += std::min(near, recall_at);
        return {};
    }

    const FieldView& view_;
    std::size_t dimension_;
    std::uint32_t row_count_;
    const std::stop_token& stop_;
    std::vector<RowId> rows_;
    PagedVector<float> sample_;
    std::vector<Truth> truths_;
    FieldScratch scratch_;
};

}  // namespace

Result<Calibration> calibrate_field(const FieldView& view, std::size_t dimension, std::uint32_t row_count,
                                    MemoryAccount& account, const std::stop_token& stop) {
    if (row_count < fewest_rows) return Calibration{};
    try {
        return SelfTest(view, dimension, row_count, stop).run(account);
    } catch (const std::bad_alloc&) {
        return no_memory();
    }
}

}  // namespace sextant::inline v1::detail
