// Codebooks of ProductQuantizer: what is written is read again, and nothing else is.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "quantizer/product_support.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/quantizer/codebook_format.hpp"
#include "support/golden.hpp"

using namespace sextant;
using namespace test_support;

namespace {

namespace format = codebook_format;
using Options = ProductQuantizer::Options;

/// Without log and cos, whose last bits are the C library's.
Vectors portable_vectors(std::size_t rows, std::size_t dimension) {
    Vectors plain{dimension, std::vector<float>(rows * dimension)};
    Random random(7);
    for (float& value : plain.values) {
        value = (static_cast<float>(random.below(4096)) + static_cast<float>(random.below(4096)) - 4095.0F) / 3.0F;
    }
    return plain;
}

/// 5 dimensions in 2 sub-vectors of 3, 4 bits: 96 floats, and 30 of a rotation.
format::Header small_header(bool rotated) {
    format::Header header{.quantizer = QuantizerId::product, .dimension = 5, .step = 1.0F, .row_error = 0.5F};
    header.parameters = {2, 4, rotated ? 1U : 0U, 0, 0};
    return header;
}

std::vector<float> small_payload(bool rotated) {
    std::vector<float> payload(96);
    for (std::size_t i = 0; i < 96; ++i) payload[i] = i < 48 && i % 16 == 15 ? 0.0F : static_cast<float>(i) / 8.0F;
    if (rotated) {
        payload.resize(126, 0.0F);
        for (std::size_t d = 0; d < 5; ++d) payload[96 + d * 6 + (d + 1) % 6] = 1.0F;
    }
    return payload;
}

std::string corruption_of(const format::Header& header, const std::vector<float>& payload) {
    const auto loaded = ProductQuantizer::load(format::write(header, payload));
    if (loaded) return "";
    CHECK(loaded.error().code == ErrorCode::corruption);
    return loaded.error().message;
}

/// Whatever was loaded codes and scores without a number that is none.
void use(const ProductQuantizer& quantizer) {
    const std::size_t dimension = quantizer.dimension();
    std::vector<std::vector<std::byte>> codes;
    for (const float size : {0.0F, 1.0F, 1e20F, std::numeric_limits<float>::max()}) {
        std::vector<float> vector(dimension, size);
        vector[0] = -size;
        codes.push_back(code_of(quantizer, vector));
    }
    for (const auto value : {std::byte{0}, std::byte{0xFF}, std::byte{0x8F}}) {
        codes.emplace_back(quantizer.code_size(), value);
    }
    QueryScratch scratch;
    for (const auto& code : codes) {
        const auto vector = decoded(quantizer, code);
        for (const float value : vector) REQUIRE(std::isfinite(value));
        const RowSource rows{code.data(), code.size(), nullptr};
        float out = 0.0F;
        for (const float size : {0.0F, 1.0F, std::numeric_limits<float>::max()}) {
            const std::vector<float> query(dimension, size);
            quantizer.bind<SquaredL2>(query, rows, scratch).score_range(RowId{0}, {&out, 1});
            REQUIRE((std::isfinite(out) && out >= 0.0F));
            REQUIRE(quantizer.lower_bound<SquaredL2>(out) <= out);
            quantizer.bind<InnerProduct>(query, rows, scratch).score_range(RowId{0}, {&out, 1});
            REQUIRE(std::isfinite(out));
            quantizer.bind<Cosine>(query, rows, scratch).score_range(RowId{0}, {&out, 1});
            REQUIRE(std::isfinite(out));
        }
        const RowId row{0};
        PairScorer pair = quantizer.between<Cosine>(rows, scratch);
        pair.bind(row);
        pair.score({&row, 1}, {&out, 1});
        REQUIRE(std::isfinite(out));
        pair = quantizer.between<InnerProduct>(rows, scratch);
        pair.bind(row);
        pair.score({&row, 1}, {&out, 1});
        REQUIRE(std::isfinite(out));
        scratch.reset();
    }
}

}  // namespace

