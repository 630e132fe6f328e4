#include "sextant/core/memory_account.hpp"

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using sextant::ErrorCode;
using sextant::MemoryAccount;
using sextant::MemoryCharge;

TEST_CASE("A charge counts in every account of the chain and a release takes it back", "[core][memory_account]") {
    MemoryAccount tenant("tenant");
    MemoryAccount database("database", MemoryAccount::unlimited, &tenant);
    MemoryAccount photos("photos", 1000, &database);
    REQUIRE(photos.charge(600));
    REQUIRE(database.charge(50));
    CHECK(photos.used() == 600);
    CHECK(database.used() == 650);
    CHECK(tenant.used() == 650);
    photos.release(600);
    CHECK(photos.used() == 0);
    CHECK(database.used() == 50);
    CHECK(tenant.used() == 50);
    CHECK(tenant.peak() == 650);
    CHECK(photos.peak() == 600);
    CHECK(photos.limit() == 1000);
    CHECK(photos.name() == "photos");
}

TEST_CASE("A charge over a limit names the account, what was asked and what is left", "[core][memory_account]") {
    MemoryAccount account("photos", 1000);
    REQUIRE(account.charge(999));
    const auto refused = account.charge(2);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK(refused.error().message == "memory account 'photos': 2 bytes asked for, 1 of 1000 are left");
    CHECK(account.used() == 999);
    CHECK(account.peak() == 999);
    CHECK(account.charge(1).has_value());
    CHECK(account.charge(0).has_value());
}

TEST_CASE("A charge that a parent refuses is charged nowhere", "[core][memory_account]") {
    MemoryAccount tenant("tenant", 100);
    MemoryAccount database("database", MemoryAccount::unlimited, &tenant);
    MemoryAccount photos("photos", 1000, &database);
    REQUIRE(tenant.charge(60));
    const auto refused = photos.charge(41);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message == "memory account 'tenant': 41 bytes asked for, 40 of 100 are left");
    CHECK(photos.used() == 0);
    CHECK(database.used() == 0);
    CHECK(tenant.used() == 60);
}

TEST_CASE("What is left is what the tightest account of the chain has left", "[core][memory_account]") {
    MemoryAccount tenant("tenant", 1000);
    MemoryAccount database("database", MemoryAccount::unlimited, &tenant);
    MemoryAccount collection("collection", 700, &database);
    CHECK(collection.left() == 700);
    CHECK(database.left() == 1000);
    database.charge(600).value();
    CHECK(collection.left() == 400);
    collection.charge(400).value();
    CHECK(collection.left() == 0);
    CHECK(MemoryAccount("free").left() == MemoryAccount::unlimited);
    collection.release(400);
    database.release(600);
}

TEST_CASE("No size, however large, wraps round to one that fits", "[core][memory_account]") {
    MemoryAccount account("all");
    REQUIRE(account.charge(10));
    CHECK_FALSE(account.charge(MemoryAccount::unlimited).has_value());
    CHECK(account.used() == 10);
}

TEST_CASE("refuse_after grants so many charges and then none", "[core][memory_account]") {
    MemoryAccount account("test");
    account.refuse_after(2);
    CHECK(account.charge(1).has_value());
    CHECK(account.charge(1).has_value());
    const auto refused = account.charge(1);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::resource_exhausted);
    CHECK_FALSE(account.charge(1).has_value());
    CHECK(account.used() == 2);
    account.refuse_after(MemoryAccount::unlimited);
    CHECK(account.charge(1).has_value());
}

TEST_CASE("A MemoryCharge lasts as long as it lives", "[core][memory_account]") {
    MemoryAccount account("test", 100);
    {
        auto taken = MemoryCharge::take(account, 70);
        REQUIRE(taken.has_value());
        MemoryCharge charge = std::move(taken).value();
        CHECK(account.used() == 70);
        CHECK_FALSE(MemoryCharge::take(account, 31).has_value());
        MemoryCharge moved = std::move(charge);
        CHECK(account.used() == 70);
        CHECK(moved.bytes() == 70);
        charge = MemoryCharge::take(account, 30).value();
        CHECK(account.used() == 100);
        moved = std::move(charge);
        CHECK(account.used() == 30);
        moved.reset();
        CHECK(account.used() == 0);
        moved = MemoryCharge::take(account, 5).value();
    }
    CHECK(account.used() == 0);
}

TEST_CASE("Threads together never pass the limit and the sum ends exact", "[core][memory_account][threads]") {
    constexpr std::uint64_t limit = 1000;
    MemoryAccount parent("parent", limit);
    std::vector<std::unique_ptr<MemoryAccount>> accounts;
    for (int i = 0; i < 4; ++i) accounts.push_back(std::make_unique<MemoryAccount>("child", limit, &parent));
    std::vector<std::thread> threads;
    for (auto& account : accounts) {
        threads.emplace_back([&account] {
            for (std::uint64_t i = 0; i < 5'000; ++i) {
                if (account->charge(i % 700)) account->release(i % 700);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(parent.used() == 0);
    CHECK(parent.peak() <= limit);
    CHECK(parent.peak() >= 699);
    for (auto& account : accounts) CHECK(account->used() == 0);
}

TEST_CASE("A charge grows and shrinks, and stays as it was when refused", "[core][memory_account]") {
    MemoryAccount account("test", 100);
    MemoryCharge charge;
    REQUIRE(charge.resize(account, 40));
    REQUIRE(charge.resize(account, 90));
    CHECK(account.used() == 90);
    CHECK_FALSE(charge.resize(account, 101));
    CHECK(charge.bytes() == 90);
    CHECK(account.used() == 90);
    REQUIRE(charge.resize(account, 10));
    CHECK(account.used() == 10);
    charge.reset();
    CHECK(account.used() == 0);
    CHECK(charge.bytes() == 0);
}
