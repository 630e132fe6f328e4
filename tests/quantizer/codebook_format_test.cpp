#include "sextant/quantizer/codebook_format.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <string>

#include "sextant/core/hash.hpp"
#include "sextant/metric/metrics.hpp"
#include "sextant/quantizer/no_quantizer.hpp"
#include "sextant/quantizer/scalar_quantizer.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/sample_vectors.hpp"

using namespace sextant;

namespace {

std::vector<std::byte> from_hex(const std::string& text) {
    std::string digits;
    std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
                 [](unsigned char c) { return std::isxdigit(c) != 0; });
    return test_support::from_hex(digits);
}

/// The worked example of docs/format/codebook.md.
const codebook_format::Header example{
    .quantizer = QuantizerId::scalar8, .dimension = 3, .step = 0.5F, .row_error = 0.25F, .error_slope = 2.0F};
const float example_offsets[] = {1.0F, -2.0F, 0.0F};
const char* const example_hex =
    "53 58 54 43 4f 44 45 42  02 00 01 00 03 00 00 00"
    "0c 00 00 00 00 00 00 00  00 00 00 3f 00 00 80 3e"
    "00 00 00 40 00 00 00 00  00 00 00 00 00 00 00 00"
    "00 00 00 00 00 00 00 00  f9 60 80 4f 48 4d 48 66"
    "00 00 80 3f 00 00 00 c0  00 00 00 00 cb f5 1b bb"
    "b8 9d b1 93";

/// Makes header bytes valid again after a test changed them.
void rehash(std::vector<std::byte>& bytes) {
    const std::uint64_t header = hash64(std::span(bytes).first(codebook_format::header_hash_offset));
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[codebook_format::header_hash_offset + i] = static_cast<std::byte>(header >> (8 * i));
    }
    const auto payload = std::span(bytes).subspan(64, bytes.size() - 72);
    const std::uint64_t body = hash64(payload);
    for (std::size_t i = 0; i < 8; ++i) bytes[bytes.size() - 8 + i] = static_cast<std::byte>(body >> (8 * i));
}

std::string corruption_of(const std::vector<std::byte>& bytes) {
    const auto loaded = ScalarQuantizer::load(bytes);
    if (loaded) return "";
    CHECK(loaded.error().code == ErrorCode::corruption);
    return loaded.error().message;
}

}  // namespace

TEST_CASE("the worked example of the codebook page is what is written and read", "[quantizer][format]") {
    const auto golden = from_hex(example_hex);
    CHECK(codebook_format::write(example, example_offsets) == golden);
    const ScalarQuantizer quantizer = ScalarQuantizer::load(golden).value();
    CHECK(quantizer.dimension() == 3);
    CHECK(quantizer.model().step == 0.5F);
    CHECK(quantizer.model().row_error == 0.25F);
    CHECK(quantizer.model().error_slope == 2.0F);
    CHECK(quantizer.model().offset == std::vector<float>{1.0F, -2.0F, 0.0F});
    CHECK(quantizer.save() == golden);
}

TEST_CASE("a codebook cut short anywhere is refused", "[quantizer][format]") {
    const auto golden = from_hex(example_hex);
    for (std::size_t size = 0; size < golden.size(); ++size) {
        const auto loaded = ScalarQuantizer::load(std::span(golden).first(size));
        REQUIRE_FALSE(loaded);
        REQUIRE(loaded.error().code == ErrorCode::corruption);
        REQUIRE(loaded.error().message.find("offset") != std::string::npos);
    }
    auto longer = golden;
    longer.push_back(std::byte{0});
    CHECK(corruption_of(longer).find("size") != std::string::npos);
}

TEST_CASE("any flipped bit of a codebook is noticed", "[quantizer][format]") {
    const auto golden = from_hex(example_hex);
    for (std::size_t bit = 0; bit < golden.size() * 8; ++bit) {
        auto bytes = golden;
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        const auto loaded = ScalarQuantizer::load(bytes);
        REQUIRE_FALSE(loaded);
        REQUIRE(loaded.error().code == ErrorCode::corruption);
    }
}

TEST_CASE("absurd fields behind a right checksum are refused by name and offset", "[quantizer][format]") {
    const auto golden = from_hex(example_hex);
    struct Case {
        std::size_t offset;
        std::vector<unsigned> bytes;
        const char* says;
    };
    const Case cases[] = {
        {12, {0, 0, 0, 0}, "offset 12: dimension is 0"},
        {12, {0xff, 0xff, 0xff, 0xff}, "offset 12: dimension is 4294967295, expected 1 .. 65536"},
        {12, {4, 0, 0, 0}, "offset 16: payload size is 12, expected 16"},
        {16, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "offset 16: payload size"},
        {16, {0, 0, 0, 0}, "size"},
        {8, {1, 0}, "offset 8: quantizer is 1, expected 2"},
        {45, {1}, "offset 44: unused field is 256, expected 0"},
        {24, {0, 0, 0, 0}, "offset 24: step"},
        {24, {0, 0, 0xc0, 0x7f}, "offset 24: step is nan"},
        {24, {0, 0, 0x80, 0xbf}, "offset 24: step is -1"},
        {24, {0, 0, 0, 0x7c}, "offset 24: step is 2.65"},
        {28, {0, 0, 0, 0x80}, "offset 28: error statistic is -0"},
        {32, {0, 0, 0x80, 0x7f}, "offset 32: error statistic is inf"},
        {68, {0, 0, 0, 0x7f}, "offset 68: offset is 1.7"},
        {68, {0, 0, 0x80, 0x7f}, "offset 68: offset is inf, expected -2^127 to 2^127"},
    };
    for (const Case& test : cases) {
        auto bytes = golden;
        for (std::size_t i = 0; i < test.bytes.size(); ++i)
            bytes[test.offset + i] = static_cast<std::byte>(test.bytes[i]);
        rehash(bytes);
        CAPTURE(test.offset, test.says);
        CHECK(corruption_of(bytes).find(test.says) != std::string::npos);
    }
}