TEST_CASE("a saved product quantizer is the same quantizer", "[quantizer][format][kernel]") {
    const Options options = GENERATE(Options{}, Options{.subvectors = 5, .bits = 4},
                                     Options{.subvectors = 4, .rotation = ProductRotation::opq});
    const Vectors vectors = clustered_vectors(1100, 17, 6);
    const ProductQuantizer quantizer = trained(vectors, options);
    const ProductQuantizer loaded = ProductQuantizer::load(quantizer.save()).value();
    CHECK(loaded.save() == quantizer.save());
    CHECK(loaded.code_size() == quantizer.code_size());
    CHECK(loaded.reconstruction_error() == quantizer.reconstruction_error());
    CHECK(loaded.lower_bound<SquaredL2>(3.0F) == quantizer.lower_bound<SquaredL2>(3.0F));
    std::vector<std::byte> zero(quantizer.code_size());
    std::vector<std::byte> zero_of_loaded(quantizer.code_size());
    quantizer.encode_zero<Cosine>(zero);
    loaded.encode_zero<Cosine>(zero_of_loaded);
    CHECK(zero == zero_of_loaded);
    for (std::size_t r = 0; r < 50; ++r) {
        REQUIRE(code_of(loaded, vectors[r]) == code_of(quantizer, vectors[r]));
        REQUIRE(round_trip(loaded, vectors[r]) == round_trip(quantizer, vectors[r]));
    }
}

TEST_CASE("the parameters and floats of a product codebook are read as the page says", "[quantizer][format]") {
    const bool rotated = GENERATE(false, true);
    const auto bytes = format::write(small_header(rotated), small_payload(rotated));
    const ProductQuantizer quantizer = ProductQuantizer::load(bytes).value();
    CHECK(quantizer.save() == bytes);
    CHECK(quantizer.dimension() == 5);
    CHECK(quantizer.code_size() == 1);
    CHECK(quantizer.model().sub_dimension() == 3);
    CHECK(quantizer.reconstruction_error() == 0.25);
    const std::byte code[] = {std::byte{0x42}};  // centroid 2 of the first sub-vector, 4 of the second
    const std::vector<float> turned{2 / 8.0F, 18 / 8.0F, 34 / 8.0F, 52 / 8.0F, 68 / 8.0F, 84 / 8.0F};
    const auto plain = decoded(quantizer, code);
    for (std::size_t d = 0; d < 5; ++d) REQUIRE(plain[d] == turned[rotated ? (d + 1) % 6 : d]);
    use(quantizer);
}

TEST_CASE("a product codebook cut short anywhere, or with a flipped bit, is refused", "[quantizer][format]") {
    const auto golden = format::write(small_header(true), small_payload(true));
    for (std::size_t size = 0; size < golden.size(); ++size) {
        const auto loaded = ProductQuantizer::load(std::span(golden).first(size));
        REQUIRE_FALSE(loaded);
        REQUIRE(loaded.error().code == ErrorCode::corruption);
    }
    for (std::size_t bit = 0; bit < golden.size() * 8; ++bit) {
        auto bytes = golden;
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        REQUIRE_FALSE(ProductQuantizer::load(bytes));
    }
}

TEST_CASE("absurd numbers of a product codebook are refused by name and offset", "[quantizer][format]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    const auto with_parameter = [](std::size_t index, std::uint32_t value) {
        format::Header header = small_header(true);
        header.parameters[index] = value;
        return corruption_of(header, small_payload(true));
    };
    CHECK(with_parameter(0, 0) == "codebook: offset 36: subvectors is 0, expected 1 .. 5");
    CHECK(with_parameter(0, 6) == "codebook: offset 36: subvectors is 6, expected 1 .. 5");
    CHECK(with_parameter(0, 0xFFFFFFFF).find("offset 36: subvectors") != std::string::npos);
    CHECK(with_parameter(0, 4).find("offset 16: payload size") != std::string::npos);
    CHECK(with_parameter(1, 5) == "codebook: offset 40: bits is 5, expected 4 or 8");
    CHECK(with_parameter(1, 8).find("offset 16: payload size is 504") != std::string::npos);
    CHECK(with_parameter(2, 2) == "codebook: offset 44: rotation is 2, expected 0 .. 1");
    CHECK(with_parameter(2, 0) == "codebook: offset 16: payload size is 504, expected 384");
    CHECK(with_parameter(3, 1) == "codebook: offset 48: unused field is 1, expected 0");
    CHECK(with_parameter(4, 1) == "codebook: offset 52: unused field is 1, expected 0");
    for (const float unit : {0.0F, -1.0F, 3.0F, nan, infinity, 0x1.0p-121F, 0x1.0p127F, 0x1.0p-140F}) {
        format::Header header = small_header(true);
        header.step = unit;
        CHECK(corruption_of(header, small_payload(true)).find("offset 24: unit") != std::string::npos);
    }
    for (const float bad : {-1.0F, -0.0F, nan, infinity}) {
        format::Header header = small_header(true);
        header.row_error = bad;
        CHECK(corruption_of(header, small_payload(true)).find("offset 28: error statistic") != std::string::npos);
        header = small_header(true);
        header.error_slope = bad;
        CHECK(corruption_of(header, small_payload(true)).find("offset 32: error statistic") != std::string::npos);
    }
    for (std::size_t i = 0; i < 126; ++i) {
        for (const float bad : {nan, infinity, -infinity, i < 96 ? 0x1.1p50F : 1.01F, i < 96 ? -1e30F : -1.01F}) {
            auto payload = small_payload(true);
            payload[i] = bad;
            const auto says = corruption_of(small_header(true), payload);
            REQUIRE(says.find("offset " + std::to_string(64 + 4 * i) + ":") != std::string::npos);
        }
    }
    for (const float bad : {1.0F, -0.0F, 1e-45F}) {
        auto payload = small_payload(true);
        payload[31] = bad;
        CHECK(corruption_of(small_header(true), payload).find("offset 188: kept centroid") != std::string::npos);
    }
    CHECK_FALSE(ProductQuantizer::load(format::write({.quantizer = QuantizerId::scalar8, .dimension = 5}, {})));
}

