#include "sextant/index/flat/flat_index.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace sextant::inline v1 {
namespace {

/// Blocks between two looks at the stop token.
constexpr std::uint32_t stop_interval = 16;

/// The admitted rows of up to 64 rows from `first` on, which lie in one bitmap word; bit i stands for row first + i.
std::uint64_t admitted_bits(const RowFilter& filter, std::uint32_t first, std::uint32_t count) noexcept {
    const std::uint32_t shift = first & 63U;
    const std::uint64_t wanted = (count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1);
    std::uint64_t bits = wanted;
    // Relaxed: a bit set just now is seen by the next search.
    if (!filter.admitted.admits_all()) {
        bits &= __atomic_load_n(filter.admitted.words + (first >> 6U), __ATOMIC_RELAXED) >> shift;
    }
    if (filter.deleted.words != nullptr) {
        bits &= ~(__atomic_load_n(filter.deleted.words + (first >> 6U), __ATOMIC_RELAXED) >> shift);
    }
    return bits;
}

std::size_t list_admitted(const RowFilter& filter, std::uint32_t first, std::uint32_t end, RowId* rows) noexcept {
    std::size_t count = 0;
    while (first < end) {
        const std::uint32_t length = std::min(64U - (first & 63U), end - first);
        for (std::uint64_t bits = admitted_bits(filter, first, length); bits != 0; bits &= bits - 1) {
            rows[count++] = RowId{first + static_cast<std::uint32_t>(std::countr_zero(bits))};
        }
        first += length;
    }
    return count;
}

class Scan {
public:
    Scan(const RowScorer& scorer, const RowFilter& filter, FlatScratch& scratch, SearchCounters& counters) noexcept
        : scorer_(scorer), filter_(filter), scratch_(scratch), counters_(counters) {}

    void block(std::uint32_t first, std::uint32_t end) noexcept {
        const std::uint32_t length = end - first;
        if (filter_.admits_all() && scorer_.score_consecutive != nullptr) return stream(first, length);
        const std::size_t admitted = list_admitted(filter_, first, end, scratch_.rows.data());
        if (admitted == 0) return;
        // From half on a stream is cheaper: it reads memory in order, and the rest costs a comparison each.
        if (admitted * 2 >= length && scorer_.score_consecutive != nullptr) {
            scorer_.score_range(RowId{first}, {scratch_.distances.data(), length});
            counters_.scored += length;
            for (std::size_t i = 0; i < admitted; ++i) {
                offer(scratch_.distances[to_index(scratch_.rows[i]) - first], scratch_.rows[i]);
            }
            return;
        }
        scorer_.score({scratch_.rows.data(), admitted}, scratch_.distances);
        counters_.scored += admitted;
        for (std::size_t i = 0; i < admitted; ++i) offer(scratch_.distances[i], scratch_.rows[i]);
    }

private:
    void stream(std::uint32_t first, std::uint32_t length) noexcept {
        scorer_.score_range(RowId{first}, {scratch_.distances.data(), length});
        counters_.scored += length;
        for (std::uint32_t i = 0; i < length; ++i) offer(scratch_.distances[i], RowId{first + i});
    }
    /// Rows come in order, so of equal distances the smaller row is in the pool first and stays.
    void offer(float distance, RowId row) noexcept {
        if (distance < scratch_.best.worst()) scratch_.best.insert(distance, to_index(row));
    }

    const RowScorer& scorer_;
    const RowFilter& filter_;
    FlatScratch& scratch_;
    SearchCounters& counters_;
};

}  // namespace

std::size_t FlatIndex::search(const RowScorer& scorer, const RowFilter& filter, const SearchParams& params,
                              FlatScratch& scratch, std::span<Neighbor> out, SearchCounters& counters) const noexcept {
    if (out.empty() || first_ >= end_) return 0;
    try {
        scratch.reserve(out.size());
        scratch.best.reset(out.size());
    } catch (const std::bad_alloc&) {
        counters.stopped = true;  // no memory for the scratch: an answer that says it is not complete
        return 0;
    }
    Scan scan(scorer, filter, scratch, counters);
    std::uint32_t blocks = 0;
    for (std::uint32_t row = first_; row < end_; ++blocks) {
        if (params.stop != nullptr && blocks % stop_interval == 0 && params.stop->stop_requested()) {
            counters.stopped = true;
            break;
        }
        // Blocks end at multiples of 256, so that each bitmap word is read once.
        const auto length = static_cast<std::uint32_t>(FlatScratch::block_rows - row % FlatScratch::block_rows);
        const std::uint32_t end = end_ - row > length ? row + length : end_;
        scan.block(row, end);
        row = end;
    }
    const std::size_t found = scratch.best.size();
    for (std::size_t i = 0; i < found; ++i) out[i] = scratch.best[i];
    return found;
}

}  // namespace sextant::inline v1
