#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernel/detail/packed_support.hpp"
#include "kernel/guarded.hpp"
#include "support/catch.hpp"

namespace {

using namespace sextant;
using sextant::test::Guarded;
using sextant::test::GuardedBytes;
using sextant::test::packed_code;
using sextant::test::packed_tables;
using sextant::test::rounded_product;

/// Sixteen sums, each in the order of its dimensions.
class LaneSums {
public:
    void add(std::size_t j, float a, float b) { lanes_[j % 16] += rounded_product(a, b); }
    [[nodiscard]] double total() const {
        double sum = 0.0;
        for (const float lane : lanes_) sum += double{lane};
        return sum;
    }

private:
    float lanes_[16] = {};
};

void fill(Guarded<float>& values, std::mt19937& random) {
    for (float& value : values) value = test::any_value(random);
}

unsigned want_level(float value, float inverse_step, std::size_t bits) {
    const float levels = static_cast<float>(1U << bits);
    const float scaled = rounded_product(value, inverse_step) + levels / 2.0F;
    if (!(scaled > 0.0F)) return 0;
    return static_cast<unsigned>(std::min(scaled, levels - 0.5F));
}

bool encodes_as_wanted(const PackedKernelTable& table, std::size_t dimension, std::size_t bits, float inverse_step,
                       std::mt19937& random) {
    Guarded<float> v(dimension);
    Guarded<float> centre(dimension);
    fill(v, random);
    fill(centre, random);
    v[3] = 1e30F;
    v[5] = -1e30F;
    v[dimension - 1] = 0.0F;
    GuardedBytes row(packed_trailer_offset(dimension, bits));
    const PackedFit fit = table.encode(v.data(), centre.data(), inverse_step, dimension, bits, row.data());
    LaneSums product;
    LaneSums square;
    LaneSums with_centre;
    const float middle = static_cast<float>((1U << bits) - 1U) / 2.0F;
    Guarded<float> back(dimension);
    table.decode(row.data(), dimension, bits, back.data());
    for (std::size_t j = 0; j < dimension; ++j) {
        const unsigned level = want_level(v[j], inverse_step, bits);
        if (packed_code(row.data(), j, bits) != level) return false;
        const float code = static_cast<float>(level) - middle;
        if (back[j] != code) return false;
        product.add(j, v[j], code);
        square.add(j, code, code);
        with_centre.add(j, code, centre[j]);
    }
    return fit.product == product.total() && fit.code_square == square.total() &&
           fit.with_centre == with_centre.total();
}

}  // namespace

TEST_CASE("values become packed codes of every width and come back, bit by bit", "[kernel]") {
    std::mt19937 random(53);
    for (const PackedKernelTable* table : packed_tables()) {
        INFO(table->name);
        for (std::size_t bits = 1; bits <= 8; ++bits) {
            for (const std::size_t dimension : {64U, 128U, 192U, 832U, 4096U}) {
                INFO(bits << " bits, dimension " << dimension);
                const auto cells = static_cast<float>(1U << bits) / 4.0F;
                CHECK(encodes_as_wanted(*table, dimension, bits, cells, random));
                CHECK(encodes_as_wanted(*table, dimension, bits, 0.0F, random));
            }
        }
    }
}

TEST_CASE("what is not a number is the lowest code", "[kernel]") {
    for (const PackedKernelTable* table : packed_tables()) {
        INFO(table->name);
        std::vector<float> v(64, std::numeric_limits<float>::quiet_NaN());
        std::vector<std::byte> row(64);
        for (std::size_t bits = 1; bits <= 8; ++bits) {
            table->encode(v.data(), v.data(), 1.0F, 64, bits, row.data());
            for (std::size_t j = 0; j < 64; ++j) REQUIRE(packed_code(row.data(), j, bits) == 0);
        }
    }
}

TEST_CASE("the bit planes of a query are those of its levels", "[kernel]") {
    std::mt19937 random(54);
    for (const PackedKernelTable* table : packed_tables()) {
        INFO(table->name);
        for (const std::size_t dimension : {64U, 192U, 512U, 832U}) {
            INFO("dimension " << dimension);
            Guarded<float> v(dimension);
            fill(v, random);
            v[1] = 1e30F;
            v[2] = -1e30F;
            const std::size_t words = (dimension / 64 + 7) / 8 * 8;
            Guarded<std::uint64_t> planes(sign_planes * words);
            std::fill(planes.begin(), planes.end(), ~std::uint64_t{0});
            const PackedFit fit = table->encode_planes(v.data(), 5.0F, dimension, words, planes.data());
            LaneSums product;
            LaneSums square;
            for (std::size_t j = 0; j < 64 * words; ++j) {
                unsigned level = 0;
                for (std::size_t p = 0; p < sign_planes; ++p) {
                    level |= static_cast<unsigned>((planes[p * words + j / 64] >> (j % 64)) & 1U) << p;
                }
                if (j >= dimension) {
                    REQUIRE(level == 0);
                    continue;
                }
                REQUIRE(level == want_level(v[j], 5.0F, sign_planes));
                product.add(j, v[j], static_cast<float>(level) - 7.5F);
                square.add(j, static_cast<float>(level) - 7.5F, static_cast<float>(level) - 7.5F);
            }
            CHECK(fit.product == product.total());
            CHECK(fit.code_square == square.total());
        }
    }
}

TEST_CASE("vectors are centred, scaled, cut and padded with zeros", "[kernel]") {
    std::mt19937 random(55);
    for (const PackedKernelTable* table : packed_tables()) {
        INFO(table->name);
        for (std::size_t count = 1; count <= 200; ++count) {
            const std::size_t dimension = (count + 63) / 64 * 64;
            Guarded<float> v(count);
            Guarded<float> origin(count);
            fill(v, random);
            fill(origin, random);
            v[count / 2] = 3e38F;
            origin[count / 2] = -3e38F;  // the difference is no float
            Guarded<float> out(dimension);
            for (const bool centred : {true, false}) {
                std::fill(out.begin(), out.end(), 77.0F);
                table->centre(v.data(), centred ? origin.data() : nullptr, 0.25F, 0.8F, count, dimension, out.data());
                for (std::size_t j = 0; j < dimension; ++j) {
                    const float value = j >= count ? 0.0F : (centred ? v[j] - origin[j] : v[j]) * 0.25F;
                    REQUIRE(out[j] == std::clamp(value, -0.8F, 0.8F));
                }
            }
        }
    }
}

TEST_CASE("residuals and their sums are those of the plain loop, bit by bit", "[kernel]") {
    std::mt19937 random(56);
    for (const PackedKernelTable* table : packed_tables()) {
        INFO(table->name);
        for (const std::size_t dimension : {64U, 192U, 832U, 4096U}) {
            Guarded<float> v(dimension);
            Guarded<float> from(dimension);
            Guarded<float> centre(dimension);
            fill(v, random);
            fill(from, random);
            fill(centre, random);
            LaneSums square;
            LaneSums with_centre;
            std::vector<float> want(dimension);
            for (std::size_t j = 0; j < dimension; ++j) {
                want[j] = v[j] - from[j];
                square.add(j, want[j], want[j]);
                with_centre.add(j, want[j], centre[j]);
            }
            const PackedResidual rest = table->residual(v.data(), from.data(), centre.data(), dimension);
            CHECK(std::equal(want.begin(), want.end(), v.begin()));
            CHECK(rest.square == square.total());
            CHECK(rest.with_centre == with_centre.total());
        }
    }
}
