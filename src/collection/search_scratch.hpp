/// SearchScratch: what one search borrows from the pool. After warm-up it holds all memory a search takes.
/// Threads: a scratch is confined; ScratchPool is thread-safe.
/// Lifetime: a pool outlives its leases, and the account the pool.
#pragma once

#include <cstdint>
#include <new>
#include <vector>

#include "sextant/core/memory_account.hpp"
#include "sextant/core/object_pool.hpp"
#include "sextant/core/types.hpp"
#include "sextant/segment/field_scratch.hpp"

namespace sextant::inline v1::detail {

/// A candidate with the segment it lies in.
struct SegmentNeighbor {
    float distance = 0.0F;
    std::uint32_t segment = 0;
    RowId row = no_row;
};

struct SearchScratch {
    FieldScratch field;
    std::vector<std::uint64_t> admitted;  ///< bitmap of the segment at hand
    std::vector<Neighbor> found;          ///< of the segment at hand
    std::vector<SegmentNeighbor> merged;  ///< of all segments
    MemoryCharge charge;                  ///< for all of these, as of the last search

    [[nodiscard]] std::uint64_t memory_bytes() const noexcept {
        return field.memory_bytes() + admitted.capacity() * sizeof(std::uint64_t) +
               found.capacity() * sizeof(Neighbor) + merged.capacity() * sizeof(SegmentNeighbor);
    }
};

/// The scratches of a collection. What lies in the pool is charged: a scratch that the account has no room for is given
/// back to the system when its search ends, so that searches go on under any limit.
class ScratchPool {
public:
    explicit ScratchPool(MemoryAccount& account) noexcept : account_(account) {}

    class Lease {
    public:
        explicit Lease(ScratchPool& pool) : pool_(&pool), scratch_(pool.pool_.acquire()) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() { pool_->settle(*scratch_); }
        [[nodiscard]] SearchScratch& operator*() const noexcept { return *scratch_; }
        [[nodiscard]] SearchScratch* operator->() const noexcept { return &*scratch_; }

    private:
        ScratchPool* pool_;
        ObjectPool<SearchScratch>::Lease scratch_;
    };

    void clear() noexcept { pool_.clear(); }

private:
    void settle(SearchScratch& scratch) noexcept {
        const std::uint64_t bytes = scratch.memory_bytes();
        if (bytes == scratch.charge.bytes()) return;
        try {
            if (scratch.charge.resize(account_, bytes)) return;
        } catch (const std::bad_alloc&) {
            // No memory for the words of the refusal.
        }
        scratch = SearchScratch();
    }

    MemoryAccount& account_;
    ObjectPool<SearchScratch> pool_;
};

}  // namespace sextant::inline v1::detail