TEST_CASE("the largest numbers of a product codebook code and score finitely", "[quantizer][format][kernel]") {
    const float unit = GENERATE(0x1.0p-120F, 1.0F, 0x1.0p126F);
    const bool rotated = GENERATE(false, true);
    const float sign = GENERATE(1.0F, -1.0F);
    format::Header header = small_header(rotated);
    header.step = unit;
    header.row_error = header.error_slope = std::numeric_limits<float>::max();
    auto payload = small_payload(rotated);
    for (std::size_t i = 0; i < 96; ++i) {
        if (i >= 48 || i % 16 != 15) payload[i] = i % 3 == 0 ? 0x1.0p50F : sign * 0x1.0p50F;
    }
    for (std::size_t i = 96; i < payload.size(); ++i) payload[i] = i % 2 == 0 ? sign : 1.0F;
    use(ProductQuantizer::load(format::write(header, payload)).value());
}

TEST_CASE("random changes of a product codebook never crash", "[quantizer][format]") {
    Random random(99);
    const auto golden = format::write(small_header(true), small_payload(true));
    std::size_t loads = 0;
    for (int round = 0; round < 20'000; ++round) {
        auto bytes = golden;
        const std::size_t changes = random.below(3) + 1;
        for (std::size_t i = 0; i < changes; ++i) {
            bytes[random.below(bytes.size() - 8)] = static_cast<std::byte>(random.below(256));
        }
        const std::uint64_t header = hash64(std::span(bytes).first(format::header_hash_offset));
        const std::uint64_t body = hash64(std::span(bytes).subspan(64, bytes.size() - 72));
        for (std::size_t i = 0; i < 8; ++i) {
            bytes[format::header_hash_offset + i] = static_cast<std::byte>(header >> (8 * i));
            bytes[bytes.size() - 8 + i] = static_cast<std::byte>(body >> (8 * i));
        }
        const auto loaded = ProductQuantizer::load(bytes);
        if (!loaded) continue;
        ++loads;
        REQUIRE(loaded->save() == bytes);
        if (loads % 20 == 0) use(*loaded);
    }
    CHECK(loads > 100);
}

// Written by version 1; never written again.
TEST_CASE("product codebooks of version 1 are trained, read and written as ever", "[quantizer][format][kernel]") {
    auto golden = golden_lines("product_codebook.txt");
    const Vectors vectors = portable_vectors(1500, 5);
    const auto same = [&](const std::string& name, const Options& options) {
        INFO(name);
        const auto saved = to_hex(trained(vectors, options, {.seed = 42}).save());
        CHECK((saved == golden[name]));  // in parentheses: not printed, they are thousands of characters
        const auto loaded = ProductQuantizer::load(from_hex(golden[name]));
        REQUIRE(loaded);
        CHECK((to_hex(loaded->save()) == golden[name]));
        golden.erase(name);
    };
    same("8 bits", {.subvectors = 1});
    same("4 bits", {.subvectors = 3, .bits = 4});
    same("4 bits, rotated", {.subvectors = 2, .bits = 4, .rotation = ProductRotation::opq});
    CHECK(golden.empty());
}
