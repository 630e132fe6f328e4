/// memory_budget: what is left in files, and how short codes are, so that a collection stays within OpenOptions::memory_budget.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sextant/collection/detail/wanted_options.hpp"
#include "sextant/collection/open_options.hpp"
#include "sextant/collection/stats.hpp"
#include "sextant/core/result.hpp"

namespace sextant::inline v1::detail {

/// Codes that a new collection may have, as what its sealed rows would take with them.
struct BudgetCandidate {
    MemoryEstimate estimate = {};
    std::uint64_t level0 = 0;  ///< of the graph: what `mapped` leaves in files
};

struct BudgetChoice {
    std::size_t candidate = 0;
    BudgetReport report = {};
};

/// invalid_argument: a budget of no bytes, or for no points.
[[nodiscard]] Result<void> validate_budget(const MemoryBudget& budget);

/// The first that fits, of: all in memory; raw vectors in files, with each candidate; all in files. `fixed`: what was asked
/// for at opening, nothing else is looked at; `durable`: there are files. resource_exhausted names the least that fits.
/// REQUIRES: candidates are not empty, longest codes first.
[[nodiscard]] Result<BudgetChoice> choose_residency(const MemoryBudget& budget, std::uint64_t points,
                                                    std::span<const BudgetCandidate> candidates,
                                                    std::optional<Residency> fixed, bool durable);

/// Of the default options of a new collection and the shorter codes it may have. Puts what it chooses in `wanted`.
[[nodiscard]] Result<void> choose_codes(const MemoryBudget& budget, const OpenOptions& open, WantedOptions& wanted,
                                        FieldMaker make);

/// As the options and fields of a collection are.
[[nodiscard]] Result<BudgetCandidate> budget_candidate(std::uint64_t points, const CoreOptions& options,
                                                       const VectorField& field);

}  // namespace sextant::inline v1::detail
