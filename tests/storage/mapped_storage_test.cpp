#include "sextant/storage/mapped_storage.hpp"

#include "support/catch.hpp"

TEST_CASE("mapped storage is durable, and resident unless asked otherwise", "[storage]") {
    CHECK(sextant::Storage<sextant::MappedStorage>);
    CHECK(sextant::MappedStorage::name == "mapped");
    CHECK(sextant::MappedStorage::durable);
    CHECK(sextant::MappedStorage::residency == sextant::Residency::resident);
}
