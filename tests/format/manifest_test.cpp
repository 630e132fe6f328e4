#include "sextant/format/manifest.hpp"

#include <algorithm>
#include <cctype>
#include <string>

#include "sextant/core/hash.hpp"
#include "sextant/format/bytes.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace sextant;
using format::Manifest;

namespace {

constexpr std::size_t body_offset = format::file_header_size + 16;

format::FileIdentity identity(std::uint64_t number) {
    format::FileIdentity named;
    for (std::size_t i = 0; i < named.collection.size(); ++i) named.collection[i] = static_cast<std::byte>(i);
    named.kind = format::FileKind::manifest;
    named.number = number;
    return named;
}

/// The worked example of docs/format/manifest.md.
Manifest example() {
    Manifest manifest;
    manifest.options = {.dimension = 3,
                        .metric = MetricId::cosine,
                        .quantizer = QuantizerId::scalar8,
                        .m = 16,
                        .ef_construction = 64,
                        .seed = 7,
                        .durability = 2,
                        .deterministic = false};
    manifest.last = 9;
    manifest.replay_from = 8;
    manifest.next_number = 6;
    manifest.first_log = 2;
    manifest.segments = {
        {.number = 3, .footer_checksum = 0x0123456789ABCDEFU, .tombstones_file = 5, .overlay_file = 0, .row_count = 4}};
    return manifest;
}

/// The same of half floats.
Manifest half_example() {
    Manifest manifest = example();
    manifest.options.raw = RawPrecision::F16;
    return manifest;
}

/// Makes the checksum right again after a test changed the body.
void reseal(std::vector<std::byte>& bytes, std::uint64_t number) {
    const auto body = std::span<const std::byte>(bytes).subspan(body_offset);
    format::store_le(bytes.data() + format::file_header_size, std::uint64_t{body.size()});
    format::store_le(bytes.data() + format::file_header_size + 8,
                     hash64(body, format::checksum_seed(identity(number), body_offset)));
}

Error error_of(std::span<const std::byte> bytes, std::uint64_t number) {
    const auto decoded = format::decode_manifest(bytes, number, "MANIFEST-x");
    if (decoded.has_value()) return {ErrorCode::not_found, "it was read"};
    CHECK(decoded.error().message.starts_with("MANIFEST-x: offset "));
    return decoded.error();
}

}  // namespace

TEST_CASE("a manifest is read as it was written", "[format]") {
    Manifest many = example();
    many.options.quantizer_options = {std::byte{1}, std::byte{2}, std::byte{3}};
    many.options.deterministic = true;
    many.next_number = 1000;
    for (std::uint32_t i = 1; i <= 100; ++i) {
        many.segments.push_back({.number = i, .footer_checksum = i * 77, .row_count = i});
    }
    for (const Manifest& manifest : {example(), many, half_example()}) {
        const auto bytes = format::encode_manifest(identity(12), manifest);
        const auto decoded = format::decode_manifest(bytes, 12, "path");
        REQUIRE(decoded.has_value());
        CHECK(decoded->manifest == manifest);
        CHECK(decoded->identity == identity(12));
    }
}

TEST_CASE("a manifest of version 1 has the bytes it ever had", "[format][golden]") {
    const auto golden = test_support::golden_lines("manifest.txt");
    const auto bytes = format::encode_manifest(identity(12), example());
    CHECK(test_support::to_hex(bytes) == golden.at("example"));
    CHECK(test_support::to_hex(format::encode_manifest(identity(12), half_example())) == golden.at("half floats"));
    CHECK(format::encode_current(12, hash64(bytes)) == golden.at("current") + "\n");
}

TEST_CASE("each flipped bit of a manifest is found", "[format]") {
    const auto whole = format::encode_manifest(identity(12), example());
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto bytes = whole;
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        const auto decoded = format::decode_manifest(bytes, 12, "path");
        INFO("bit " << bit);
        CHECK_FALSE(decoded.has_value());
    }
}

TEST_CASE("a manifest that was cut, made longer, or belongs to another number is refused", "[format]") {
    const auto whole = format::encode_manifest(identity(12), example());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK(error_of(std::span(whole).first(size), 12).code == ErrorCode::corruption);
    }
    auto longer = whole;
    longer.push_back(std::byte{0});
    CHECK(error_of(longer, 12).code == ErrorCode::corruption);
    CHECK(error_of(whole, 13).code == ErrorCode::corruption);
}

