#include "sextant/wal/wal_files.hpp"

#include "support/catch.hpp"
#include "wal/wal_support.hpp"

using namespace sextant;
using namespace wal_test;

TEST_CASE("Names have six digits or more", "[wal]") {
    CHECK(wal_name(34) == "000034.wal");
    CHECK(wal_name(1'234'567) == "1234567.wal");
    CHECK(recycled_wal_name(34) == "000034.old");
    CHECK(temporary_wal_name(34) == "000034.tmp");
}

TEST_CASE("Listing sorts by number and leaves other names alone", "[wal]") {
    ImageFiles files;
    for (const char* const name :
         {"1000000.wal", "000009.wal", "999999.wal", "00001.wal", "-00001.wal", "00001x.wal", "000002.old", "x.tmp",
          "000001.wal.bak", ".wal", "99999999999999999999.wal", "18446744073709551615.wal"}) {
        files.files[std::string("wal/") + name] = std::make_shared<Bytes>();
    }
    const auto listing = list_wal_files(place_in(files)).value();
    REQUIRE(listing.logs.size() == 3);
    CHECK(listing.logs[0].number == 9);
    CHECK(listing.logs[1].name == "999999.wal");
    CHECK(listing.logs[2].number == 1'000'000);
    REQUIRE(listing.recycled.size() == 1);
    CHECK(listing.recycled[0].number == 2);
    CHECK(listing.temporary == std::vector<std::string>{"x.tmp"});
    CHECK(listing.next_number() == 1'000'001);
    CHECK(WalListing{}.next_number() == 1);
    CHECK(WalListing{.recycled = {{7, "000007.old"}}}.next_number() == 8);
    files.files["wal/0000009.wal"] = std::make_shared<Bytes>();
    CHECK(list_wal_files(place_in(files)).error().code == ErrorCode::corruption);
}
