#include <cfloat>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernel/guarded.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "support/catch.hpp"

namespace {

using sextant::KernelTable;
using sextant::test::Guarded;

struct Shape {
    std::size_t queries;
    std::size_t rows;
    std::size_t dimension;
    std::size_t query_gap;  ///< floats between two queries
    std::size_t row_gap;    ///< bytes between two rows, a multiple of 4
    std::size_t out_gap;    ///< floats between two lines of the output
};

constexpr float untouched = 12345.5F;

/// Runs both tile kernels on `shape` and says whether every distance agrees and nothing else was written.
bool agrees(const KernelTable& table, const Shape& shape, std::mt19937& random) {
    std::normal_distribution<float> normal;
    const std::size_t query_stride = shape.dimension + shape.query_gap;
    const std::size_t stride = shape.dimension * sizeof(float) + shape.row_gap;
    const std::size_t out_stride = shape.rows + shape.out_gap;
    Guarded<float> queries((shape.queries - 1) * query_stride + shape.dimension);
    for (float& value : queries) value = normal(random);
    Guarded<float> rows(((shape.rows - 1) * stride) / sizeof(float) + shape.dimension);
    for (float& value : rows) value = normal(random);

    for (const bool l2 : {true, false}) {
        std::vector<float> out(shape.queries * out_stride + 8, untouched);
        const auto tile = l2 ? table.l2_f32_tile : table.dot_f32_tile;
        tile(queries.data(), query_stride, shape.queries, shape.dimension,
             reinterpret_cast<const std::byte*>(rows.data()), stride, shape.rows, out.data(), out_stride);
        for (std::size_t q = 0; q < shape.queries; ++q) {
            for (std::size_t r = 0; r < shape.rows; ++r) {
                const float* a = queries.data() + q * query_stride;
                const float* b = rows.data() + r * stride / sizeof(float);
                double want = 0;
                double size = 0;
                for (std::size_t i = 0; i < shape.dimension; ++i) {
                    const double x = a[i];
                    const double y = b[i];
                    const double term = l2 ? (x - y) * (x - y) : x * y;
                    want += term;
                    size += std::fabs(term);
                }
                const double bound = 4.0 * static_cast<double>(shape.dimension) * FLT_EPSILON * size;
                if (!(std::fabs(out[q * out_stride + r] - want) <= bound)) return false;
            }
            for (std::size_t gap = shape.rows; gap < out_stride; ++gap) {
                if (out[q * out_stride + gap] != untouched) return false;
            }
        }
        for (std::size_t i = shape.queries * out_stride; i < out.size(); ++i) {
            if (out[i] != untouched) return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE("tiles of every small shape agree with a double-precision loop and write nothing else", "[kernel]") {
    std::mt19937 random(11);
    const sextant::KernelList list = sextant::runnable_kernels();
    for (std::size_t t = 0; t < list.count; ++t) {
        INFO(list.tables[t]->name);
        for (std::size_t queries = 1; queries <= 9; ++queries) {
            for (std::size_t rows = 1; rows <= 9; ++rows) {
                const Shape shape{queries,     rows,           (queries * 31 + rows * 17) % 90,
                                  queries % 3, (rows % 3) * 4, rows % 2};
                INFO(queries << " queries, " << rows << " rows, dimension " << shape.dimension);
                CHECK(agrees(*list.tables[t], shape, random));
            }
        }
    }
}

TEST_CASE("tiles of every length agree", "[kernel]") {
    std::mt19937 random(12);
    const sextant::KernelList list = sextant::runnable_kernels();
    for (std::size_t t = 0; t < list.count; ++t) {
        INFO(list.tables[t]->name);
        for (std::size_t dimension = 0; dimension <= 200; ++dimension) {
            INFO("dimension " << dimension);
            CHECK(agrees(*list.tables[t], {5, 6, dimension, 0, 0, 0}, random));
        }
    }
}

TEST_CASE("tiles of several row blocks agree", "[kernel]") {
    std::mt19937 random(13);
    const sextant::KernelList list = sextant::runnable_kernels();
    for (std::size_t t = 0; t < list.count; ++t) {
        INFO(list.tables[t]->name);
        CHECK(agrees(*list.tables[t], {33, 301, 24, 1, 8, 3}, random));
        CHECK(agrees(*list.tables[t], {7, 67, 784, 0, 64, 0}, random));
        CHECK(agrees(*list.tables[t], {1, 131, 784, 0, 0, 0}, random));
        CHECK(agrees(*list.tables[t], {6, 5, 4096, 0, 0, 0}, random));
    }
}

TEST_CASE("a tile without queries or rows writes nothing", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    const float value = 1.0F;
    for (std::size_t t = 0; t < list.count; ++t) {
        INFO(list.tables[t]->name);
        float out = untouched;
        const auto* rows = reinterpret_cast<const std::byte*>(&value);
        list.tables[t]->l2_f32_tile(&value, 1, 0, 1, rows, 4, 1, &out, 1);
        list.tables[t]->l2_f32_tile(&value, 1, 1, 1, rows, 4, 0, &out, 1);
        list.tables[t]->dot_f32_tile(&value, 1, 5, 1, rows, 4, 0, &out, 1);
        CHECK(out == untouched);
    }
}
