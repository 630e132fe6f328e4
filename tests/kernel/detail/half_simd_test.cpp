#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernel/guarded.hpp"
#include "sextant/core/half.hpp"
#include "sextant/kernel/half_kernel_table.hpp"
#include "support/catch.hpp"

namespace {

using sextant::HalfKernelTable;
using sextant::RowId;
using sextant::test::Guarded;
using sextant::test::GuardedBytes;

std::vector<const HalfKernelTable*> tables() {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::vector<const HalfKernelTable*> all;
    for (std::size_t i = 0; i < list.count; ++i) all.push_back(&sextant::half_kernels(*list.tables[i]));
    return all;
}

/// Rows of halves, the last one ending at an unreadable page.
struct Rows {
    Rows(std::size_t count, std::size_t n, std::size_t gap, float scale, std::mt19937& random)
        : stride(n * 2 + gap), bytes(count == 0 ? 0 : count * stride - gap), values(count, std::vector<float>(n)) {
        std::normal_distribution<float> normal(0.0F, scale);
        for (std::size_t r = 0; r < count; ++r) {
            for (std::size_t i = 0; i < n; ++i) {
                const std::uint16_t half = sextant::half_of_float(normal(random));
                values[r][i] = sextant::float_of_half(half);
                std::memcpy(bytes.data() + r * stride + 2 * i, &half, sizeof half);
            }
        }
    }
    std::size_t stride;
    GuardedBytes bytes;
    std::vector<std::vector<float>> values;
};

bool near(const Guarded<float>& query, const std::vector<float>& row, bool dot, float got) {
    double exact = 0.0;
    double size = 0.0;
    auto& values = const_cast<Guarded<float>&>(query);
    for (std::size_t i = 0; i < row.size(); ++i) {
        const double a = double{values[i]};
        const double b = double{row[i]};
        const double term = dot ? a * b : (a - b) * (a - b);
        exact += term;
        size += std::fabs(term) + (dot ? 0.0 : (a * a + b * b) * 1e-7);
    }
    const double allowed = 4.0 * static_cast<double>(row.size() + 1) * double{std::numeric_limits<float>::epsilon()};
    return std::fabs(double{got} - exact) <= allowed * size + 1e-37;
}

/// Scores a list and the same rows as a range by both distances.
bool agrees(const HalfKernelTable& table, std::size_t count, std::size_t n, std::size_t gap, float scale,
            std::mt19937& random) {
    const std::size_t row_count = count + 3;
    Rows rows(row_count, n, gap, scale, random);
    Guarded<float> query(n);
    std::normal_distribution<float> normal(0.0F, scale);
    for (float& value : query) value = normal(random);
    Guarded<RowId> ids(count);
    for (RowId& id : ids) id = RowId{static_cast<std::uint32_t>(random() % row_count)};
    if (count > 0) ids[count / 2] = RowId{static_cast<std::uint32_t>(row_count - 1)};
    for (const bool dot : {false, true}) {
        Guarded<float> list(count);
        Guarded<float> range(row_count);
        (dot ? table.dot_rows : table.l2_rows)(query.data(), n, rows.bytes.data(), rows.stride, ids.data(), count,
                                               list.data());
        (dot ? table.dot_range : table.l2_range)(query.data(), n, rows.bytes.data(), rows.stride, row_count,
                                                 range.data());
        for (std::size_t i = 0; i < count; ++i) {
            if (!near(query, rows.values[sextant::to_index(ids[i])], dot, list[i])) return false;
        }
        for (std::size_t r = 0; r < row_count; ++r) {
            if (!near(query, rows.values[r], dot, range[r])) return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE("rows of halves of every length agree with a loop in double", "[kernel]") {
    std::mt19937 random(41);
    for (const HalfKernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t n = 0; n <= 200; ++n) {
            INFO("dimension " << n);
            CHECK(agrees(*table, 7, n, (n % 5) * 2, 1.0F, random));
        }
        for (const std::size_t n : {255U, 256U, 784U, 1000U, 4096U}) {
            INFO("dimension " << n);
            CHECK(agrees(*table, 5, n, 0, 1.0F, random));
        }
    }
}

TEST_CASE("lists of halves of every count agree, also of tiny and of large numbers", "[kernel]") {
    std::mt19937 random(42);
    for (const HalfKernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t count = 0; count <= 70; ++count) {
            INFO("count " << count);
            CHECK(agrees(*table, count, 100, 20, 1.0F, random));
            CHECK(agrees(*table, count, (count * 53) % 300, 2, 1e-6F, random));  // mostly subnormal halves
            CHECK(agrees(*table, count, (count * 37) % 300, 4, 1e4F, random));
        }
    }
}

TEST_CASE("every finite half is read exactly by every table", "[kernel]") {
    std::vector<std::uint16_t> halves;
    for (std::uint32_t half = 0; half < 65'536; ++half) {
        if ((half & 0x7C00U) != 0x7C00U) halves.push_back(static_cast<std::uint16_t>(half));
    }
    for (const HalfKernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t n : {std::size_t{1}, std::size_t{16}, std::size_t{32}}) {
            // Rows of n equal halves against 1 at one place and 0 elsewhere: the product is the half.
            std::vector<std::uint16_t> rows;
            for (const std::uint16_t half : halves) rows.insert(rows.end(), n, half);
            std::vector<float> out(halves.size());
            for (std::size_t place = 0; place<n; place += n> 1 ? n - 1 : 1) {
                std::vector<float> query(n, 0.0F);
                query[place] = 1.0F;
                table->dot_range(query.data(), n, reinterpret_cast<const std::byte*>(rows.data()), 2 * n, halves.size(),
                                 out.data());
                bool exact = true;
                for (std::size_t i = 0; i < halves.size(); ++i) {
                    exact = exact && out[i] == sextant::float_of_half(halves[i]);
                }
                CHECK(exact);
            }
        }
    }
}

TEST_CASE("a row of halves widens to its floats, whatever its length, and nothing beside it is touched", "[kernel]") {
    std::mt19937 random(43);
    for (const HalfKernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t n = 0; n <= 100; ++n) {
            INFO("dimension " << n);
            const Rows rows(3, n, (n % 3) * 2, 1.0F, random);
            Guarded<float> floats(n);
            auto& bytes = const_cast<GuardedBytes&>(rows.bytes);
            for (std::size_t r = 0; r < 3; ++r) {
                table->widen(bytes.data() + r * rows.stride, n, floats.data());
                CHECK(std::equal(floats.begin(), floats.end(), rows.values[r].begin()));
            }
        }
        std::vector<std::uint16_t> halves;
        for (std::uint32_t half = 0; half < 65'536; ++half) {
            if ((half & 0x7C00U) != 0x7C00U) halves.push_back(static_cast<std::uint16_t>(half));
        }
        std::vector<float> floats(halves.size());
        table->widen(reinterpret_cast<const std::byte*>(halves.data()), halves.size(), floats.data());
        bool exact = true;
        for (std::size_t i = 0; i < halves.size(); ++i) {
            const float expected = sextant::float_of_half(halves[i]);
            exact = exact && std::memcmp(&floats[i], &expected, sizeof expected) == 0;
        }
        CHECK(exact);
    }
}

