/// CollectionHandle: every call of a collection that does not depend on its policies. Collection<M, S, Q> adds open().
/// Threads: thread-safe: insert, erase, search and all the rest run at once without a lock of the caller's. Moving and
/// destroying need to be alone. docs/threading.md has a table of all calls.
/// Lifetime: the destructor closes, and never throws.
/// Cost: a shell around detail::CollectionCore that turns payloads into bytes and back; only the hits are decoded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sextant/collection/detail/collection_core.hpp"
#include "sextant/collection/record.hpp"
#include "sextant/collection/scroll_request.hpp"
#include "sextant/collection/search_request.hpp"
#include "sextant/collection/search_result.hpp"
#include "sextant/collection/stats.hpp"
#include "sextant/collection/task.hpp"
#include "sextant/collection/write_batch.hpp"
#include "sextant/payload/filter.hpp"
#include "sextant/payload/payload_json.hpp"

namespace sextant::inline v1 {

class CollectionHandle {
public:
    CollectionHandle(CollectionHandle&&) noexcept = default;
    CollectionHandle& operator=(CollectionHandle&&) noexcept = default;
    CollectionHandle(const CollectionHandle&) = delete;
    CollectionHandle& operator=(const CollectionHandle&) = delete;

    // Writing. All or nothing; visible to every search that begins after the call. What an acknowledged write survives
    // is options.durability, or for this one call `durability`; in memory nothing but None makes sense.

    /// Inserts the point, or replaces it. Gives its version.
    [[nodiscard]] Result<Lsn> upsert(PointId id, std::span<const float> vector, const Payload& payload = {},
                                     std::optional<Durability> durability = {}) {
        return upsert_op({.kind = detail::WriteKind::upsert, .id = id, .vector = vector}, payload, durability);
    }
    /// Only if the point has this version (version_conflict otherwise); Lsn{0}: only if there is none (already_exists).
    [[nodiscard]] Result<Lsn> upsert_if(Lsn expected, PointId id, std::span<const float> vector,
                                        const Payload& payload = {}, std::optional<Durability> durability = {}) {
        return upsert_op(
            {.kind = detail::WriteKind::upsert, .conditional = true, .expected = expected, .id = id, .vector = vector},
            payload, durability);
    }
    /// How many points there were to erase.
    [[nodiscard]] Result<std::uint64_t> erase(PointId id, std::optional<Durability> durability = {});
    [[nodiscard]] Result<std::uint64_t> erase(std::span<const PointId> ids, std::optional<Durability> durability = {});
    [[nodiscard]] Result<std::uint64_t> erase(const Filter& filter, std::optional<Durability> durability = {});
    /// The version after the batch.
    [[nodiscard]] Result<Lsn> write(WriteBatch&& batch, std::optional<Durability> durability = {});

    // Payload changes: of the points that exist; each gives how many. `points` is an id, a span of ids or a filter.

    /// Top-level keys of `payload` replace those of the point's or join them.
    template <class Points>
    [[nodiscard]] Result<std::uint64_t> set_payload(const Points& points, const Payload& payload,
                                                    std::optional<Durability> durability = {}) {
        return change_payload(points, detail::WriteKind::set_payload, payload, durability);
    }
    template <class Points>
    [[nodiscard]] Result<std::uint64_t> overwrite_payload(const Points& points, const Payload& payload,
                                                          std::optional<Durability> durability = {}) {
        return change_payload(points, detail::WriteKind::overwrite_payload, payload, durability);
    }
    /// `keys` are paths as in filters: "a", "a.b", "a[0]", "a[].b".
    template <class Points>
    [[nodiscard]] Result<std::uint64_t> delete_payload_keys(const Points& points, const std::vector<std::string>& keys,
                                                            std::optional<Durability> durability = {}) {
        return change_points(points, {.kind = detail::WriteKind::delete_payload_keys}, durability, keys);
    }
    template <class Points>
    [[nodiscard]] Result<std::uint64_t> clear_payload(const Points& points, std::optional<Durability> durability = {}) {
        return change_points(points, {.kind = detail::WriteKind::clear_payload}, durability);
    }

    // Reading.

    /// not_found when there is no such point.
    [[nodiscard]] Result<Record> get(PointId id, Select select = {}) const {
        SEXTANT_TRY_ASSIGN(auto records, get(std::span<const PointId>(&id, 1), select));
        if (records.empty()) return Error{ErrorCode::not_found, "id " + id.to_string() + ": there is no such point"};
        return std::move(records.front());
    }
    /// In the order asked; ids that do not exist are left out. All of one version.
    [[nodiscard]] Result<std::vector<Record>> get(std::span<const PointId> ids, Select select = {}) const {
        std::vector<Record> records;
        records.reserve(ids.size());
        SEXTANT_TRY(
            core_->get(ids, select, [&](const detail::PointRef& point) { records.push_back(record(point, select)); }));
        return records;
    }
    [[nodiscard]] Result<ScrollPage> scroll(const ScrollRequest& request) const {
        ScrollPage page;
        const auto sink = [&](const detail::PointRef& point) { page.points.push_back(record(point, request.select)); };
        SEXTANT_TRY_ASSIGN(page.next, core_->scroll(request, sink));
        return page;
    }
    /// Points that pass the filter; all of them for an empty one.
    [[nodiscard]] Result<std::uint64_t> count(const Filter& filter = {}) const { return core_->count(filter); }

    // Searching.

