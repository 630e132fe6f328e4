#include "memory_budget.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/format_text.hpp"
#include "sextant/collection/detail/collection_core.hpp"
#include "sextant/segment/vector_field.hpp"
#include "store_options.hpp"

namespace sextant::inline v1::detail {
namespace {

/// Of the budget: the rest is for rows that are not sealed yet, for building segments, and for searches.
constexpr std::uint64_t share_in_quarters = 3;

std::uint64_t usable(const MemoryBudget& budget) noexcept { return budget.bytes / 4 * share_in_quarters; }

std::string_view name_of(Residency residency) noexcept {
    switch (residency) {
        case Residency::resident: return "resident";
        case Residency::mapped: return "mapped";
        case Residency::mapped_vectors: return "mapped_vectors";
    }
    return "resident";
}

std::uint64_t steady_bytes(const BudgetCandidate& candidate, Residency residency) noexcept {
    const PartBytes& parts = candidate.estimate.parts;
    std::uint64_t bytes = parts.total();
    if (residency != Residency::resident) bytes -= parts.vectors;
    if (residency == Residency::mapped) bytes -= parts.codes + std::min(parts.graph, candidate.level0);
    return bytes;
}

std::string reason_for(const MemoryBudget& budget, std::uint64_t points, const BudgetCandidate& candidate,
                       Residency residency) {
    return format_text(
        "residency {} with codes of {} bytes a point: {} points take {} bytes, of {} that 3/4 of the "
        "budget of {} are",
        name_of(residency), candidate.estimate.parts.codes / std::max<std::uint64_t>(points, 1), points,
        steady_bytes(candidate, residency), usable(budget), budget.bytes);
}

}  // namespace

Result<void> validate_budget(const MemoryBudget& budget) {
    if (budget.bytes == 0) return invalid_argument("open.memory_budget.bytes: got 0, expected at least 1");
    if (budget.points == 0) return invalid_argument("open.memory_budget.points: got 0, expected at least 1");
    return {};
}

Result<BudgetChoice> choose_residency(const MemoryBudget& budget, std::uint64_t points,
                                      std::span<const BudgetCandidate> candidates, std::optional<Residency> fixed,
                                      bool durable) {
    struct Way {
        std::size_t candidate;
        Residency residency;
    };
    std::vector<Way> ways;
    const auto add = [&](std::size_t candidate, Residency residency) {
        if (residency != Residency::resident && !durable) return;
        if (!fixed.has_value() || *fixed == residency) ways.push_back({candidate, residency});
    };
    add(0, Residency::resident);
    for (std::size_t i = 0; i < candidates.size(); ++i) add(i, Residency::mapped_vectors);
    add(0, Residency::mapped);
    // Asked for: then shorter codes are all that can be done.
    for (std::size_t i = 1; fixed == Residency::resident && i < candidates.size(); ++i) add(i, Residency::resident);
    std::uint64_t least = MemoryAccount::unlimited;
    for (const Way& way : ways) {
        const BudgetCandidate& candidate = candidates[way.candidate];
        const std::uint64_t steady = steady_bytes(candidate, way.residency);
        least = std::min(least, steady);
        if (steady > usable(budget)) continue;
        return BudgetChoice{.candidate = way.candidate,
                            .report = {.bytes = budget.bytes,
                                       .points = points,
                                       .steady = steady,
                                       .residency = way.residency,
                                       .reason = reason_for(budget, points, candidate, way.residency)}};
    }
    return Error{ErrorCode::resource_exhausted,
                 format_text("open.memory_budget: {} points take {} bytes at least, and {} bytes are 3/4 of the budget "
                             "of {}",
                             points, least, usable(budget), budget.bytes)};
}

Result<BudgetCandidate> budget_candidate(std::uint64_t points, const CoreOptions& options, const VectorField& field) {
    BudgetCandidate candidate;
    SEXTANT_TRY_ASSIGN(candidate.estimate, CollectionCore::estimate(points, options, field));
    candidate.level0 = points * 2 * options.index.m * sizeof(std::uint32_t);
    return candidate;
}

Result<void> choose_codes(const MemoryBudget& budget, const OpenOptions& open, WantedOptions& wanted, FieldMaker make) {
    SEXTANT_TRY_ASSIGN(const format::StoredOptions stored, new_options(wanted));
    const CoreOptions options = core_options(stored);
    std::vector<std::vector<std::byte>> codes{stored.quantizer_options};
    if (!wanted.quantizer_options.has_value()) {
        codes.insert(codes.end(), wanted.shorter_quantizer_options.begin(), wanted.shorter_quantizer_options.end());
    }
    std::vector<BudgetCandidate> candidates;
    for (const auto& saved : codes) {
        SEXTANT_TRY_ASSIGN(const auto fields, make(options, saved));
        SEXTANT_TRY_ASSIGN(candidates.emplace_back(), budget_candidate(budget.points, options, *fields.front()));
    }
    SEXTANT_TRY_ASSIGN(const BudgetChoice choice,
                       choose_residency(budget, budget.points, candidates, open.residency, true));
    wanted.default_quantizer_options = codes[choice.candidate];
    return {};
}

}  // namespace sextant::inline v1::detail
