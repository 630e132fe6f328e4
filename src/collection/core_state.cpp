#include "core_state.hpp"

#include <algorithm>
#include <utility>

#include "core/format_text.hpp"
#include "filter_rows.hpp"
#include "sextant/core/limits.hpp"
#include "sextant/segment/segment_limits.hpp"

namespace sextant::inline v1::detail {
namespace {

const SystemClock system_clock;

std::unique_ptr<Version> empty_version() {
    auto version = std::make_unique<Version>();
    version->garbage = GarbageRef::create();
    return version;
}

/// Rows whose codes and graphs take so many bytes: linking touches them in no order, so they should fit.
std::uint64_t rows_that_index_in(std::uint64_t bytes, const std::vector<std::unique_ptr<VectorField>>& fields) {
    constexpr std::uint64_t rows = std::uint64_t{1} << 16U;
    std::uint64_t taken = 0;
    for (const auto& field : fields) {
        const FieldBytes parts = field->estimate(rows);
        taken += parts.graph + (parts.codes == 0 ? parts.vectors : parts.codes);
    }
    const std::uint64_t bytes_per_row = std::max<std::uint64_t>(taken / rows, 1);
    return std::min<std::uint64_t>(bytes / bytes_per_row, limits::max_rows_per_segment);
}

std::uint64_t budget_of(const OpenOptions& open) noexcept {
    return open.memory_budget.has_value() ? open.memory_budget->bytes : MemoryAccount::unlimited;
}

/// Gives back what a large batch took, also when it failed.
struct ResolverRelease {
    WriteResolver& resolver;
    ~ResolverRelease() { resolver.release(); }
};

}  // namespace

CoreState::CoreState(const CoreOptions& core_options, const OpenOptions& open,
                     std::vector<std::unique_ptr<VectorField>> list, ExecutorSource& executors,
                     std::unique_ptr<Store> directory)
    : options(core_options),
      account("collection", budget_of(open), open.memory),
      memory_limit(std::min(budget_of(open), open.memory == nullptr ? MemoryAccount::unlimited : open.memory->limit())),
      events(open.events),
      background_bytes_per_second(open.background_bytes_per_second),
      clock(open.clock == nullptr ? static_cast<const Clock&>(system_clock) : *open.clock),
      fields(std::move(list)),
      executor_source(&executors),
      works_inline(core_options.deterministic || executors.parallelism() == 0),
      store(std::move(directory)),
      growing_bytes(leaves_memory() ? std::min(growing_max_bytes, memory_limit / growing_share_of_memory)
                                    : growing_max_bytes),
      most_merged_rows(leaves_memory() ? rows_that_index_in(memory_limit / 2, fields) : limits::max_rows_per_segment),
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

Result<WriteReceipt> CoreState::write(std::span<const WriteOp> ops, std::optional<Durability> durability) {
    SEXTANT_TRY(check_open());
    SEXTANT_TRY(check_writable(durability));
    SEXTANT_TRY(validate_ops(ops, options));
    const StoredOps stored_ops(ops, options.raw);
    return commit([&]() -> Result<PlacedWrite> {
        const MutexLock lock(write_mutex);
        return place(stored_ops.get(), durability);
    });
}

Result<WriteReceipt> CoreState::commit(FunctionRef<Result<PlacedWrite>()> place_it) {
    while (true) {
        const std::uint64_t before = leaves_memory() ? background.rebuilds() : 0;
        auto placed = place_it();
        if (!placed && placed.error().code == ErrorCode::resource_exhausted && is_short_of_memory() &&
            background.make_room(before)) {
            continue;
        }
        if (!placed) return std::move(placed).error();
        SEXTANT_TRY(commits.wait(placed->ticket));
        background.after_write(placed->rows);
        return placed->receipt;
    }
}

/// Where sealed rows leave memory it is worth waiting until more are sealed. What is refused for want of disk comes with
/// memory to spare, as a rule.
bool CoreState::is_short_of_memory() const noexcept {
    return leaves_memory() && memory_limit != MemoryAccount::unlimited && account.left() < memory_limit / 2;
}

Result<CoreState::PlacedWrite> CoreState::place(std::span<const WriteOp> ops, std::optional<Durability> durability) {
    PlacedWrite placed;
    SEXTANT_TRY(check_open());
    const ResolverRelease release{resolver};
    SEXTANT_TRY(resolver.resolve(ops, *current));
    const ResolvedEffects& resolved = resolver.effects();
    SEXTANT_TRY_ASSIGN(placed.ticket, apply(resolved, durability.value_or(options.durability)));
    placed.receipt = {current->last, resolved.effects.size()};
    for (const Effect& effect : resolved.effects) placed.rows += effect.kind == EffectKind::upsert ? 1U : 0U;
    return placed;
}

Result<WriteReceipt> CoreState::write_where(const Filter& filter, const WriteOp& change,
                                            std::optional<Durability> durability) {
    SEXTANT_TRY(check_open());
    SEXTANT_TRY(check_writable(durability));
    if (filter.empty()) {
        return invalid_argument("filter: is empty; a change of every point is said with Filter::all()");
    }
    if (!change.error.empty()) return invalid_argument(std::string(change.error));
    SEXTANT_TRY_ASSIGN(const FilterProgram program, FilterProgram::compile(filter));
    return commit([&]() -> Result<PlacedWrite> {
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
        return place(ops, durability);
    });
}

Result<void> CoreState::check_writable(std::optional<Durability> durability) const {
    if (store == nullptr) {
        if (durability.value_or(Durability::None) == Durability::None) return {};
        return invalid_argument("durability: a collection in memory keeps nothing, expected Durability::None");
    }
    if (log == nullptr) {
        return Error{ErrorCode::read_only, format_text("{}: the collection was opened read-only", store->path())};
    }
    return {};
}

Result<void> CoreState::flush() {
    SEXTANT_TRY(check_open());
    return commits.flush();
}

Result<void> CoreState::close() noexcept {
    if (closed.exchange(true)) return {};
    background.close();
    scratches.clear();
    Result<void> flushed;
    if (log != nullptr) {
        Result<void> ends[2];
        try {
            ends[0] = note_end();
        } catch (const std::bad_alloc&) {
            // The log alone then says where it ends.
        }
        {
            const MutexLock lock(write_mutex);
            ends[1] = log->close();
        }
        for (Result<void>& end : ends) {
            // No room to say that it was closed: the next opening reads the log as after a crash, and finds all of it.
            const bool fails = !end && end.error().code != ErrorCode::resource_exhausted;
            if (fails && flushed) flushed = std::move(end);
        }
        // Writers that wait for the log see what they wrote published, and return.
        commits.settle();
    }
    const MutexLock lock(write_mutex);
    if (store != nullptr) store->unlock();  // nobody writes any more
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
    return flushed;
}

}  // namespace sextant::inline v1::detail