    [[nodiscard]] Result<SearchResult> search(const SearchRequest& request) const {
        SearchResult result;
        SEXTANT_TRY(search_into(request, result));
        return result;
    }
    /// As search(), into a result whose memory is used again: once warm, and with no payload selected, nothing is
    /// allocated. After an error the result is empty.
    [[nodiscard]] Result<void> search_into(const SearchRequest& request, SearchResult& result) const {
        std::size_t next = 0;
        const auto begin = [&](std::size_t count) { resize(result, count); };
        const auto sink = [&](const detail::PointRef& point) { fill(result.hits[next++], point, request.select); };
        auto outcome = core_->search(request, begin, sink);
        if (!outcome) {
            resize(result, 0);
            return std::move(outcome).error();
        }
        settle(result, *outcome);
        return {};
    }
    /// All against one version. Exact requests that share filter, k and offset read each vector once for many of them.
    [[nodiscard]] Result<std::vector<SearchResult>> search_batch(std::span<const SearchRequest> requests) const {
        std::vector<SearchResult> results(requests.size());
        std::vector<detail::SearchOutcome> outcomes(requests.size());
        SEXTANT_TRY(core_->search_batch(requests, outcomes, [&](std::size_t i, const detail::PointRef& point) {
            fill(results[i].hits.emplace_back(), point, requests[i].select);
        }));
        for (std::size_t i = 0; i < results.size(); ++i) settle(results[i], outcomes[i]);
        return results;
    }

    // Looking after.

    [[nodiscard]] Result<Stats> stats() const { return core_->stats(); }
    /// corruption, naming segment and row, at the first thing that is not as it must be.
    [[nodiscard]] Result<void> verify(Depth depth = Depth::full) const { return core_->verify(depth); }
    /// Makes all points one sealed segment: the fastest to search, nothing dead kept. Searches and writes go on.
    [[nodiscard]] Result<Task> start_optimize() { return core_->start_optimize(); }
    [[nodiscard]] Result<void> optimize();
    /// Until every point written before this call is in a graph.
    [[nodiscard]] Result<void> wait_until_indexed() { return core_->wait_until_indexed(); }
    /// Until all that was acknowledged is on the disk: at once, in memory.
    [[nodiscard]] Result<void> flush() { return core_->flush(); }
    /// Stops background work and gives the memory back; later calls say `closed`. Again: nothing happens.
    [[nodiscard]] Result<void> close() noexcept { return core_->close(); }

protected:
    explicit CollectionHandle(std::unique_ptr<detail::CollectionCore> core) noexcept : core_(std::move(core)) {}
    ~CollectionHandle() = default;
    [[nodiscard]] detail::CollectionCore& core() const noexcept { return *core_; }

private:
    Result<Lsn> upsert_op(detail::WriteOp op, const Payload& payload, std::optional<Durability> durability) {
        std::vector<std::byte> blob;
        SEXTANT_TRY(encode_payload(payload, blob));
        op.payload = blob;
        return write_one(op, durability);
    }
    Result<Lsn> write_one(const detail::WriteOp& op, std::optional<Durability> durability);

    /// `keys` become the operation's paths.
    Result<std::uint64_t> change(std::span<const PointId> ids, detail::WriteOp op, std::optional<Durability> durability,
                                 std::span<const std::string> keys = {});
    Result<std::uint64_t> change(const Filter& filter, detail::WriteOp op, std::optional<Durability> durability,
                                 std::span<const std::string> keys = {});
    template <class Points>
    Result<std::uint64_t> change_points(const Points& points, const detail::WriteOp& op,
                                        std::optional<Durability> durability, std::span<const std::string> keys = {}) {
        if constexpr (std::is_same_v<Points, PointId>) {
            return change(std::span<const PointId>(&points, 1), op, durability, keys);
        } else if constexpr (std::is_same_v<Points, Filter>) {
            return change(points, op, durability, keys);
        } else {
            return change(std::span<const PointId>(points), op, durability, keys);
        }
    }
    template <class Points>
    Result<std::uint64_t> change_payload(const Points& points, detail::WriteKind kind, const Payload& payload,
                                         std::optional<Durability> durability) {
        std::vector<std::byte> blob;
        SEXTANT_TRY(encode_payload(payload, blob));
        return change_points(points, {.kind = kind, .payload = blob}, durability);
    }

    static Record record(const detail::PointRef& point, const Select& select) {
        Record out;
        out.id = point.id;
        out.version = point.version;
        if (select.payload) out.payload = decode_payload(point.payload);
        if (select.vector) out.vector.assign(point.vector.begin(), point.vector.end());
        return out;
    }
    static void fill(Hit& hit, const detail::PointRef& point, const Select& select) {
        hit.id = point.id;
        hit.score = point.score;
        if (select.payload) {
            hit.payload = decode_payload(point.payload);
        } else if (!hit.payload.is_null()) {
            hit.payload = nullptr;
        }
        hit.vector.assign(point.vector.begin(), point.vector.end());
    }
    /// Keeps what hits hold when there are fewer, for when there are more again.
    static void resize(SearchResult& result, std::size_t count) {
        result.hits.reserve(count);
        result.spare.reserve(result.hits.size() + result.spare.size());
        for (; result.hits.size() > count; result.hits.pop_back()) {
            result.spare.push_back(std::move(result.hits.back()));
        }
        for (; result.hits.size() < count && !result.spare.empty(); result.spare.pop_back()) {
            result.hits.push_back(std::move(result.spare.back()));
        }
        result.hits.resize(count);
    }
    static void settle(SearchResult& result, const detail::SearchOutcome& outcome) noexcept {
        result.complete = outcome.complete;
        result.visited = outcome.visited;
        result.plan = outcome.plan;
    }

    std::unique_ptr<detail::CollectionCore> core_;
};

}  // namespace sextant::inline v1
