#include "segment/field_scan.hpp"

#include <algorithm>
#include <bit>

namespace sextant::inline v1::detail {
namespace {

bool asked_to_stop(const std::stop_token* stop, SearchCounters& counters) noexcept {
    if (stop == nullptr || !stop->stop_requested()) return false;
    counters.stopped = true;
    return true;
}

/// Which of `count` distances are below the worst kept. Branch-free: in a scan most fail, in its first chunk none does.
std::size_t survivors_of(const float* distances, std::size_t count, float worst, std::uint32_t* survivors) noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
        survivors[kept] = static_cast<std::uint32_t>(i);
        kept += distances[i] < worst ? 1U : 0U;
    }
    return kept;
}

/// Rows 64·word … 64·word + 63 that pass.
std::uint64_t admitted_word(const RowFilter& filter, std::size_t word) noexcept {
    std::uint64_t bits = ~std::uint64_t{0};
    if (filter.admitted.words != nullptr) bits &= __atomic_load_n(filter.admitted.words + word, __ATOMIC_RELAXED);
    if (filter.deleted.words != nullptr) bits &= ~__atomic_load_n(filter.deleted.words + word, __ATOMIC_RELAXED);
    return bits;
}

void score_listed(const RowScorer& scorer, std::size_t count, const ScanBuffers& buffers, TopRows& top,
                  SearchCounters& counters) noexcept {
    scorer.score(buffers.rows.first(count), buffers.distances);
    counters.scored += count;
    const std::size_t kept = survivors_of(buffers.distances.data(), count, top.worst(), buffers.survivors.data());
    for (std::size_t j = 0; j < kept; ++j) {
        const std::uint32_t i = buffers.survivors[j];
        top.offer({buffers.distances[i], buffers.rows[i]});
    }
}

void scan_listed(const RowScorer& scorer, std::uint32_t first, std::uint32_t last, const RowFilter& filter,
                 const std::stop_token* stop, const ScanBuffers& buffers, TopRows& top,
                 SearchCounters& counters) noexcept {
    std::size_t count = 0;
    for (std::size_t word = first / 64; word * 64 < last; ++word) {
        std::uint64_t bits = admitted_word(filter, word);
        if (word == first / 64) bits &= ~std::uint64_t{0} << (first % 64);
        if (last - word * 64 < 64) bits &= (std::uint64_t{1} << (last - word * 64)) - 1;
        for (; bits != 0; bits &= bits - 1) {
            const auto row = static_cast<std::uint32_t>(word * 64) + static_cast<std::uint32_t>(std::countr_zero(bits));
            buffers.rows[count++] = RowId{row};
        }
        if (count + 64 <= scan_chunk) continue;
        if (asked_to_stop(stop, counters)) return;
        score_listed(scorer, count, buffers, top, counters);
        count = 0;
    }
    if (count != 0 && !asked_to_stop(stop, counters)) score_listed(scorer, count, buffers, top, counters);
}

}  // namespace

void offer_chunk(const float* distances, std::size_t count, std::uint32_t first, const RowFilter& filter,
                 std::span<std::uint32_t> survivors, TopRows& top) noexcept {
    const std::size_t kept = survivors_of(distances, count, top.worst(), survivors.data());
    for (std::size_t j = 0; j < kept; ++j) {
        const RowId row{first + survivors[j]};
        if (filter(row)) top.offer({distances[survivors[j]], row});
    }
}

void scan_rows(const RowScorer& scorer, std::uint32_t first, std::uint32_t last, const RowFilter& filter, bool listed,
               const std::stop_token* stop, const ScanBuffers& buffers, TopRows& top,
               SearchCounters& counters) noexcept {
    if (listed && !filter.admits_all()) return scan_listed(scorer, first, last, filter, stop, buffers, top, counters);
    while (first < last && !asked_to_stop(stop, counters)) {
        const std::size_t count = std::min<std::size_t>(scan_chunk, last - first);
        scorer.score_range(RowId{first}, buffers.distances.first(count));
        counters.scored += count;
        offer_chunk(buffers.distances.data(), count, first, filter, buffers.survivors, top);
        first += static_cast<std::uint32_t>(count);
    }
}

}  // namespace sextant::inline v1::detail