TEST_CASE("a body that says what cannot be is refused though its checksum is right", "[format]") {
    const auto whole = format::encode_manifest(identity(12), example());
    const auto refuse = [&](std::size_t offset, std::uint8_t value) {
        auto bytes = whole;
        bytes[offset] = std::byte{value};
        reseal(bytes, 12);
        INFO("offset " << offset << " value " << int{value});
        const Error error = error_of(bytes, 12);
        CHECK((error.code == ErrorCode::corruption || error.code == ErrorCode::unsupported));
    };
    refuse(body_offset + 8, 200);     // replay from behind the last write
    refuse(body_offset, 10);          // another last write than the header says
    refuse(body_offset + 32, 8);      // an option less
    refuse(body_offset + 32, 0xFF);   // more options than there are
    refuse(body_offset + 40, 99);     // an option of a later version
    refuse(body_offset + 42, 1);      // a known option marked as one to pass over
    refuse(body_offset + 44, 0xFF);   // a size past the end
    refuse(body_offset + 48, 0);      // dimension 0
    refuse(whole.size() - 48, 0xFF);  // more segments than there are
    refuse(whole.size() - 40, 0);     // segment number 0
    refuse(whole.size() - 40, 6);     // a number never given
    refuse(whole.size() - 24, 6);     // a tombstones file never given
    refuse(whole.size() - 8, 0);      // no rows
    refuse(whole.size() - 5, 0xFF);   // more rows than a segment can have
    refuse(whole.size() - 1, 1);      // padding
}

TEST_CASE("an option that came later is there only where it says something else than its absence", "[format]") {
    const auto bytes = format::encode_manifest(identity(12), half_example());
    CHECK(bytes.size() == format::encode_manifest(identity(12), example()).size() + 9);
    const std::size_t value = bytes.size() - 48 - 1;
    REQUIRE(bytes[value] == std::byte{2});
    for (const unsigned wrong : {0U, 1U, 3U, 255U}) {
        auto changed = bytes;
        changed[value] = static_cast<std::byte>(wrong);
        reseal(changed, 12);
        INFO(wrong);
        const Error error = error_of(changed, 12);
        CHECK(error.code == ErrorCode::corruption);
        CHECK(error.message.find("option 10") != std::string::npos);
    }
    // In the place of another that may not be missing.
    auto renamed = bytes;
    renamed[value - 8 - 9] = std::byte{11};
    reseal(renamed, 12);
    CHECK(error_of(renamed, 12).code == ErrorCode::unsupported);
}

TEST_CASE("an option of a later version may say that it can be passed over", "[format]") {
    auto bytes = format::encode_manifest(identity(12), example());
    // Behind the options and before the segments: 8 bytes of count and one segment of 40 end the body.
    const std::size_t at = bytes.size() - 48;
    const unsigned char extra[] = {99, 0, 1, 0, 2, 0, 0, 0, 5, 6};
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), reinterpret_cast<const std::byte*>(extra),
                 reinterpret_cast<const std::byte*>(extra) + sizeof(extra));
    bytes[body_offset + 32] = std::byte{10};
    reseal(bytes, 12);
    const auto decoded = format::decode_manifest(bytes, 12, "path");
    REQUIRE(decoded.has_value());
    CHECK(decoded->manifest == example());
    bytes[at + 2] = std::byte{0};
    reseal(bytes, 12);
    CHECK(error_of(bytes, 12).code == ErrorCode::unsupported);
}

TEST_CASE("CURRENT is one line and nothing else", "[format]") {
    const std::string line = format::encode_current(12, 0x0123456789ABCDEFU);
    CHECK(line == "MANIFEST-000012 0123456789abcdef\n");
    const auto current = format::decode_current(line, "CURRENT");
    REQUIRE(current.has_value());
    CHECK(current->manifest_number == 12);
    CHECK(current->manifest_checksum == 0x0123456789ABCDEFU);
    CHECK(format::decode_current(format::encode_current(1234567890, 0), "CURRENT")->manifest_number == 1234567890);
    for (const std::string& wrong :
         {std::string(), std::string("\n"), line + "\n", line.substr(1), line.substr(0, line.size() - 1), "x" + line,
          std::string("MANIFEST-12 0123456789abcdef\n"), std::string("MANIFEST-000012 0123456789ABCDEF\n"),
          std::string("MANIFEST-000012\n"), std::string("MANIFEST-000012 0123456789abcdef"),
          std::string("MANIFEST--00012 0123456789abcdef\n")}) {
        INFO(wrong);
        const auto refused = format::decode_current(wrong, "dir/CURRENT");
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == ErrorCode::corruption);
        CHECK(refused.error().message.starts_with("dir/CURRENT: "));
    }
}
