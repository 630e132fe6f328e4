#include "sextant/wal/wal_options.hpp"

#include "support/catch.hpp"

using sextant::ErrorCode;
using sextant::WalOptions;

TEST_CASE("Log options are checked by name", "[wal]") {
    CHECK(WalOptions{}.validate());
    CHECK(WalOptions{4096, 4096, 0}.validate());
    for (const WalOptions& options : {WalOptions{4095, 8192, 0}, WalOptions{1ULL << 41U, 1ULL << 41U, 0}}) {
        CHECK(options.validate().error().code == ErrorCode::invalid_argument);
        CHECK(options.validate().error().message.rfind("min_file_size", 0) == 0);
    }
    for (const WalOptions& options : {WalOptions{8192, 8191, 0}, WalOptions{8192, 1ULL << 41U, 0}}) {
        CHECK(options.validate().error().message.rfind("max_file_size", 0) == 0);
    }
}
