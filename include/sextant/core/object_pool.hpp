/// ObjectPool: objects that are costly to make and cheap to use again; a search borrows its scratch here.
/// Invariants: (1) an object is in one slot or with one lease; (2) the pool keeps at most slot_count objects.
/// Threads: acquire, clear and the lease's end are thread-safe and lock-free; a lease is confined.
/// Lifetime: the pool outlives its leases.
/// Cost: one atomic exchange and one compare-exchange, mostly on a cache line that the thread used last; makes an object
/// only when it found every slot empty, so a steady load allocates nothing.
/// Why exchange and not a free list: a slot is taken whole, so there is no ABA question and nothing to reclaim.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "sextant/core/thread_hint.hpp"

namespace sextant::inline v1 {

template <class T>
class ObjectPool {
public:
    static constexpr std::size_t slot_count = 64;

    class Lease {
    public:
        Lease() = default;
        Lease(Lease&& other) noexcept
            : pool_(std::exchange(other.pool_, nullptr)), object_(std::move(other.object_)), slot_(other.slot_) {}
        Lease& operator=(Lease&& other) noexcept {
            if (this != &other) {
                give_back();
                pool_ = std::exchange(other.pool_, nullptr);
                object_ = std::move(other.object_);
                slot_ = other.slot_;
            }
            return *this;
        }
        ~Lease() { give_back(); }

        [[nodiscard]] T& operator*() const noexcept { return *object_; }
        [[nodiscard]] T* operator->() const noexcept { return object_.get(); }
        [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

    private:
        friend class ObjectPool;
        Lease(ObjectPool& pool, std::unique_ptr<T> object, std::size_t slot) noexcept
            : pool_(&pool), object_(std::move(object)), slot_(slot) {}
        void give_back() noexcept {
            if (object_ != nullptr) pool_->put(std::move(object_), slot_);
        }

        ObjectPool* pool_ = nullptr;
        std::unique_ptr<T> object_;
        std::size_t slot_ = 0;
    };

    ObjectPool() = default;
    ObjectPool(const ObjectPool&) = delete;
    ObjectPool& operator=(const ObjectPool&) = delete;
    ~ObjectPool() { clear(); }

    /// Deletes what is in the pool now; what is out with a lease comes back later. Thread-safe.
    void clear() noexcept {
        for (Slot& slot : slots_) delete slot.object.exchange(nullptr, std::memory_order_acquire);
    }

    /// An object from the pool, as its last user left it, or what `make()` gives (a std::unique_ptr<T>).
    template <class Make>
    [[nodiscard]] Lease acquire(Make&& make) {
        const std::size_t first = thread_hint();
        for (std::size_t i = 0; i < slot_count; ++i) {
            const std::size_t slot = (first + i) % slot_count;
            // Look before writing: an exchange on every empty slot would take its line from who is about to fill it.
            if (slots_[slot].object.load(std::memory_order_relaxed) == nullptr) continue;
            // Acquire pairs with the release in put(): the last user's writes to the object are seen.
            if (T* taken = slots_[slot].object.exchange(nullptr, std::memory_order_acquire)) {
                return Lease(*this, std::unique_ptr<T>(taken), slot);
            }
        }
        return Lease(*this, std::forward<Make>(make)(), first % slot_count);
    }
    [[nodiscard]] Lease acquire() {
        return acquire([] { return std::make_unique<T>(); });
    }

private:
    // 64: a line of every processor this runs on; each slot has its own, so that threads do not share one.
    struct alignas(64) Slot {
        std::atomic<T*> object{nullptr};
    };

    void put(std::unique_ptr<T> object, std::size_t first) noexcept {
        for (std::size_t i = 0; i < slot_count; ++i) {
            T* empty = nullptr;
            if (slots_[(first + i) % slot_count].object.compare_exchange_strong(
                    empty, object.get(), std::memory_order_release, std::memory_order_relaxed)) {
                static_cast<void>(object.release());
                return;
            }
        }
        // More objects than slots were out at once: this one goes.
    }

    std::array<Slot, slot_count> slots_{};
};

}  // namespace sextant::inline v1
