/// CollectionCore: the collection itself: segments, writes, searches, background work. It knows neither metric nor
/// quantizer (they are behind VectorField) nor JSON (payloads are encoded when they come and when they go).
/// Threads: thread-safe; close() may run beside any call, the destructor beside none.
/// Cost: one object behind a pointer; each call is one call into the library.
/// Why not a template: everything here is compiled once, in the library; Collection<M, S, Q> is a thin shell around it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sextant/collection/collection_options.hpp"
#include "sextant/collection/detail/wanted_options.hpp"
#include "sextant/collection/detail/write_op.hpp"
#include "sextant/collection/open_options.hpp"
#include "sextant/collection/scroll_request.hpp"
#include "sextant/collection/search_request.hpp"
#include "sextant/collection/search_result.hpp"
#include "sextant/collection/stats.hpp"
#include "sextant/collection/task.hpp"
#include "sextant/core/function_ref.hpp"
#include "sextant/core/point_id.hpp"
#include "sextant/core/result.hpp"
#include "sextant/core/types.hpp"

namespace sextant::inline v1 {

class VectorField;

namespace detail {

/// A point where it lies. Lifetime: the call of the sink it is handed to.
struct PointRef {
    PointId id = {};
    std::span<const std::byte> payload = {};
    VectorView vector = {};
    Lsn version = {};
    float score = 0.0F;  ///< of a hit
};

struct WriteReceipt {
    Lsn version = {};           ///< of the last operation that changed something, or of the collection
    std::uint64_t changed = 0;  ///< points inserted, erased or changed; one that several operations name counts once
};

/// Everything of a SearchResult but the hits.
struct SearchOutcome {
    bool complete = true;
    std::uint64_t visited = 0;
    SearchPlan plan = {};
};

class CollectionCore {
public:
    /// One field each; REQUIRES: at least one. `open` is checked here, `options` must be valid.
    [[nodiscard]] static Result<std::unique_ptr<CollectionCore>> create(
        const CoreOptions& options, const OpenOptions& open, std::vector<std::unique_ptr<VectorField>> fields);
    /// A collection in a directory: made, or recovered. `make` is called once the options are known.
    [[nodiscard]] static Result<std::unique_ptr<CollectionCore>> open(const std::string& path,
                                                                      const WantedOptions& wanted,
                                                                      const OpenOptions& open, FieldMaker make);
    CollectionCore(const CollectionCore&) = delete;
    CollectionCore& operator=(const CollectionCore&) = delete;
    ~CollectionCore();

    /// All or nothing. `durability`: instead of the collection's.
    [[nodiscard]] Result<WriteReceipt> write(std::span<const WriteOp> ops, std::optional<Durability> durability = {});
    /// `change` (its id aside) to every point that passes the filter, which must not be empty.
    [[nodiscard]] Result<WriteReceipt> write_where(const Filter& filter, const WriteOp& change,
                                                   std::optional<Durability> durability = {});

    /// Hands over each point that exists, in the order asked; all of one version.
    [[nodiscard]] Result<void> get(std::span<const PointId> ids, const Select& select,
                                   FunctionRef<void(const PointRef&)> sink) const;
    /// Says by its return value from where to go on.
    [[nodiscard]] Result<std::optional<PointId>> scroll(const ScrollRequest& request,
                                                        FunctionRef<void(const PointRef&)> sink) const;
    [[nodiscard]] Result<std::uint64_t> count(const Filter& filter) const;

    /// `begin` is called once with the number of hits, before them. The sink may throw.
    [[nodiscard]] Result<SearchOutcome> search(const SearchRequest& request, FunctionRef<void(std::size_t)> begin,
                                               FunctionRef<void(const PointRef&)> sink) const;
    /// Hands over (request, hit), request by request; all of one version. outcomes.size() is requests.size(). The error
    /// names the request.
    [[nodiscard]] Result<void> search_batch(std::span<const SearchRequest> requests, std::span<SearchOutcome> outcomes,
                                            FunctionRef<void(std::size_t, const PointRef&)> sink) const;

    [[nodiscard]] Result<Stats> stats() const;
    [[nodiscard]] Result<void> verify(Depth depth) const;
    [[nodiscard]] Result<Task> start_optimize();
    /// `options`: the new quantizer's, encoded.
    [[nodiscard]] Result<Task> start_requantize(std::unique_ptr<VectorField> field, std::vector<std::byte> options);
    [[nodiscard]] Result<void> wait_until_indexed();
    [[nodiscard]] Result<void> flush();
    [[nodiscard]] Result<void> close() noexcept;

    [[nodiscard]] const CoreOptions& options() const noexcept;

    /// invalid_argument where bytes do not fit 64 bits. REQUIRES: valid options.
    [[nodiscard]] static Result<MemoryEstimate> estimate(std::uint64_t points, const CoreOptions& options,
                                                         const VectorField& field);

private:
    struct Impl;
    explicit CollectionCore(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace detail
}  // namespace sextant::inline v1
