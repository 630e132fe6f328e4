#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernel/guarded.hpp"
#include "sextant/kernel/rotation_kernel_table.hpp"
#include "support/catch.hpp"

namespace {

using sextant::RotationKernelTable;
using sextant::test::Guarded;

std::vector<const RotationKernelTable*> tables() {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::vector<const RotationKernelTable*> all;
    for (std::size_t i = 0; i < list.count; ++i) all.push_back(&sextant::rotation_kernels(*list.tables[i]));
    return all;
}

/// a * b rounded, whatever the compiler of this test may fuse.
float product(float a, float b) {
    volatile float rounded = a * b;
    return rounded;
}

std::size_t largest_power(std::size_t dimension) {
    std::size_t power = 1;
    while (power * 2 <= dimension) power *= 2;
    return power;
}

/// Sums and differences `half` apart.
void plain_step(float* v, std::size_t size, std::size_t half) {
    for (std::size_t i = 0; i < size; ++i) {
        if ((i & half) != 0) continue;
        const float low = v[i];
        v[i] = low + v[i + half];
        v[i + half] = low - v[i + half];
    }
}

std::vector<float> plain_rotation(const float* signs, std::vector<float> v) {
    const std::size_t dimension = v.size();
    const std::size_t covered = largest_power(dimension);
    float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(covered)));
    for (std::size_t round = 0; round < sextant::rotation_rounds; ++round) {
        for (std::size_t i = 0; i < dimension; ++i) v[i] *= signs[round * dimension + i];
        float* const start = v.data() + (round % 2 == 0 ? 0 : dimension - covered);
        for (std::size_t i = 0; i < covered; ++i) start[i] = product(start[i], scale);
        for (std::size_t half = 1; half < covered; half *= 2) plain_step(start, covered, half);
        if (covered == dimension) continue;
        for (std::size_t i = 0; i < dimension / 2; ++i) {
            const float low = v[i];
            const float high = v[i + dimension / 2];
            v[i] = product(low + high, std::sqrt(0.5F));
            v[i + dimension / 2] = product(low - high, std::sqrt(0.5F));
        }
    }
    return v;
}

double length_of(const float* v, std::size_t dimension) {
    double sum = 0.0;
    for (std::size_t i = 0; i < dimension; ++i) sum += double{v[i]} * double{v[i]};
    return std::sqrt(sum);
}

struct Case {
    Guarded<float> signs;
    Guarded<float> v;

    Case(std::size_t dimension, unsigned seed) : signs(4 * dimension), v(dimension) {
        std::mt19937 random(seed);
        for (float& sign : signs) sign = (random() & 1U) != 0 ? 1.0F : -1.0F;
        for (float& value : v) value = static_cast<float>(random() % 20001U) / 1000.0F - 10.0F;
    }
};

std::vector<std::size_t> dimensions() {
    std::vector<std::size_t> all;
    for (std::size_t d = 64; d <= 2112; d += 64) all.push_back(d);
    all.insert(all.end(), {4096, 4160, 65536});
    return all;
}

}  // namespace

TEST_CASE("a rotation is that of the plain loop, bit by bit, and touches nothing past the end", "[kernel]") {
    for (const RotationKernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t dimension : dimensions()) {
            INFO("dimension " << dimension);
            Case given(dimension, 7);
            const std::vector<float> want =
                plain_rotation(given.signs.data(), {given.v.data(), given.v.data() + dimension});
            table->rotate(given.signs.data(), dimension, given.v.data());
            CHECK(std::memcmp(given.v.data(), want.data(), dimension * sizeof(float)) == 0);
        }
    }
}

TEST_CASE("a rotation keeps lengths, and its inverse gives the vector back", "[kernel]") {
    for (const RotationKernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t dimension : dimensions()) {
            INFO("dimension " << dimension);
            Case given(dimension, 11);
            const std::vector<float> before(given.v.data(), given.v.data() + dimension);
            const double length = length_of(before.data(), dimension);
            table->rotate(given.signs.data(), dimension, given.v.data());
            CHECK(std::fabs(length_of(given.v.data(), dimension) - length) <= 1e-6 * length);
            table->rotate_back(given.signs.data(), dimension, given.v.data());
            float furthest = 0.0F;
            for (std::size_t i = 0; i < dimension; ++i) {
                furthest = std::max(furthest, std::fabs(given.v[i] - before[i]));
            }
            CHECK(furthest < 2e-5F);
        }
    }
}

TEST_CASE("a rotation spreads the length of a single component over all", "[kernel]") {
    for (const RotationKernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t dimension : {256U, 384U, 832U}) {
            for (const std::size_t where : {std::size_t{0}, std::size_t{77}, std::size_t{dimension - 1}}) {
                INFO("dimension " << dimension << ", component " << where);
                Case given(dimension, 13);
                std::fill(given.v.begin(), given.v.end(), 0.0F);
                given.v[where] = 1.0F;
                table->rotate(given.signs.data(), dimension, given.v.data());
                double fourth = 0.0;
                for (const float value : given.v) fourth += std::pow(double{value}, 4.0);
                // 3 / d for normal components, 1 for those that did not move.
                CHECK(fourth * static_cast<double>(dimension) < 4.5);
            }
        }
    }
}

TEST_CASE("components of 1e18 and of 1e-30 are rotated as others are", "[kernel]") {
    for (const RotationKernelTable* table : tables()) {
        INFO(table->name);
        for (const float magnitude : {1e18F, 1e-30F}) {
            for (const std::size_t dimension : {64U, 832U, 65536U}) {
                INFO("dimension " << dimension << ", components of " << magnitude);
                Case given(dimension, 17);
                std::fill(given.v.begin(), given.v.end(), magnitude);
                table->rotate(given.signs.data(), dimension, given.v.data());
                const double want = double{magnitude} * std::sqrt(static_cast<double>(dimension));
                CHECK(std::fabs(length_of(given.v.data(), dimension) - want) <= 1e-5 * want);
            }
        }
    }
}
