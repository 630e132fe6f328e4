#include "sextant/index/hnsw/hnsw_index.hpp"

#include <algorithm>
#include <utility>

#include "core/format_text.hpp"
#include "sextant/core/checked.hpp"
#include "sextant/index/hnsw/hnsw_audit.hpp"
#include "sextant/index/hnsw/hnsw_build.hpp"
#include "sextant/index/hnsw/hnsw_finish.hpp"
#include "sextant/index/hnsw/hnsw_repair.hpp"
#include "sextant/index/hnsw/hnsw_scratch.hpp"
#include "sextant/index/hnsw/hnsw_search.hpp"
#include "sextant/index/hnsw/link_store.hpp"
#include "sextant/index/hnsw/spanning_tree.hpp"

namespace sextant::inline v1 {

static_assert(Index<HnswIndex>);

struct HnswIndex::Impl {
    detail::LinkStore store;
    detail::SpanningTree tree;  ///< empty once finished
    MemoryAccount* account = nullptr;
};

namespace {

Result<void> check_params(const HnswParams& params, std::uint32_t max_rows) {
    if (params.m < min_m || params.m > max_m) {
        return invalid_argument(format_text("m is {}; it may be {} .. {}", params.m, min_m, max_m));
    }
    if (params.ef_construction < params.m || params.ef_construction > max_ef_construction) {
        return invalid_argument(format_text("ef_construction is {}; it may be m ({}) .. {}", params.ef_construction,
                                            params.m, max_ef_construction));
    }
    if (max_rows >= CandidatePool::id_limit) {
        return invalid_argument(
            format_text("max_rows is {}; it may be up to {}", max_rows, CandidatePool::id_limit - 1));
    }
    return {};
}

Error finished() { return Error{ErrorCode::read_only, "the graph is finished: it cannot be changed any more"}; }

}  // namespace

HnswIndex::HnswIndex(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
HnswIndex::HnswIndex(HnswIndex&&) noexcept = default;
HnswIndex& HnswIndex::operator=(HnswIndex&&) noexcept = default;
HnswIndex::~HnswIndex() = default;

Result<HnswIndex> HnswIndex::create(const HnswParams& params, std::uint32_t max_rows, MemoryAccount& account) {
    SEXTANT_TRY(check_params(params, max_rows));
    auto impl = std::make_unique<Impl>();
    SEXTANT_TRY_ASSIGN(impl->store, detail::LinkStore::reserve(params, max_rows, account));
    SEXTANT_TRY_ASSIGN(impl->tree, detail::SpanningTree::reserve(max_rows, account));
    impl->account = &account;
    return HnswIndex(std::move(impl));
}

Result<HnswIndex> HnswIndex::from_rows(const HnswIndex& old, std::span<const std::uint32_t> new_row_of_old,
                                       std::uint32_t kept_rows, std::uint32_t max_rows, MemoryAccount& account,
                                       const HnswBuild& build) {
    const detail::GraphView graph = old.impl_->store.view();
    if (new_row_of_old.size() != graph.row_limit) {
        return invalid_argument(
            format_text("new_row_of_old names {} rows; the graph holds {}", new_row_of_old.size(), graph.row_limit));
    }
    std::uint32_t next = 0;
    for (const std::uint32_t row : new_row_of_old) {
        if (row == to_index(no_row)) continue;
        if (row != next++) {
            return invalid_argument(format_text("new_row_of_old holds {} where {} comes next", row, next - 1));
        }
    }
    if (next != kept_rows || kept_rows > max_rows) {
        return invalid_argument(
            format_text("new_row_of_old keeps {} rows; kept_rows is {}, max_rows {}", next, kept_rows, max_rows));
    }
    SEXTANT_TRY_ASSIGN(HnswIndex index, create(old.params(), max_rows, account));
    SEXTANT_TRY(detail::copy_rows(graph, new_row_of_old, kept_rows, index.impl_->store, index.impl_->tree, build));
    return index;
}

Result<HnswIndex> HnswIndex::load(
    const HnswParams& params, std::uint32_t rows, std::uint64_t upper_size, MemoryAccount& account,
    FunctionRef<Result<void>(std::span<std::byte> level0, std::span<std::byte> upper)> fill) {
    SEXTANT_TRY(check_params(params, rows));
    SEXTANT_TRY_ASSIGN(const auto size, checked_narrow<std::size_t>(upper_size, "size of a graph's upper levels"));
    auto impl = std::make_unique<Impl>();
    SEXTANT_TRY_ASSIGN(impl->store, detail::LinkStore::for_sections(params, rows, size, account));
    impl->account = &account;
    SEXTANT_TRY(fill(impl->store.level0_room(), impl->store.upper_room()));
    SEXTANT_TRY(impl->store.load());
    SEXTANT_TRY(detail::check_graph(impl->store.view()));
    return HnswIndex(std::move(impl));
}

Result<HnswIndex> HnswIndex::map(const HnswParams& params, std::uint32_t rows, std::span<const std::byte> level0,
                                 std::span<const std::byte> upper, std::shared_ptr<const void> owner,
                                 MemoryAccount& account) {
    SEXTANT_TRY(check_params(params, rows));
    const std::uint64_t expected = std::uint64_t{rows} * 2 * params.m * sizeof(std::uint32_t);
    if (level0.size() != expected) {
        return Error{ErrorCode::corruption,
                     format_text("graph: lists of {} bytes, expected {}", level0.size(), expected)};
    }
    auto impl = std::make_unique<Impl>();
    SEXTANT_TRY_ASSIGN(impl->store,
                       detail::LinkStore::for_mapped(params, rows, level0, std::move(owner), upper.size(), account));
    impl->account = &account;
    std::copy(upper.begin(), upper.end(), impl->store.upper_room().begin());
    SEXTANT_TRY(impl->store.load());
    SEXTANT_TRY(detail::check_graph(impl->store.view()));
    return HnswIndex(std::move(impl));
}

Result<void> HnswIndex::link(std::uint32_t row_count, bool flush, const HnswBuild& build) {
    if (impl_->store.sealed()) return finished();
    if (row_count > impl_->store.max_rows()) {
        return Error{ErrorCode::resource_exhausted,
                     format_text("{} rows to link; the graph was reserved for {}", row_count, impl_->store.max_rows())};
    }
    return detail::link_rows(impl_->store, impl_->tree, row_count, flush, build);
}

Result<void> HnswIndex::repair(std::span<const RowId> erased, const HnswBuild& build) {
    if (impl_->store.sealed()) return finished();
    return detail::repair_rows(impl_->store, impl_->tree, erased, build);
}

Result<void> HnswIndex::finish(const HnswBuild& build) {
    if (impl_->store.sealed()) return {};
    SEXTANT_TRY(detail::finish_graph(impl_->store, impl_->tree, build));
    SEXTANT_TRY(impl_->store.seal(*impl_->account));
    impl_->tree = {};
    return {};
}

std::size_t HnswIndex::search(const RowScorer& scorer, const RowFilter& filter, const SearchParams& params,
                              HnswScratch& scratch, std::span<Neighbor> out, SearchCounters& counters) const noexcept {
    return detail::search_graph(impl_->store.view(), scorer, filter, params, scratch, out, counters);
}

std::uint32_t HnswIndex::linked() const noexcept { return impl_->store.rows(); }
const HnswParams& HnswIndex::params() const noexcept { return impl_->store.params(); }

std::uint64_t HnswIndex::memory_bytes() const noexcept {
    return impl_->store.memory_bytes() + impl_->tree.memory_bytes();
}

HnswSections HnswIndex::sections() const noexcept {
    return {impl_->store.level0_section(), impl_->store.upper_section()};
}

Result<HnswIndex::Audit> HnswIndex::audit(BitmapView deleted) const {
    return detail::audit_graph(impl_->store.view(), deleted);
}

std::uint64_t HnswIndex::estimate_bytes(std::uint64_t rows, const HnswParams& params) noexcept {
    const std::uint64_t m = std::max(params.m, min_m);
    const std::uint64_t slots = rows / (m - 1);  // m^-1 + m^-2 + … slots a row
    const std::uint64_t page = 4096;
    const auto round_up = [](std::uint64_t bytes) { return (bytes + page - 1) / page * page; };
    return round_up(rows * 2 * m * 4) + round_up(detail::upper_section_size(slots, m));
}

}  // namespace sextant::inline v1
