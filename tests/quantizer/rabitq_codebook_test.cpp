// Codebooks of RabitqQuantizer: what is written is read again, and nothing else is.
#include <cmath>
#include <limits>
#include <string>

#include "quantizer/rabitq_support.hpp"
#include "sextant/core/hash.hpp"
#include "sextant/quantizer/codebook_format.hpp"
#include "support/golden.hpp"

using namespace sextant;
using namespace test_support;

namespace {

namespace format = codebook_format;

constexpr std::size_t small_floats = 5 + 2 * 64 + 4 * 64;

/// Without log and cos, whose last bits are the C library's.
Vectors portable_vectors(std::size_t rows, std::size_t dimension) {
    Vectors plain{dimension, std::vector<float>(rows * dimension)};
    Random random(7);
    for (float& value : plain.values) {
        value = (static_cast<float>(random.below(4096)) + static_cast<float>(random.below(4096)) - 4095.0F) / 3.0F;
    }
    return plain;
}

/// 5 dimensions, 3 bits, 2 groups.
format::Header small_header() {
    format::Header header{.quantizer = QuantizerId::rabitq, .dimension = 5, .step = 2.0F};
    header.parameters = {3, 2, 0, 0, 0};
    return header;
}

std::vector<float> small_payload() {
    std::vector<float> payload(small_floats);
    for (std::size_t i = 0; i < small_floats; ++i) {
        payload[i] = i < 133 ? static_cast<float>(i % 7) / 8.0F : (i % 3 == 0 ? -1.0F : 1.0F);
    }
    return payload;
}

std::string corruption_of(const format::Header& header, const std::vector<float>& payload) {
    const auto loaded = RabitqQuantizer::load(format::write(header, payload));
    if (loaded) return "";
    CHECK(loaded.error().code == ErrorCode::corruption);
    return loaded.error().message;
}

/// Whatever was loaded codes and scores without a number that is none.
void use(const RabitqQuantizer& quantizer) {
    const std::size_t dimension = quantizer.dimension();
    std::vector<std::vector<std::byte>> codes;
    for (const float size : {0.0F, 1.0F, 1e20F, std::numeric_limits<float>::max()}) {
        std::vector<float> vector(dimension, size);
        vector[0] = -size;
        codes.push_back(rabitq_code<SquaredL2>(quantizer, vector));
        codes.push_back(rabitq_code<InnerProduct>(quantizer, vector));
    }
    for (const auto value : {std::byte{0}, std::byte{0xFF}, std::byte{0x8F}, std::byte{0x3F}}) {
        codes.emplace_back(quantizer.code_size(), value);
    }
    QueryScratch scratch;
    for (const auto& code : codes) {
        for (const float value : rabitq_decoded(quantizer, code)) REQUIRE(std::isfinite(value));
        const RowSource rows{code.data(), code.size(), nullptr};
        const RowId row{0};
        float out = 0.0F;
        for (const float size : {0.0F, 1.0F, std::numeric_limits<float>::max()}) {
            const std::vector<float> query(dimension, size);
            quantizer.bind<SquaredL2>(query, rows, scratch).score_range(row, {&out, 1});
            REQUIRE(out >= 0.0F);
            quantizer.bind<InnerProduct>(query, rows, scratch).score_range(row, {&out, 1});
            REQUIRE_FALSE(std::isnan(out));
            const RowScorer bound = quantizer.bind<Cosine>(query, rows, scratch);
            bound.score_range(row, {&out, 1});
            REQUIRE(out >= 0.0F);
            REQUIRE_FALSE(std::isnan(quantizer.lower_bound<Cosine>(bound, row, out)));
        }
        PairScorer pair = quantizer.between<Cosine>(rows, scratch);
        pair.bind(row);
        pair.score({&row, 1}, {&out, 1});
        REQUIRE_FALSE(std::isnan(out));
        pair = quantizer.between<InnerProduct>(rows, scratch);
        pair.bind(row);
        pair.score({&row, 1}, {&out, 1});
        REQUIRE_FALSE(std::isnan(out));
        scratch.reset();
    }
}

}  // namespace

