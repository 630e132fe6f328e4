#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernel/guarded.hpp"
#include "sextant/kernel/product_kernel_table.hpp"
#include "support/catch.hpp"

namespace {

using sextant::ProductKernelTable;
using sextant::ProductQuery;
using sextant::RowId;
using sextant::test::Guarded;
using sextant::test::GuardedBytes;

std::vector<const ProductKernelTable*> tables() {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::vector<const ProductKernelTable*> all;
    for (std::size_t i = 0; i < list.count; ++i) all.push_back(&sextant::product_kernels(*list.tables[i]));
    return all;
}

float draw(std::mt19937& random) { return static_cast<float>(random() % 20001U) / 1000.0F - 10.0F; }

void fill(Guarded<float>& values, std::mt19937& random) {
    for (float& value : values) value = draw(random);
}

/// sum + a * b in two roundings, whatever the compiler of this test may fuse.
float step(float sum, float a, float b) {
    volatile float product = a * b;
    return sum + product;
}

float want_l2(const float* vector, const float* matrix, std::size_t n, std::size_t columns, std::size_t c) {
    float sum = 0.0F;
    for (std::size_t j = 0; j < n; ++j) {
        const float difference = vector[j] - matrix[j * columns + c];
        sum = step(sum, difference, difference);
    }
    return sum;
}

/// Distances to every column, and the nearest of them, as promised bit by bit.
bool nearest_agrees(const ProductKernelTable& table, std::size_t count, std::size_t n, std::size_t columns,
                    std::size_t gap, std::mt19937& random) {
    Guarded<float> vectors(count == 0 ? 0 : count * (n + gap) - gap);
    Guarded<float> matrix(n * columns);
    fill(vectors, random);
    fill(matrix, random);
    Guarded<std::uint8_t> nearest(count);
    Guarded<float> distances(count);
    Guarded<float> all(columns);
    table.nearest_columns_f32(vectors.data(), n + gap, count, matrix.data(), n, columns, nearest.data(),
                              distances.data());
    for (std::size_t v = 0; v < count; ++v) {
        const float* vector = vectors.data() + v * (n + gap);
        table.l2_columns_f32(vector, matrix.data(), n, columns, all.data());
        std::size_t best = 0;
        for (std::size_t c = 0; c < columns; ++c) {
            if (all[c] != want_l2(vector, matrix.data(), n, columns, c)) return false;
            if (all[c] < all[best]) best = c;
        }
        if (nearest[v] != best || distances[v] != all[best]) return false;
    }
    return true;
}

bool product_agrees(const ProductKernelTable& table, std::size_t count, std::size_t n, std::size_t columns,
                    std::size_t gap, std::mt19937& random) {
    Guarded<float> vectors(count * n);
    Guarded<float> matrix(n * (columns + gap) - gap);
    fill(vectors, random);
    fill(matrix, random);
    Guarded<float> out(count * columns);
    table.multiply_f32(vectors.data(), n, count, matrix.data(), columns + gap, n, columns, out.data(), columns);
    for (std::size_t v = 0; v < count; ++v) {
        for (std::size_t c = 0; c < columns; ++c) {
            float sum = 0.0F;
            for (std::size_t j = 0; j < n; ++j) sum = step(sum, vectors[v * n + j], matrix[j * (columns + gap) + c]);
            if (out[v * columns + c] != sum) return false;
        }
    }
    return true;
}

float want_dot16(const float* vector, const float* row, std::size_t n) {
    float lanes[16] = {};
    for (std::size_t j = 0; j < n; ++j) lanes[j % 16] = step(lanes[j % 16], vector[j], row[j]);
    for (int half = 8; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

bool scores_agree(const ProductKernelTable& table, std::size_t count, std::size_t code_size, std::size_t gap,
                  std::mt19937& random) {
    Guarded<float> entries(code_size * 256);
    fill(entries, random);
    const ProductQuery query{entries.data(), code_size, 0.37F, -1.25F};
    const std::size_t row_count = count + 3;
    const std::size_t stride = code_size + gap;
    GuardedBytes rows(row_count * stride - gap);
    for (std::size_t i = 0; i < rows.size(); ++i) rows.data()[i] = static_cast<std::byte>(random() & 255U);
    Guarded<RowId> ids(count);
    for (RowId& id : ids) id = RowId{static_cast<std::uint32_t>(random() % row_count)};
    if (count > 0) ids[count / 2] = RowId{static_cast<std::uint32_t>(row_count - 1)};
    Guarded<float> listed(count);
    Guarded<float> ranged(row_count);
    table.product_rows(query, rows.data(), stride, ids.data(), count, listed.data());
    table.product_range(query, rows.data(), stride, row_count, ranged.data());
    for (std::size_t r = 0; r < row_count; ++r) {
        float sums[2] = {0.0F, 0.0F};
        for (std::size_t b = 0; b < code_size; ++b) {
            sums[b % 2] += entries[256 * b + static_cast<std::size_t>(rows.data()[r * stride + b])];
        }
        if (ranged[r] != step(query.offset, query.scale, sums[0] + sums[1])) return false;
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (listed[i] != ranged[sextant::to_index(ids[i])]) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("the nearest column is that of the plain loop, bit by bit, and nothing is read past the end", "[kernel]") {
    std::mt19937 random(31);
    for (const ProductKernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t columns : {16U, 32U, 48U, 80U, 256U}) {
            for (std::size_t n = 1; n <= 33; ++n) {
                INFO("columns " << columns << ", dimension " << n);
                CHECK(nearest_agrees(*table, 1 + n % 11, n, columns, n % 3, random));
            }
        }
        for (std::size_t count = 0; count <= 20; ++count) CHECK(nearest_agrees(*table, count, 4, 256, 0, random));
        CHECK(nearest_agrees(*table, 3, 700, 256, 0, random));
    }
}

TEST_CASE("of equally near columns the first is taken, and infinity and NaN are never near", "[kernel]") {
    for (const ProductKernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t twin = 0; twin < 256; ++twin) {
            std::vector<float> matrix(256, 9.0F);
            matrix[twin] = matrix[(twin + 100) % 256] = matrix[(twin + 17) % 256] = 1.0F;
            const float vector = 1.5F;
            std::uint8_t nearest = 0;
            float distance = 0.0F;
            table->nearest_columns_f32(&vector, 1, 1, matrix.data(), 1, 256, &nearest, &distance);
            std::size_t first = 0;
            while (matrix[first] != 1.0F) ++first;
            CHECK(nearest == first);
            CHECK(distance == 0.25F);
        }
        std::vector<float> odd(16, std::numeric_limits<float>::quiet_NaN());
        odd[3] = std::numeric_limits<float>::infinity();
        odd[11] = 1e9F;
        const float vector = 0.0F;
        std::uint8_t nearest = 0;
        float distance = 0.0F;
        table->nearest_columns_f32(&vector, 1, 1, odd.data(), 1, 16, &nearest, &distance);
        CHECK(nearest == 11);
        odd[11] = odd[3];
        nearest = 77;
        table->nearest_columns_f32(&vector, 1, 1, odd.data(), 1, 16, &nearest, &distance);
        CHECK(nearest == 0);
    }
}

TEST_CASE("products with a matrix are those of the plain loop, bit by bit", "[kernel]") {
    std::mt19937 random(32);
    for (const ProductKernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t columns : {16U, 48U, 64U, 112U, 256U}) {
            for (std::size_t count = 0; count <= 9; ++count) {
                INFO("columns " << columns << ", vectors " << count);
                CHECK(product_agrees(*table, count, 1 + count * 5, columns, count % 4, random));
            }
            for (const std::size_t n : {127U, 128U, 129U, 300U}) {  // in one part, and in several
                INFO("columns " << columns << ", dimension " << n);
                CHECK(product_agrees(*table, 2, n, columns, 0, random));
                CHECK(product_agrees(*table, 21, n, columns, 5, random));
            }
        }
    }
}

TEST_CASE("dot products over 16 partial sums have the same bits everywhere", "[kernel]") {
    std::mt19937 random(33);
    for (const ProductKernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t n = 0; n <= 160; n += 16) {
            for (std::size_t count = 0; count <= 9; ++count) {
                Guarded<float> vector(n);
                Guarded<float> rows(count * n);
                fill(vector, random);
                fill(rows, random);
                Guarded<float> out(count);
                table->dot16_f32(vector.data(), rows.data(), n, count, n, out.data());
                for (std::size_t r = 0; r < count; ++r) {
                    CHECK(out[r] == want_dot16(vector.data(), rows.data() + r * n, n));
                }
            }
        }
    }
}

TEST_CASE("product codes are scored bit by bit as by the plain loop, listed and in sequence", "[kernel]") {
    std::mt19937 random(34);
    for (const ProductKernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t size = 1; size <= 40; ++size) {
            INFO("code size " << size);
            CHECK(scores_agree(*table, size % 13, size, size % 5, random));
        }
        for (std::size_t count = 0; count <= 40; ++count) CHECK(scores_agree(*table, count, 7, 0, random));
        CHECK(scores_agree(*table, 21, 1200, 3, random));  // rows of 19 lines: fetched beside each other
    }
}
