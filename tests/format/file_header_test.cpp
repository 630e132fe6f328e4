#include "sextant/format/file_header.hpp"

#include <set>
#include <string>

#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"
#include "wal/wal_support.hpp"

using namespace sextant;
using namespace sextant::format;

namespace {

/// The worked example of docs/format/file_header.md.
const FileHeader example{.identity = {.collection = wal_test::some_collection(), .kind = FileKind::wal, .number = 34},
                         .sequence = 1001};
const char* const example_hex =
    "53455854414e540a0100010000000000"
    "2200000000000000a0a1a2a3a4a5a6a7"
    "a8a9aaabacadaeafe903000000000000"
    "0000000000000000d978622c8eaf724b";

std::vector<std::byte> example_bytes() { return test_support::from_hex(example_hex); }

void rehash(std::vector<std::byte>& bytes) {
    store_le(bytes.data() + 56, hash64(std::span<const std::byte>(bytes).first(56)));
}

Error error_of(const std::vector<std::byte>& bytes) {
    const auto header = decode_file_header(bytes, "some/file");
    REQUIRE_FALSE(header);
    CHECK(header.error().message.rfind("some/file: offset ", 0) == 0);
    return header.error();
}

}  // namespace

TEST_CASE("The worked example of the file header page is what is written and read", "[format]") {
    CHECK(test_support::to_hex(encode(example)) == example_hex);
    CHECK(decode_file_header(example_bytes(), "f").value() == example);
    CHECK(decode_file_header(example_bytes(), example.identity, "f").value() == example);
}

TEST_CASE("Any flipped bit of a file header is noticed, and so is a missing byte", "[format]") {
    for (std::size_t bit = 0; bit < file_header_size * 8; ++bit) {
        auto bytes = example_bytes();
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CHECK(error_of(bytes).code == ErrorCode::corruption);
    }
    for (std::size_t size = 0; size < file_header_size; ++size) {
        auto bytes = example_bytes();
        bytes.resize(size);
        CHECK(error_of(bytes).code == ErrorCode::corruption);
    }
}

TEST_CASE("A header with a right checksum still keeps the rules", "[format]") {
    for (const std::size_t reserved : {12U, 15U, 48U, 55U}) {
        auto bytes = example_bytes();
        bytes[reserved] = std::byte{1};
        rehash(bytes);
        CHECK(error_of(bytes).code == ErrorCode::corruption);
    }
    auto bytes = example_bytes();
    bytes[10] = std::byte{2};
    rehash(bytes);
    CHECK(error_of(bytes).code == ErrorCode::unsupported);
    CHECK(error_of(bytes).message == "some/file: offset 10: version is 2, this library reads 1");
}

TEST_CASE("A file that is another one than its name says is corruption that names both", "[format]") {
    FileIdentity other = example.identity;
    other.number = 35;
    const auto header = decode_file_header(example_bytes(), other, "000035.wal");
    REQUIRE_FALSE(header);
    CHECK(header.error().code == ErrorCode::corruption);
    CHECK(header.error().message ==
          "000035.wal: offset 8: this is kind 1, number 34 of collection a0a1a2a3a4a5a6a7a8a9aaabacadaeaf, expected "
          "kind 1, number 35 of collection a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
    other = example.identity;
    other.kind = FileKind::manifest;
    CHECK_FALSE(decode_file_header(example_bytes(), other, "f"));
    other = example.identity;
    other.collection[15] ^= std::byte{1};
    CHECK_FALSE(decode_file_header(example_bytes(), other, "f"));
}

TEST_CASE("Checksums differ between files and places", "[format]") {
    std::set<std::uint64_t> seeds{checksum_seed(example.identity, 0), checksum_seed(example.identity, 8)};
    FileIdentity other = example.identity;
    other.number ^= 1;
    seeds.insert(checksum_seed(other, 0));
    other = example.identity;
    other.kind = FileKind::manifest;
    seeds.insert(checksum_seed(other, 0));
    other = example.identity;
    other.collection[0] ^= std::byte{1};
    seeds.insert(checksum_seed(other, 0));
    CHECK(seeds.size() == 5);
    CHECK(checksum_seed(example.identity, 64) == checksum_seed(example.identity, 64));
}

// Written by version 1; never written again.
TEST_CASE("File headers of version 1 are read and written as ever", "[format]") {
    auto golden = test_support::golden_lines("file_header.txt");
    const FileHeader largest{
        .identity = {.collection = wal_test::some_collection(), .kind = FileKind::manifest, .number = ~0ULL},
        .sequence = ~0ULL};
    for (const auto& [name, header] : {std::pair{"log file 34", example}, std::pair{"largest numbers", largest}}) {
        CHECK(test_support::to_hex(encode(header)) == golden[name]);
        CHECK(decode_file_header(test_support::from_hex(golden[name]), "f").value() == header);
        golden.erase(name);
    }
    CHECK(golden.empty());
}