TEST_CASE("a saved RaBitQ quantizer is the same quantizer", "[quantizer][format][kernel]") {
    const std::uint32_t bits = GENERATE(1U, 2U, 5U, 8U);
    const Vectors vectors = clustered_vectors(1100, 17, 6);
    const RabitqQuantizer quantizer = trained_rabitq(vectors, bits);
    const RabitqQuantizer loaded = RabitqQuantizer::load(quantizer.save()).value();
    CHECK(loaded.save() == quantizer.save());
    CHECK(loaded.code_size() == quantizer.code_size());
    const RabitqCodes<InnerProduct> codes(quantizer, vectors);
    const RabitqCodes<InnerProduct> same(loaded, vectors);
    CHECK(codes.bytes == same.bytes);
    QueryScratch scratch;
    CHECK(rabitq_distances(loaded.bind<InnerProduct>(vectors[3], same.rows, scratch), vectors.size()) ==
          rabitq_distances(quantizer.bind<InnerProduct>(vectors[3], codes.rows, scratch), vectors.size()));
    for (std::size_t r = 0; r < 50; ++r) {
        REQUIRE(rabitq_decoded(loaded, same.code(r)) == rabitq_decoded(quantizer, codes.code(r)));
    }
}

TEST_CASE("the parameters and floats of a RaBitQ codebook are read as the page says", "[quantizer][format]") {
    const auto bytes = format::write(small_header(), small_payload());
    const RabitqQuantizer quantizer = RabitqQuantizer::load(bytes).value();
    CHECK(quantizer.save() == bytes);
    CHECK(quantizer.dimension() == 5);
    CHECK(quantizer.code_size() == 24 + 12);
    const RabitqModel& model = quantizer.model();
    CHECK(model.bits == 3);
    CHECK(model.unit == 2.0F);
    CHECK(model.group_count() == 2);
    CHECK(model.mean[4] == 4.0F / 8.0F);
    CHECK(model.centre(1)[0] == static_cast<float>((5 + 64) % 7) / 8.0F);
    CHECK(model.signs[0] == ((5 + 128) % 3 == 0 ? -1.0F : 1.0F));
    use(quantizer);
}

TEST_CASE("a RaBitQ codebook cut short anywhere, or with a flipped bit, is refused", "[quantizer][format]") {
    const auto whole = format::write(small_header(), small_payload());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto loaded = RabitqQuantizer::load(std::span(whole).first(size));
        REQUIRE_FALSE(loaded);
        REQUIRE(loaded.error().code == ErrorCode::corruption);
    }
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto bytes = whole;
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        REQUIRE_FALSE(RabitqQuantizer::load(bytes));
    }
}

