#include "sextant/core/object_pool.hpp"

#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using sextant::ObjectPool;

namespace {

struct Counted {
    static inline std::atomic<int> made{0};
    static inline std::atomic<int> alive{0};
    Counted() {
        ++made;
        ++alive;
    }
    ~Counted() { --alive; }
    int uses = 0;  // not atomic: TSan sees if two leases share an object
    std::atomic<int> users{0};
};

}  // namespace

TEST_CASE("An object that was given back is used again, as it was left", "[core][object_pool]") {
    Counted::made = 0;
    {
        ObjectPool<Counted> pool;
        for (int i = 0; i < 100; ++i) {
            const auto lease = pool.acquire();
            CHECK(lease->uses == i);
            ++lease->uses;
        }
        CHECK(Counted::made == 1);
        CHECK(Counted::alive == 1);
    }
    CHECK(Counted::alive == 0);
}

TEST_CASE("Leases held at once have objects of their own", "[core][object_pool]") {
    ObjectPool<Counted> pool;
    std::set<Counted*> objects;
    for (int round = 0; round < 3; ++round) {
        std::vector<ObjectPool<Counted>::Lease> leases;
        std::set<Counted*> now;
        for (int i = 0; i < 10; ++i) {
            leases.push_back(pool.acquire());
            now.insert(&*leases.back());
        }
        CHECK(now.size() == 10);
        objects.insert(now.begin(), now.end());
    }
    CHECK(objects.size() == 10);
}

TEST_CASE("More objects than slots can be out; the pool keeps as many as it has slots", "[core][object_pool]") {
    Counted::alive = 0;
    ObjectPool<Counted> pool;
    {
        std::vector<ObjectPool<Counted>::Lease> leases;
        for (std::size_t i = 0; i < ObjectPool<Counted>::slot_count + 5; ++i) leases.push_back(pool.acquire());
        CHECK(Counted::alive == static_cast<int>(leases.size()));
    }
    CHECK(Counted::alive == static_cast<int>(ObjectPool<Counted>::slot_count));
}

TEST_CASE("The pool makes objects as it is told, and survives a failure to", "[core][object_pool]") {
    struct NoDefault {
        explicit NoDefault(int number) : value(number) {}
        int value;
    };
    ObjectPool<NoDefault> pool;
    CHECK_THROWS_AS(pool.acquire([]() -> std::unique_ptr<NoDefault> { throw std::runtime_error("no memory"); }),
                    std::runtime_error);
    CHECK(pool.acquire([] { return std::make_unique<NoDefault>(4); })->value == 4);
    CHECK(pool.acquire([] { return std::make_unique<NoDefault>(5); })->value == 4);
}

TEST_CASE("A lease moves with its object", "[core][object_pool]") {
    Counted::made = 0;
    ObjectPool<Counted> pool;
    auto first = pool.acquire();
    auto second = pool.acquire();
    Counted* object = &*first;
    ObjectPool<Counted>::Lease moved = std::move(first);
    CHECK_FALSE(static_cast<bool>(first));
    CHECK(&*moved == object);
    second = std::move(moved);  // gives its own object back
    CHECK(&*second == object);
    const auto third = pool.acquire();
    CHECK(Counted::made == 2);
    ObjectPool<Counted>::Lease none;
    CHECK_FALSE(static_cast<bool>(none));
}

TEST_CASE("Threads never share an object, and stop making them", "[core][object_pool][threads]") {
    constexpr int thread_count = 6;
    Counted::made = 0;
    std::atomic<bool> shared{false};
    ObjectPool<Counted> pool;
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 5'000; ++round) {
                const auto lease = pool.acquire();
                if (lease->users.fetch_add(1) != 0) shared = true;
                ++lease->uses;
                lease->users.fetch_sub(1);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK_FALSE(shared);
    CHECK(Counted::made <= static_cast<int>(ObjectPool<Counted>::slot_count));
    // Each use was counted in some object of the pool.
    std::vector<ObjectPool<Counted>::Lease> leases;
    int uses = 0;
    for (int i = 0; i < Counted::made; ++i) leases.push_back(pool.acquire([] { return std::unique_ptr<Counted>(); }));
    for (const auto& lease : leases) uses += lease ? lease->uses : 0;
    CHECK(uses == thread_count * 5'000);
}

TEST_CASE("A cleared pool holds nothing, and what was out comes back", "[core][object_pool]") {
    ObjectPool<int> pool;
    int made = 0;
    const auto make = [&made] { return std::make_unique<int>(++made); };
    {
        const auto first = pool.acquire(make);
        const auto second = pool.acquire(make);
    }
    const auto kept = pool.acquire(make);
    CHECK(made == 2);
    pool.clear();
    CHECK(*pool.acquire(make) == 3);
    CHECK(*pool.acquire(make) == 3);
}
