#include "sextant/storage/memory_storage.hpp"

#include "support/catch.hpp"

namespace {

struct WithoutResidency {
    [[maybe_unused]] static constexpr std::string_view name = "half";
    [[maybe_unused]] static constexpr bool durable = false;
};

struct WithData {
    [[maybe_unused]] static constexpr std::string_view name = "data";
    [[maybe_unused]] static constexpr bool durable = true;
    [[maybe_unused]] static constexpr sextant::Residency residency = sextant::Residency::resident;
    int data = 0;
};

}  // namespace

TEST_CASE("memory storage is volatile and resident", "[storage]") {
    CHECK(sextant::MemoryStorage::name == "memory");
    CHECK_FALSE(sextant::MemoryStorage::durable);
    CHECK(sextant::MemoryStorage::residency == sextant::Residency::resident);
}

TEST_CASE("the storage concept asks for all three answers and no data", "[storage]") {
    CHECK(sextant::Storage<sextant::MemoryStorage>);
    CHECK_FALSE(sextant::Storage<WithoutResidency>);
    CHECK_FALSE(sextant::Storage<WithData>);
}