TEST_CASE("absurd numbers of a RaBitQ codebook are refused by name and offset", "[quantizer][format]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    const auto with_parameter = [](std::size_t index, std::uint32_t value) {
        format::Header header = small_header();
        header.parameters[index] = value;
        return corruption_of(header, small_payload());
    };
    CHECK(with_parameter(0, 0) == "codebook: offset 36: bits is 0, expected 1 .. 8");
    CHECK(with_parameter(0, 9) == "codebook: offset 36: bits is 9, expected 1 .. 8");
    CHECK(with_parameter(1, 0) == "codebook: offset 40: groups is 0, expected 1 .. 255");
    CHECK(with_parameter(1, 256) == "codebook: offset 40: groups is 256, expected 1 .. 255");
    CHECK(with_parameter(1, 3) == "codebook: offset 16: payload size is 1556, expected 1812");
    for (std::size_t unused = 2; unused < 5; ++unused) {
        CHECK(with_parameter(unused, 1).find("unused field is 1, expected 0") != std::string::npos);
    }
    for (const float unit : {0.0F, -1.0F, 3.0F, nan, infinity, 0x1.0p-121F, 0x1.0p127F, 0x1.0p-140F}) {
        format::Header header = small_header();
        header.step = unit;
        CHECK(corruption_of(header, small_payload()).find("offset 24: unit") != std::string::npos);
    }
    for (const float bad : {1.0F, -0.0F, nan, 1e-45F}) {
        format::Header header = small_header();
        header.row_error = bad;
        CHECK(corruption_of(header, small_payload()).find("offset 28: error statistic") != std::string::npos);
        header = small_header();
        header.error_slope = bad;
        CHECK(corruption_of(header, small_payload()).find("offset 32: error statistic") != std::string::npos);
    }
    for (std::size_t i = 0; i < small_floats; ++i) {
        const char* const field = i < 5 ? "mean" : (i < 133 ? "centre" : "sign");
        for (const float bad : {nan, infinity, -infinity, i < 133 ? infinity : 0.5F, i < 5 ? nan : 0x1.1p24F}) {
            auto payload = small_payload();
            payload[i] = bad;
            const auto says = corruption_of(small_header(), payload);
            REQUIRE(says.find("offset " + std::to_string(64 + 4 * i) + ": " + field) != std::string::npos);
        }
    }
    CHECK_FALSE(RabitqQuantizer::load(format::write({.quantizer = QuantizerId::scalar8, .dimension = 5}, {})));
}

TEST_CASE("the largest numbers of a RaBitQ codebook code and score without a number that is none",
          "[quantizer][format][kernel]") {
    const float unit = GENERATE(0x1.0p-120F, 1.0F, 0x1.0p126F);
    const float sign = GENERATE(1.0F, -1.0F);
    const std::uint32_t bits = GENERATE(1U, 3U, 8U);
    format::Header header = small_header();
    header.step = unit;
    header.parameters[0] = bits;
    auto payload = small_payload();
    for (std::size_t i = 0; i < 5; ++i) payload[i] = sign * std::numeric_limits<float>::max();
    for (std::size_t i = 5; i < 133; ++i) payload[i] = i % 3 == 0 ? 0x1.0p24F : sign * 0x1.0p24F;
    use(RabitqQuantizer::load(format::write(header, payload)).value());
}

TEST_CASE("random changes of a RaBitQ codebook never crash", "[quantizer][format]") {
    Random random(99);
    const auto whole = format::write(small_header(), small_payload());
    std::size_t loads = 0;
    for (int round = 0; round < 20'000; ++round) {
        auto bytes = whole;
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
        const auto loaded = RabitqQuantizer::load(bytes);
        if (!loaded) continue;
        ++loads;
        REQUIRE(loaded->save() == bytes);
        if (loads % 20 == 0) use(*loaded);
    }
    CHECK(loads > 100);
}

// Written by version 1; never written again.
TEST_CASE("RaBitQ codebooks of version 1 are trained, read and written as ever, and code the same",
          "[quantizer][format][kernel]") {
    auto golden = golden_lines("rabitq_codebook.txt");
    const Vectors vectors = portable_vectors(300, 5);
    const auto same = [&](const std::string& name, std::uint32_t bits) {
        INFO(name);
        const RabitqQuantizer quantizer = trained_rabitq(vectors, bits, {.seed = 42});
        CHECK((to_hex(quantizer.save()) == golden[name]));  // in parentheses: they are thousands of characters
        const auto loaded = RabitqQuantizer::load(from_hex(golden[name]));
        REQUIRE(loaded);
        CHECK((to_hex(loaded->save()) == golden[name]));
        CHECK(to_hex(rabitq_code(*loaded, vectors[17])) == golden[name + ", row 17"]);
        golden.erase(name);
        golden.erase(name + ", row 17");
    };
    same("1 bit", 1);
    same("5 bits", 5);
    CHECK(golden.empty());
}
