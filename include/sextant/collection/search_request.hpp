/// SearchRequest: what to look for. Made for designated initialisers: {.vector = query, .k = 10}.
/// Threads: a value. Lifetime: the vector is borrowed for the duration of the call.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <stop_token>

#include "sextant/collection/record.hpp"
#include "sextant/payload/filter.hpp"

namespace sextant::inline v1 {

struct SearchRequest {
    /// As many finite floats as the collection has dimensions.
    std::span<const float> vector = {};
    /// Hits wanted, 1 .. limits::max_k. Fewer come back when fewer points are admitted.
    std::size_t k = 10;
    /// Which points may be hits; empty: all.
    Filter filter = {};
    /// Candidates a graph search keeps: more is slower and finds more of the true neighbours. 1 .. limits::max_ef; less
    /// than offset + k counts as offset + k. Default max(100, 4 k).
    std::optional<std::size_t> ef = {};
    /// Instead of ef: the share of the true k neighbours that is to be found, above 0 and at most 1. Each sealed segment has
    /// measured on its own rows which ef finds how many (stats()); queries that are unlike the stored vectors find less.
    /// Rows that are not sealed yet are searched as without. 1: the same as `exact`.
    std::optional<float> recall_target = {};
    /// Every admitted point is compared by its own vector: the true neighbours, at the cost of reading all of them.
    bool exact = false;
    /// The best candidates found by compressed vectors are compared again by their own.
    bool rescore = true;
    /// How many candidates are rescored, as a multiple of offset + k. 1 .. 100; default: what the
    /// segment found to be enough when it was sealed (stats()), at most ef where that is given; with a bound on what codes
    /// get wrong, those of all candidates that may be hits.
    std::optional<float> oversampling = {};
    /// Similarities: only hits with at least this score. Distances: only hits with at most this score.
    std::optional<float> score_threshold = {};
    /// Hits left out at the front, 0 .. limits::max_offset.
    std::size_t offset = 0;
    Select select = {};
    /// Asked now and then; when it says stop, what was found so far comes back with complete = false.
    std::stop_token stop_token = {};
};

}  // namespace sextant::inline v1
