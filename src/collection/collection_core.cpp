#include "sextant/collection/detail/collection_core.hpp"

#include <utility>

#include "core/format_text.hpp"
#include "core_state.hpp"
#include "memory_budget.hpp"
#include "search.hpp"
#include "sextant/core/assert.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "store_options.hpp"

namespace sextant::inline v1::detail {

struct CollectionCore::Impl {
    Impl(const CoreOptions& options, const OpenOptions& open, std::vector<std::unique_ptr<VectorField>> fields,
         std::unique_ptr<Store> store)
        : executors(open.executor),
          state(std::make_shared<CoreState>(options, open, std::move(fields), executors, std::move(store))) {}

    ExecutorSource executors;
    std::shared_ptr<CoreState> state;
};

namespace {

/// A collection in memory is always new and never persisted.
Result<void> validate_open(const CoreOptions& options, const OpenOptions& open) {
    if (open.mode == OpenMode::open || open.mode == OpenMode::read_only) {
        return invalid_argument("open.mode: a collection in memory is always new, expected open_or_create or create");
    }
    if (open.on_corruption != OnCorruption::fail) {
        return invalid_argument("open.on_corruption: a collection in memory has no files to salvage");
    }
    if (options.durability != Durability::None) {
        return invalid_argument("options.durability: a collection in memory keeps nothing, expected Durability::None");
    }
    return {};
}

std::uint64_t rows_held(const format::Manifest& manifest) noexcept {
    std::uint64_t rows = 0;
    for (const format::ManifestSegment& segment : manifest.segments) rows += segment.row_count;
    return rows;
}

/// What is chosen under the budget, if there is one. `store`: null in memory.
Result<std::optional<BudgetReport>> lay_out(const OpenOptions& open, const CoreOptions& options,
                                            const VectorField& field, Store* store) {
    if (!open.memory_budget.has_value()) return std::optional<BudgetReport>();
    const std::uint64_t held = store == nullptr ? 0 : rows_held(store->manifest());
    const std::uint64_t points = std::max(open.memory_budget->points, held);
    SEXTANT_TRY_ASSIGN(const BudgetCandidate candidate, budget_candidate(points, options, field));
    SEXTANT_TRY_ASSIGN(BudgetChoice choice, choose_residency(*open.memory_budget, points, {&candidate, 1},
                                                             open.residency, store != nullptr));
    if (store != nullptr) store->set_residency(choice.report.residency);
    return std::optional<BudgetReport>(std::move(choice.report));
}

/// Null when there is nothing to filter.
struct CompiledFilter {
    std::optional<FilterProgram> program;
    [[nodiscard]] const FilterProgram* get() const noexcept { return program.has_value() ? &*program : nullptr; }
};

Result<CompiledFilter> compile(const Filter& filter) {
    CompiledFilter compiled;
    if (filter.empty()) return compiled;
    SEXTANT_TRY_ASSIGN(compiled.program, FilterProgram::compile(filter));
    return compiled;
}

/// Made before a version is pinned, so that it acts after that one is let go.
struct FreeReplaced {
    const CoreState& core;
    Lsn seen{};  ///< of the version; to be set once it is pinned
    explicit FreeReplaced(const CoreState& state) noexcept : core(state) {}
    FreeReplaced(const FreeReplaced&) = delete;
    FreeReplaced& operator=(const FreeReplaced&) = delete;
    ~FreeReplaced() { core.free_replaced(seen); }
};

}  // namespace

CollectionCore::CollectionCore(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

CollectionCore::~CollectionCore() { close().ignore("a destructor has no one to tell"); }

Result<std::unique_ptr<CollectionCore>> CollectionCore::create(const CoreOptions& options, const OpenOptions& open,
                                                               std::vector<std::unique_ptr<VectorField>> fields) {
    SEXTANT_CHECK(!fields.empty());
    if (const char* const wrong = kernel_override_error()) return invalid_argument(wrong);
    SEXTANT_TRY(validate_open(options, open));
    if (open.memory_budget.has_value()) SEXTANT_TRY(validate_budget(*open.memory_budget));
    SEXTANT_TRY_ASSIGN(auto budget, lay_out(open, options, *fields.front(), nullptr));
    auto impl = std::make_unique<Impl>(options, open, std::move(fields), nullptr);
    impl->state->take_budget(std::move(budget));
    return std::unique_ptr<CollectionCore>(new CollectionCore(std::move(impl)));
}

Result<std::unique_ptr<CollectionCore>> CollectionCore::open(const std::string& path, const WantedOptions& given,
                                                             const OpenOptions& open, FieldMaker make) {
    if (const char* const wrong = kernel_override_error()) return invalid_argument(wrong);
    WantedOptions wanted = given;
    if (open.memory_budget.has_value()) {
        SEXTANT_TRY(validate_budget(*open.memory_budget));
        // Before anything is made. Where there is a collection, what is stored counts.
        SEXTANT_TRY_ASSIGN(const bool there, Store::there(path, open));
        if (!there && wanted.dimension.has_value()) SEXTANT_TRY(choose_codes(*open.memory_budget, open, wanted, make));
    }
    SEXTANT_TRY_ASSIGN(auto store, Store::open(path, wanted, open));
    const CoreOptions options = core_options(store->manifest().options);
    SEXTANT_TRY_ASSIGN(auto fields, make(options, store->manifest().options.quantizer_options));
    SEXTANT_TRY_ASSIGN(auto budget, lay_out(open, options, *fields.front(), store.get()));
    auto impl = std::make_unique<Impl>(options, open, std::move(fields), std::move(store));
    CoreState& state = *impl->state;
    state.take_budget(std::move(budget));
    // Closes what was opened when it goes, also after a failure.
    std::unique_ptr<CollectionCore> core(new CollectionCore(std::move(impl)));
    SEXTANT_TRY(state.recover(open.on_corruption));
    state.background.poke();
    return core;
}

Result<WriteReceipt> CollectionCore::write(std::span<const WriteOp> ops, std::optional<Durability> durability) {
    return impl_->state->write(ops, durability);
}

Result<WriteReceipt> CollectionCore::write_where(const Filter& filter, const WriteOp& change,
                                                 std::optional<Durability> durability) {
    return impl_->state->write_where(filter, change, durability);
}

Result<void> CollectionCore::get(std::span<const PointId> ids, const Select& select,
                                 FunctionRef<void(const PointRef&)> sink) const {
    return impl_->state->get(ids, select, sink);
}

Result<std::optional<PointId>> CollectionCore::scroll(const ScrollRequest& request,
                                                      FunctionRef<void(const PointRef&)> sink) const {
    return impl_->state->scroll(request, sink);
}

Result<std::uint64_t> CollectionCore::count(const Filter& filter) const { return impl_->state->count(filter); }

Result<SearchOutcome> CollectionCore::search(const SearchRequest& request, FunctionRef<void(std::size_t)> begin,
                                             FunctionRef<void(const PointRef&)> sink) const {
    const CoreState& core = *impl_->state;
    SEXTANT_TRY(core.check_open());
    SEXTANT_TRY(validate_request(request, core.options));
    SEXTANT_TRY_ASSIGN(const CompiledFilter filter, compile(request.filter));
    const ScratchPool::Lease scratch(core.scratches);
    FreeReplaced afterwards{core};
    const auto pinned = core.cell.pin();
    SEXTANT_TRY(CoreState::check_open(*pinned));
    afterwards.seen = pinned->last;
    Searcher searcher(core, *pinned, *scratch);
    SEXTANT_TRY_ASSIGN(const SearchOutcome outcome, searcher.find(request, filter.get()));
    begin(searcher.hits().size());
    for (const SegmentNeighbor& hit : searcher.hits()) {
        SEXTANT_TRY_ASSIGN(const PointRef point, searcher.point(hit, request.select));
        sink(point);
    }
    return outcome;
}

Result<void> CollectionCore::search_batch(std::span<const SearchRequest> requests, std::span<SearchOutcome> outcomes,
                                          FunctionRef<void(std::size_t, const PointRef&)> sink) const {
    const CoreState& core = *impl_->state;
    SEXTANT_TRY(core.check_open());
    std::vector<CompiledFilter> filters(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
        auto valid = validate_request(requests[i], core.options);
        if (valid) {
            auto compiled = compile(requests[i].filter);
            if (compiled) {
                filters[i] = std::move(compiled).value();
            } else {
                valid = std::move(compiled).error();
            }
        }
        if (!valid) {
            Error error = std::move(valid).error();
            error.message = format_text("requests[{}]: {}", i, error.message);
            return error;
        }
    }
    const auto tiled = [&](std::size_t i) { return requests[i].exact && !requests[i].score_threshold.has_value(); };
    const auto alike = [&](std::size_t i, std::size_t j) {
        return requests[i].k == requests[j].k && requests[i].offset == requests[j].offset &&
               requests[i].filter.node() == requests[j].filter.node();
    };
    const ScratchPool::Lease scratch(core.scratches);
    FreeReplaced afterwards{core};
    // A count, not an epoch: an epoch held for a long batch would keep every version written meanwhile.
    const SharedVersion<Version> held = core.cell.share();
    SEXTANT_TRY(CoreState::check_open(*held));
    afterwards.seen = held->last;
    Searcher searcher(core, *held, *scratch);
    const auto hand_over = [&](std::size_t i, const SearchOutcome& outcome) -> Result<void> {
        outcomes[i] = outcome;
        for (const SegmentNeighbor& hit : searcher.hits()) {
            SEXTANT_TRY_ASSIGN(const PointRef point, searcher.point(hit, requests[i].select));
            sink(i, point);
        }
        return {};
    };
    std::vector<bool> done(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (done[i]) continue;
        if (!tiled(i)) {
            SEXTANT_TRY_ASSIGN(const SearchOutcome outcome, searcher.find(requests[i], filters[i].get()));
            SEXTANT_TRY(hand_over(i, outcome));
            continue;
        }
        std::vector<std::size_t> group;
        std::vector<const SearchRequest*> members;
        for (std::size_t j = i; j < requests.size(); ++j) {
            if (done[j] || !tiled(j) || !alike(i, j)) continue;
            done[j] = true;
            group.push_back(j);
            members.push_back(&requests[j]);
        }
        SEXTANT_TRY(searcher.find_exact(members, filters[i].get(), [&](std::size_t n, const SearchOutcome& outcome) {
            return hand_over(group[n], outcome);
        }));
    }
    return {};
}

Result<Stats> CollectionCore::stats() const { return impl_->state->stats(); }

Result<void> CollectionCore::verify(Depth depth) const { return impl_->state->verify(depth); }

Result<Task> CollectionCore::start_optimize() {
    SEXTANT_TRY(impl_->state->check_open());
    SEXTANT_TRY(impl_->state->check_writable());
    return impl_->state->background.start_optimize();
}

Result<Task> CollectionCore::start_requantize(std::unique_ptr<VectorField> field, std::vector<std::byte> options) {
    SEXTANT_TRY(impl_->state->check_open());
    SEXTANT_TRY(impl_->state->check_writable());
    auto codes = std::make_shared<NewCodes>();
    codes->fields.push_back(std::move(field));
    codes->options = std::move(options);
    return impl_->state->background.start_optimize(std::move(codes));
}

Result<void> CollectionCore::wait_until_indexed() {
    SEXTANT_TRY(impl_->state->check_open());
    return impl_->state->background.wait_until_indexed();
}

Result<void> CollectionCore::flush() { return impl_->state->flush(); }

Result<void> CollectionCore::close() noexcept {
    if (impl_->state->closed.load()) return {};
    // Calls under way finish on the version they pinned; jobs under way are waited for, queued ones find it closed.
    auto result = impl_->state->close();
    impl_->executors.stop();
    return result;
}

const CoreOptions& CollectionCore::options() const noexcept { return impl_->state->options; }

}  // namespace sextant::inline v1::detail