TEST_CASE("a row of halves in a list has the sum its floats have, whatever rows stand beside it", "[kernel]") {
    std::mt19937 random(44);
    const sextant::KernelList list = sextant::runnable_kernels();
    for (std::size_t t = 0; t < list.count; ++t) {
        const sextant::KernelTable& floats = *list.tables[t];
        const HalfKernelTable& table = sextant::half_kernels(floats);
        INFO(floats.name);
        for (const std::size_t n : {1U, 7U, 16U, 33U, 100U, 784U}) {
            INFO("dimension " << n);
            constexpr std::size_t row_count = 11;
            Rows rows(row_count, n, 0, 1.0F, random);
            std::vector<float> wide;
            for (const auto& row : rows.values) wide.insert(wide.end(), row.begin(), row.end());
            Guarded<float> query(n);
            std::normal_distribution<float> normal;
            for (float& value : query) value = normal(random);
            Guarded<RowId> ids(row_count);
            for (std::size_t i = 0; i < row_count; ++i) ids[i] = RowId{static_cast<std::uint32_t>(i)};
            for (const bool dot : {false, true}) {
                float whole[row_count] = {};
                (dot ? floats.dot_f32_rows : floats.l2_f32_rows)(query.data(), n,
                                                                 reinterpret_cast<const std::byte*>(wide.data()), 4 * n,
                                                                 ids.data(), row_count, whole);
                bool same = true;
                for (std::size_t first = 0; first < row_count; ++first) {
                    for (std::size_t count = 1; count <= row_count - first; ++count) {
                        float part[row_count] = {};
                        (dot ? table.dot_rows : table.l2_rows)(query.data(), n, rows.bytes.data(), rows.stride,
                                                               ids.data() + first, count, part);
                        same = same && std::memcmp(part, whole + first, count * sizeof(float)) == 0;
                        (dot ? table.dot_range : table.l2_range)(
                            query.data(), n, rows.bytes.data() + first * rows.stride, rows.stride, count, part);
                        same = same && std::memcmp(part, whole + first, count * sizeof(float)) == 0;
                    }
                }
                CHECK(same);
            }
        }
    }
}
