#include "sextant/quantizer/half_vectors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "sextant/core/half.hpp"
#include "support/catch.hpp"
#include "support/sample_vectors.hpp"

using namespace sextant;
using test_support::normal_vectors;
using test_support::Vectors;

namespace {

std::vector<std::uint32_t> bits_of(VectorView vector) {
    std::vector<std::uint32_t> bits;
    for (const float value : vector) bits.push_back(std::bit_cast<std::uint32_t>(value));
    return bits;
}

}  // namespace

TEST_CASE("vectors round to halves and come back from their bytes bit for bit", "[quantizer][kernel]") {
    for (const std::size_t dimension : {0U, 1U, 2U, 7U, 8U, 15U, 16U, 17U, 33U, 100U, 784U}) {
        INFO("dimension " << dimension);
        for (const float scale : {1.0F, 1e-5F, 1e-8F, 1e4F}) {
            std::vector<float> given(dimension);
            Random random(dimension);
            for (float& value : given) {
                value = std::clamp(scale * test_support::normal(random), -65'519.0F, 65'519.0F);
            }
            if (dimension > 2) given[2] = -0.0F;
            std::vector<float> rounded(dimension);
            REQUIRE(detail::round_to_halves(given, rounded.data()));
            CHECK(detail::first_beyond_halves(given) == dimension);
            for (std::size_t i = 0; i < dimension; ++i) {
                REQUIRE(std::bit_cast<std::uint32_t>(rounded[i]) ==
                        std::bit_cast<std::uint32_t>(float_of_half(half_of_float(given[i]))));
            }
            std::vector<std::byte> halves(2 * dimension);
            detail::store_halves(rounded, halves.data());
            std::vector<float> back(dimension);
            detail::load_halves(halves.data(), back);
            CHECK(bits_of(back) == bits_of(rounded));
            // In place, and once more: what is rounded stays.
            REQUIRE(detail::round_to_halves(given, given.data()));
            CHECK(bits_of(given) == bits_of(rounded));
            REQUIRE(detail::round_to_halves(given, given.data()));
            CHECK(bits_of(given) == bits_of(rounded));
        }
    }
}

TEST_CASE("a component beyond halves is found wherever it is", "[quantizer]") {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> room(21);
    for (std::size_t at = 0; at < 21; ++at) {
        std::vector<float> vector(21, 1.5F);
        for (const float good : {65'504.0F, std::nextafter(65'520.0F, 0.0F), -std::nextafter(65'520.0F, 0.0F)}) {
            vector[at] = good;
            CHECK(detail::first_beyond_halves(vector) == 21);
            CHECK(detail::round_to_halves(vector, room.data()));
            CHECK(std::fabs(room[at]) == 65'504.0F);
        }
        for (const float bad : {65'520.0F, -65'520.0F, 1e30F, infinity, -infinity, nan}) {
            vector[at] = bad;
            CHECK(detail::first_beyond_halves(vector) == at);
            CHECK_FALSE(detail::round_to_halves(vector, room.data()));
        }
    }
}

TEST_CASE("a raw vector of floats is where it lies, one of halves is read into the room", "[quantizer]") {
    Vectors vectors = normal_vectors(3, 5, 4);
    REQUIRE(detail::round_to_halves(vectors.values, vectors.values.data()));
    const RowSource floats{reinterpret_cast<const std::byte*>(vectors.values.data()), 5 * sizeof(float)};
    CHECK(detail::raw_vector(floats, RowId{2}, 5, nullptr).data() == vectors[2].data());
    std::vector<std::byte> bytes(3 * 14);
    for (std::size_t r = 0; r < 3; ++r) detail::store_halves(vectors[r], bytes.data() + 14 * r);
    const RowSource halves{bytes.data(), 14, nullptr, RawPrecision::F16};
    std::vector<float> room(5);
    const VectorView read = detail::raw_vector(halves, RowId{2}, 5, room.data());
    CHECK(read.data() == room.data());
    CHECK(bits_of(read) == bits_of(vectors[2]));
}
