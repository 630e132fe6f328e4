/// search: one query, or many, against one version of the collection.
/// Threads: const-safe. Cost: allocates nothing once the scratch is warm, but for compiling a filter.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "core_state.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/payload/filter_program.hpp"

namespace sextant::inline v1::detail {

/// invalid_argument naming the field. `options.dimension` and the limits are what is allowed.
[[nodiscard]] Result<void> validate_request(const SearchRequest& request, const CoreOptions& options);

/// Candidates a graph search keeps where a request does not say.
[[nodiscard]] inline std::size_t usual_ef(std::size_t k) noexcept {
    return std::min(std::max<std::size_t>(100, 4 * k), limits::max_ef);
}

class Searcher {
public:
    Searcher(const CoreState& core, const Version& version, SearchScratch& scratch) noexcept
        : core_(core), version_(version), scratch_(scratch) {}

    /// Finds the hits; hits() then has them. REQUIRES: validate_request(request). `program` null: no filter.
    [[nodiscard]] Result<SearchOutcome> find(const SearchRequest& request, const FilterProgram* program);
    /// Closest first, without those in front of the offset. Until the next find().
    [[nodiscard]] std::span<const SegmentNeighbor> hits() const noexcept { return hits_; }
    /// Its vector lives until the next point() or find().
    [[nodiscard]] Result<PointRef> point(const SegmentNeighbor& hit, const Select& select) const;

    /// find() for exact requests that share filter, k and offset and have no threshold, reading each row once per tile of
    /// them. done(i, outcome) is called when hits() are those of request i.
    [[nodiscard]] Result<void> find_exact(std::span<const SearchRequest* const> requests, const FilterProgram* program,
                                          FunctionRef<Result<void>(std::size_t, const SearchOutcome&)> done);

private:
    /// The filter of one segment: bitmap and exact count. False: stopped.
    [[nodiscard]] bool admit(const SegmentState& state, const FilterProgram* program, const std::stop_token& stop,
                             RowFilter& filter, std::uint64_t& admitted);
    [[nodiscard]] Result<void> search_segment(std::uint32_t index, const FieldQuery& query, SearchOutcome& outcome,
                                              bool& more);
    void rank(std::size_t offset, std::size_t k);

    const CoreState& core_;
    const Version& version_;
    SearchScratch& scratch_;
    std::span<const SegmentNeighbor> hits_;
};

}  // namespace sextant::inline v1::detail
