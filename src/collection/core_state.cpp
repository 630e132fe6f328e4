#include "core_state.hpp"

#include <fmt/format.h>

#include <utility>

#include "filter_rows.hpp"

namespace sextant::inline v1::detail {
namespace {

const SystemClock system_clock;

std::unique_ptr<Version> empty_version() {
    auto version = std::make_unique<Version>();
    version->garbage = GarbageRef::create();
    return version;
}

/// Gives back what a large batch took, also when it failed.
struct ResolverRelease {
    WriteResolver& resolver;
    ~ResolverRelease() { resolver.release(); }
};

}  // namespace

CoreState::CoreState(const CoreOptions& core_options, const OpenOptions& open,
                     std::vector<std::unique_ptr<VectorField>> list, ExecutorSource& executors)
    : options(core_options),
      account("collection", MemoryAccount::unlimited, open.memory),
      memory_limit(open.memory == nullptr ? MemoryAccount::unlimited : open.memory->limit()),
      events(open.events),
      clock(open.clock == nullptr ? static_cast<const Clock&>(system_clock) : *open.clock),
      fields(std::move(list)),
      executor_source(&executors),
      works_inline(core_options.deterministic || executors.parallelism() == 0),
      cell(domain, empty_version()),
      scratches(search_account),
      current(cell.pin().get()),
      background(*this) {}

Result<void> CoreState::check_open() const {
    // Relaxed: a call that began before close() may go on; what it reads is held by its version.
    if (!closed.load(std::memory_order_relaxed)) return {};
    return Error{ErrorCode::closed, "the collection is closed"};
}

Result<void> CoreState::check_open(const Version& version) {
    if (!version.closed) return {};
    return Error{ErrorCode::closed, "the collection is closed"};
}

Result<WriteReceipt> CoreState::write(std::span<const WriteOp> ops) {
    SEXTANT_TRY(check_open());
    SEXTANT_TRY(validate_ops(ops, options.dimension));
    WriteReceipt receipt;
    std::uint64_t rows = 0;
    {
        const MutexLock lock(write_mutex);
        SEXTANT_TRY(check_open());
        const ResolverRelease release{resolver};
        SEXTANT_TRY(resolver.resolve(ops, *current));
        const ResolvedEffects& resolved = resolver.effects();
        SEXTANT_TRY(apply(resolved));
        receipt = {current->last, resolved.effects.size()};
        for (const Effect& effect : resolved.effects) rows += effect.kind == EffectKind::upsert ? 1U : 0U;
    }
    background.after_write(rows);
    return receipt;
}

Result<WriteReceipt> CoreState::write_where(const Filter& filter, const WriteOp& change) {
    SEXTANT_TRY(check_open());
    if (filter.empty()) {
        return invalid_argument("filter: is empty; a change of every point is said with Filter::all()");
    }
    if (!change.error.empty()) return invalid_argument(std::string(change.error));
    SEXTANT_TRY_ASSIGN(const FilterProgram program, FilterProgram::compile(filter));
    WriteReceipt receipt;
    {
        const MutexLock lock(write_mutex);
        SEXTANT_TRY(check_open());
        std::vector<PointId> ids;
        for (const auto& state : current->segments) {
            for_each_match(program, *state, current->last, nullptr,
                           [&](std::uint32_t row) { ids.push_back(state->ids[row]); });
        }
        // What resolving takes beside the changes themselves: an operation, its effect twice, a place in the index.
        constexpr std::uint64_t bytes_per_op = sizeof(PointId) + sizeof(WriteOp) + 2 * sizeof(Effect) + 32;
        SEXTANT_TRY_ASSIGN(const MemoryCharge charge, MemoryCharge::take(account, ids.size() * bytes_per_op));
        std::vector<WriteOp> ops(ids.size(), change);
        for (std::size_t i = 0; i < ids.size(); ++i) ops[i].id = ids[i];
        const ResolverRelease release{resolver};
        SEXTANT_TRY(resolver.resolve(ops, *current));
        SEXTANT_TRY(apply(resolver.effects()));
        receipt = {current->last, resolver.effects().effects.size()};
    }
    background.after_write(0);
    return receipt;
}

bool CoreState::close() noexcept {
    if (closed.exchange(true)) return false;
    background.close();
    scratches.clear();
    const MutexLock lock(write_mutex);
    active.reset();
    active_segment.store(nullptr, std::memory_order_relaxed);
    try {
        auto version = empty_version();
        version->last = current->last;
        version->closed = true;
        const Version& next = *version;
        publish(VersionCell<Version>::prepare(std::move(version)), next);
    } catch (...) {
        // Out of memory: what there is goes with the handle instead of now.
    }
    return true;
}

}  // namespace sextant::inline v1::detail
