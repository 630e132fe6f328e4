#include "sextant/format/sealed_body.hpp"

#include <algorithm>
#include <array>

#include "format/body_support.hpp"
#include "support/golden.hpp"

using namespace sextant;
using test_support::named;

namespace {

const format::FileHeader header{named(format::FileKind::tombstones, 5), 77};
constexpr std::array body{std::byte{1}, std::byte{2}, std::byte{3}};

}  // namespace

TEST_CASE("a sealed body is read as it was written", "[format]") {
    const auto bytes = format::seal_body(header, body);
    const auto opened = format::open_body(bytes, header.identity, "path");
    REQUIRE(opened.has_value());
    CHECK(opened->header == header);
    CHECK(test_support::to_hex(opened->body) == "010203");
    CHECK(opened->body.data() == bytes.data() + format::body_offset);
    const auto empty = format::seal_body(header, {});
    CHECK(empty.size() == format::body_offset);
    CHECK(format::open_body(empty, header.identity, "path")->body.empty());
}

TEST_CASE("a sealed body of version 1 has the bytes it ever had", "[format][golden]") {
    const auto golden = test_support::golden_lines("sealed_body.txt");
    CHECK(test_support::to_hex(format::seal_body(header, body)) == golden.at("example"));
}

TEST_CASE("each flipped bit, cut and byte too many of a sealed body is corruption with an offset", "[format]") {
    test_support::refuses_damage(format::seal_body(header, body), [](std::span<const std::byte> bytes) {
        const auto opened = format::open_body(bytes, header.identity, "dir/file");
        if (opened.has_value()) return true;
        CHECK(opened.error().message.starts_with("dir/file: offset "));
        return false;
    });
}

TEST_CASE("a body of another file does not pass", "[format]") {
    const auto bytes = format::seal_body(header, body);
    auto other = header.identity;
    other.number = 6;
    CHECK_FALSE(format::open_body(bytes, other, "path").has_value());
    // Nor under the other file's header: the checksum is seeded with the identity.
    auto moved = format::seal_body({other, 77}, body);
    std::copy(bytes.begin() + format::body_checksum_offset, bytes.end(), moved.begin() + format::body_checksum_offset);
    const auto refused = format::open_body(moved, other, "path");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::corruption);
    CHECK(refused.error().message.starts_with("path: offset 72: "));
}