TEST_CASE("a later version of the format is unsupported, not corrupt", "[quantizer][format]") {
    auto bytes = from_hex(example_hex);
    bytes[10] = std::byte{2};
    rehash(bytes);
    const auto loaded = ScalarQuantizer::load(bytes);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == ErrorCode::unsupported);
    CHECK(loaded.error().message == "codebook: offset 10: version is 2, this library reads 1");
}

TEST_CASE("random bytes never load and never crash", "[quantizer][format]") {
    Random random(99);
    const auto golden = from_hex(example_hex);
    for (int round = 0; round < 20'000; ++round) {
        auto bytes = golden;
        bytes.resize(random.below(2 * golden.size()));
        const std::size_t changes = random.below(6) + 1;
        for (std::size_t i = 0; i < changes && !bytes.empty(); ++i) {
            bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(256));
        }
        const bool rehashed = bytes.size() >= 72 && random.below(2) == 0;
        if (rehashed) rehash(bytes);
        const auto loaded = ScalarQuantizer::load(bytes);
        if (loaded) REQUIRE(loaded->save() == bytes);  // then it was a codebook after all
    }
}

TEST_CASE("a codebook of no quantizer has no payload and no numbers", "[quantizer][format]") {
    const NoQuantizer quantizer =
        NoQuantizer::load(codebook_format::write({.quantizer = QuantizerId::none, .dimension = 3}, {})).value();
    CHECK(quantizer.dimension() == 3);
    const auto message_of = [](const codebook_format::Header& header, std::span<const float> payload) {
        const auto loaded = NoQuantizer::load(codebook_format::write(header, payload));
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().code == ErrorCode::corruption);
        return loaded.error().message;
    };
    CHECK(message_of({.quantizer = QuantizerId::none, .dimension = 3}, example_offsets) ==
          "codebook: offset 16: payload size is 12, expected 0");
    CHECK(message_of({.quantizer = QuantizerId::none, .dimension = 3, .step = 1.0F}, {}).find("offset 24") !=
          std::string::npos);
    CHECK(message_of({.quantizer = QuantizerId::none, .dimension = 3, .error_slope = -0.0F}, {}).find("offset 32") !=
          std::string::npos);
}

TEST_CASE("the largest numbers a codebook may hold decode to finite vectors and bound distances",
          "[quantizer][format]") {
    constexpr float most = std::numeric_limits<float>::max();
    const std::vector<float> offsets{most / 2.0F, -most / 2.0F};
    const auto book = codebook_format::write({.quantizer = QuantizerId::scalar8,
                                              .dimension = 2,
                                              .step = most / 256.0F,
                                              .row_error = most,
                                              .error_slope = most},
                                             offsets);
    const ScalarQuantizer quantizer = ScalarQuantizer::load(book).value();
    std::vector<std::byte> code(quantizer.code_size());
    std::vector<float> decoded(2);
    for (const float value : {0.0F, most, -most}) {
        quantizer.encode(std::vector<float>{value, -value}, code);
        quantizer.decode(code, decoded);
        CHECK(std::isfinite(decoded[0]));
        CHECK(std::isfinite(decoded[1]));
    }
    for (const float distance : {0.0F, 1.0F, most}) {
        CHECK(std::isfinite(quantizer.lower_bound<SquaredL2>(distance)));
        CHECK(quantizer.lower_bound<SquaredL2>(distance) <= distance);
        CHECK(std::isfinite(quantizer.lower_bound<Cosine>(distance)));
    }
}

// Written by version 1; never written again.
TEST_CASE("codebooks of version 1 are trained, read and written as ever", "[quantizer][format][kernel]") {
    auto golden = test_support::golden_lines("codebook.txt");
    // Without log and cos, whose last bits are the C library's.
    test_support::Vectors plain{5, std::vector<float>(500 * 5)};
    Random random(7);
    for (float& value : plain.values) {
        value = (static_cast<float>(random.below(4096)) + static_cast<float>(random.below(4096)) - 4095.0F) / 3.0F;
    }
    const auto pixels = test_support::pixel_vectors(500, 5, 7);
    const auto same = [&](const std::string& name, const auto& quantizer) {
        using Q = std::decay_t<decltype(quantizer)>;
        INFO(name);
        CHECK(test_support::to_hex(quantizer.save()) == golden[name]);
        const auto loaded = Q::load(test_support::from_hex(golden[name]));
        REQUIRE(loaded);
        CHECK(test_support::to_hex(loaded->save()) == golden[name]);
        golden.erase(name);
    };
    same("none", NoQuantizer::train(plain.matrix(), {}, {}).value());
    same("scalar of fractions", ScalarQuantizer::train(plain.matrix(), {}, {}).value());
    same("scalar of whole numbers", ScalarQuantizer::train(pixels.matrix(), {}, {}).value());
    same("scalar with a quantile", ScalarQuantizer::train(plain.matrix(), {.quantile = 0.9}, {}).value());
    CHECK(golden.empty());
}
