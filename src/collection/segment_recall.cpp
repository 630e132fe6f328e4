#include "segment_recall.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "background_rules.hpp"
#include "search.hpp"
#include "sextant/core/page_allocator.hpp"
#include "sextant/core/random.hpp"
#include "sextant/segment/field_scratch.hpp"

namespace sextant::inline v1::detail {
namespace {

/// One more than are counted: the query's own row is among them.
constexpr std::size_t wanted = recall_at + 1;

Error cancelled() { return Error{ErrorCode::cancelled, "measuring recall was cancelled"}; }

/// One live row of each equal part of the rows that has any.
std::vector<RowId> sample_rows(const SegmentState& state) {
    const std::size_t parts = std::min<std::size_t>(recall_sample_rows, state.row_count);
    std::vector<RowId> rows;
    rows.reserve(parts);
    Random random(state.row_count);
    for (std::size_t part = 0; part < parts; ++part) {
        const auto begin = static_cast<std::uint32_t>(part * state.row_count / parts);
        const auto end = static_cast<std::uint32_t>((part + 1) * state.row_count / parts);
        const auto first = static_cast<std::uint32_t>(begin + random.below(end - begin));
        for (std::uint32_t i = 0; i < end - begin; ++i) {
            const std::uint32_t row = begin + (first - begin + i) % (end - begin);
            if (!state.alive(row)) continue;
            rows.push_back(RowId{row});
            break;
        }
    }
    return rows;
}

class Measurement {
public:
    Measurement(const SegmentState& state, std::size_t dimension, const std::stop_token& stop,
                FunctionRef<void(double)> progress)
        : state_(state),
          field_(state.segment->field(0)),
          dimension_(dimension),
          stop_(stop),
          progress_(progress),
          rows_(sample_rows(state)) {}

    Result<SegmentRecall> run(MemoryAccount& account) {
        SEXTANT_TRY_ASSIGN(const MemoryCharge charge,
                           MemoryCharge::take(account, rows_.size() * dimension_ * sizeof(float)));
        SEXTANT_TRY(read_sample());
        SEXTANT_TRY(field_.vectors().check_all(stop_));
        progress_(0.1);
        std::vector<double> built(rows_.size());
        std::vector<double> now(rows_.size());
        SEXTANT_TRY(measure({}, state_.row_count, built));
        progress_(0.55);
        SEXTANT_TRY(measure({.admitted = {}, .deleted = state_.deleted_view()}, state_.live_count, now));
        progress_(1.0);
        return compare(built, now);
    }

private:
    Result<void> read_sample() {
        sample_.resize(rows_.size() * dimension_);
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            scratch_.query.reset();
            SEXTANT_TRY_ASSIGN(const VectorRows read, field_.vectors().read({&rows_[i], 1}, scratch_.query));
            const std::span<float> own = std::span(sample_).subspan(i * dimension_, dimension_);
            const VectorView vector = read.vector(0, dimension_, own.data());
            if (vector.data() != own.data()) std::copy(vector.begin(), vector.end(), own.begin());
        }
        return {};
    }

    /// The share of the true neighbours that each query finds among the rows the filter lets in.
    Result<void> measure(const RowFilter& filter, std::uint64_t admitted, std::span<double> shares) {
        std::vector<FieldQuery> queries(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            queries[i] = {.vector = VectorView(sample_).subspan(i * dimension_, dimension_),
                          .count = wanted,
                          .ef = usual_ef(recall_at),
                          .usual_ef = true,
                          .exact = true,
                          .filter = filter,
                          .admitted_count = admitted,
                          .stop = &stop_};
        }
        std::vector<Neighbor> exact(rows_.size() * wanted);
        std::vector<std::size_t> counts(rows_.size());
        const bool whole = field_.search_exact_batch(queries, state_.row_count, scratch_, exact, counts);
        if (stop_.stop_requested()) return cancelled();
        if (!whole) return out_of_memory();
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            queries[i].exact = false;
            std::array<Neighbor, wanted> found{};
            FieldAnswer answer = field_.search(queries[i], state_.row_count, scratch_, found);
            if (stop_.stop_requested()) return cancelled();
            if (answer.failure.has_value()) return std::move(*answer.failure);
            if (answer.counters.stopped) return out_of_memory();
            shares[i] = share_found(others(std::span(exact).subspan(i * wanted, counts[i]), rows_[i]),
                                    others(std::span(found).first(answer.found), rows_[i]));
        }
        return {};
    }

    /// Without the query's own row.
    static std::span<const Neighbor> others(std::span<Neighbor> found, RowId own) {
        const auto end = std::remove_if(found.begin(), found.end(), [own](const Neighbor& n) { return n.row == own; });
        return found.first(std::min(static_cast<std::size_t>(end - found.begin()), recall_at));
    }

    /// By distance: of rows that are equally far, any will do.
    static double share_found(std::span<const Neighbor> exact, std::span<const Neighbor> found) {
        if (exact.empty()) return 1.0;
        const float worst = exact.back().distance;
        const float limit = worst + 1e-5F * std::abs(worst);
        const auto near =
            std::count_if(found.begin(), found.end(), [limit](const Neighbor& n) { return n.distance <= limit; });
        const std::size_t hits = std::min(static_cast<std::size_t>(near), exact.size());
        return static_cast<double>(hits) / static_cast<double>(exact.size());
    }

    static SegmentRecall compare(std::span<const double> built, std::span<const double> now) {
        const auto count = static_cast<double>(built.size());
        SegmentRecall recall;
        recall.as_built = std::accumulate(built.begin(), built.end(), 0.0) / count;
        recall.now = std::accumulate(now.begin(), now.end(), 0.0) / count;
        const double mean = recall.as_built - recall.now;
        double squares = 0.0;
        for (std::size_t i = 0; i < built.size(); ++i) {
            const double off = built[i] - now[i] - mean;
            squares += off * off;
        }
        if (built.size() > 1) recall.standard_error = std::sqrt(squares / (count - 1.0) / count);
        return recall;
    }

    const SegmentState& state_;
    const FieldRows& field_;
    std::size_t dimension_;
    const std::stop_token& stop_;
    FunctionRef<void(double)> progress_;
    std::vector<RowId> rows_;
    PagedVector<float> sample_;
    FieldScratch scratch_;
};

}  // namespace

bool SegmentRecall::dropped() const noexcept {
    const double drop = as_built - now;
    return drop >= recall_margin && drop >= recall_standard_errors * standard_error;
}

Result<SegmentRecall> measure_segment_recall(const SegmentState& state, std::size_t dimension, MemoryAccount& account,
                                             const std::stop_token& stop, FunctionRef<void(double)> progress) {
    return Measurement(state, dimension, stop, progress).run(account);
}

}  // namespace sextant::inline v1::detail
