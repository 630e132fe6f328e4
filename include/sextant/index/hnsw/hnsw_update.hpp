/// hnsw_update: adds links to lists that others may be reading, each list rewritten by one worker.
/// Threads: one caller; searches may run beside it.
/// Cost: a list with room is appended to; a full one is scored once against its row and chosen anew (hnsw_select.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "sextant/core/executor.hpp"
#include "sextant/core/page_allocator.hpp"
#include "sextant/core/types.hpp"
#include "sextant/index/hnsw/hnsw_worker.hpp"
#include "sextant/index/hnsw/link_store.hpp"
#include "sextant/index/hnsw/spanning_tree.hpp"

namespace sextant::inline v1::detail {

/// "The list of `target` should hold `source`": one integer, so that sorting groups by target and orders by source.
[[nodiscard]] constexpr std::uint64_t link_request(std::uint32_t target, std::uint32_t source) noexcept {
    return (std::uint64_t{target} << 32U) | source;
}
[[nodiscard]] constexpr std::uint32_t target_of(std::uint64_t request) noexcept {
    return static_cast<std::uint32_t>(request >> 32U);
}
[[nodiscard]] constexpr std::uint32_t source_of(std::uint64_t request) noexcept {
    return static_cast<std::uint32_t>(request);
}

/// Links to add, collected by one thread and then carried out by all.
class LinkRequests {
public:
    /// `rule` says what stays of a level-0 list that overflows.
    LinkRequests(LinkStore& store, const SpanningTree& tree, BitmapView deleted, const SelectRule& rule)
        : store_(store), tree_(tree), deleted_(deleted), rule_(rule) {}

    void add(RowId target, RowId source) { rows_.push_back(link_request(to_index(target), to_index(source))); }
    void add_upper(std::uint32_t target, std::uint32_t source) { slots_.push_back(link_request(target, source)); }
    /// Carries them out and forgets them. What a full list drops first are deleted rows, never tree links.
    void carry_out(Executor& executor, WorkerPool& workers) { static_cast<void>(carry_out(executor, workers, {})); }
    /// The same until `stop` asks to end. False: some of them may not be carried out.
    [[nodiscard]] bool carry_out(Executor& executor, WorkerPool& workers, const std::stop_token& stop);

    /// The most candidates one list may come to: what it held and what is added, cut off here.
    static constexpr std::size_t most_sources = 512;

private:
    [[nodiscard]] bool group(PagedVector<std::uint64_t>& requests, const std::stop_token& stop);
    void extend(std::span<const std::uint64_t> requests, bool upper, HnswWorker& worker) const noexcept;
    void choose(std::uint32_t target, bool upper, std::size_t count, HnswWorker& worker) const noexcept;

    LinkStore& store_;
    const SpanningTree& tree_;
    BitmapView deleted_;
    SelectRule rule_;
    PagedVector<std::uint64_t> rows_;
    PagedVector<std::uint64_t> slots_;
    PagedVector<std::uint32_t> group_starts_;
};

/// True for a row that `deleted` names; a view without words deletes nothing.
[[nodiscard]] inline bool is_deleted(BitmapView deleted, std::uint32_t row) noexcept {
    return deleted.words != nullptr && deleted.test(row);
}

}  // namespace sextant::inline v1::detail
