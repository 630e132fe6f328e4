#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernel/guarded.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "support/catch.hpp"

namespace {

using sextant::KernelTable;
using sextant::RowId;
using sextant::test::Guarded;

std::vector<const KernelTable*> tables() {
    const sextant::KernelList list = sextant::runnable_kernels();
    return {list.tables, list.tables + list.count};
}

double exact_l2(const float* a, const float* b, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += difference * difference;
    }
    return sum;
}
double exact_dot(const float* a, const float* b, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}
/// Σ |a·b|, what the rounding errors of an inner product are measured against.
double magnitude(const float* a, const float* b, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += std::fabs(static_cast<double>(a[i]) * static_cast<double>(b[i]));
    return sum;
}

bool l2_agrees(float got, const float* a, const float* b, std::size_t n) {
    const double want = exact_l2(a, b, n);
    return std::fabs(got - want) <= 4.0 * static_cast<double>(n) * FLT_EPSILON * want + FLT_MIN;
}
bool dot_agrees(float got, const float* a, const float* b, std::size_t n) {
    return std::fabs(got - exact_dot(a, b, n)) <=
           4.0 * static_cast<double>(n) * FLT_EPSILON * magnitude(a, b, n) + FLT_MIN;
}

template <class Range>
void fill(Range& values, std::mt19937& random) {
    std::normal_distribution<float> normal;
    for (float& value : values) value = normal(random);
}

/// Rows of `dimension` floats, `stride` bytes apart, ending at an unreadable page.
struct Rows {
    Rows(std::size_t count, std::size_t dimension_, std::size_t stride_, std::mt19937& random)
        : dimension(dimension_),
          stride(stride_),
          bytes(count == 0 ? 0 : (count - 1) * stride_ + dimension_ * sizeof(float)) {
        std::normal_distribution<float> normal;
        for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
            const float value = normal(random);
            std::memcpy(bytes.data() + at, &value, sizeof value);
        }
    }
    const float* row(std::size_t index) { return reinterpret_cast<const float*>(bytes.data() + index * stride); }

    std::size_t dimension;
    std::size_t stride;
    sextant::test::GuardedBytes bytes;
};

std::vector<std::size_t> dimensions() {
    std::vector<std::size_t> list;
    for (std::size_t n = 0; n <= 200; ++n) list.push_back(n);
    for (const std::size_t n :
         {255U, 256U, 257U, 300U, 384U, 511U, 768U, 784U, 960U, 1000U, 1024U, 1536U, 4095U, 4096U})
        list.push_back(n);
    return list;
}

}  // namespace

TEST_CASE("float pairs agree with a double-precision loop at every length and never read past the end", "[kernel]") {
    std::mt19937 random(1);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t n : dimensions()) {
            INFO("dimension " << n);
            Guarded<float> a(n);
            Guarded<float> b(n);
            fill(a, random);
            fill(b, random);
            CHECK(l2_agrees(table->l2_f32(a.data(), b.data(), n), a.data(), b.data(), n));
            CHECK(dot_agrees(table->dot_f32(a.data(), b.data(), n), a.data(), b.data(), n));
        }
        Guarded<float> a(65536);
        Guarded<float> b(65536);
        fill(a, random);
        fill(b, random);
        CHECK(l2_agrees(table->l2_f32(a.data(), b.data(), 65536), a.data(), b.data(), 65536));
        CHECK(dot_agrees(table->dot_f32(a.data(), b.data(), 65536), a.data(), b.data(), 65536));
    }
}

TEST_CASE("float pairs need no alignment beyond that of a float", "[kernel]") {
    std::mt19937 random(2);
    std::vector<float> a(400);
    std::vector<float> b(400);
    fill(a, random);
    fill(b, random);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t shift = 0; shift < 20; ++shift) {
            const float* x = a.data() + shift;
            const float* y = b.data() + (19 - shift);
            CHECK(l2_agrees(table->l2_f32(x, y, 333), x, y, 333));
            CHECK(dot_agrees(table->dot_f32(x, y, 333), x, y, 333));
        }
    }
}

TEST_CASE("float pairs keep denormals, and overflow to infinity rather than to NaN", "[kernel]") {
    const float tiny = std::numeric_limits<float>::denorm_min();
    const float huge = 1e38F;
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t n : {1U, 3U, 4U, 15U, 16U, 17U, 64U, 100U}) {
            INFO("dimension " << n);
            std::vector<float> a(n, tiny);
            const std::vector<float> ones(n, 1.0F);
            CHECK(table->dot_f32(a.data(), ones.data(), n) == static_cast<float>(n) * tiny);
            CHECK(table->l2_f32(a.data(), a.data(), n) == 0.0F);

            std::vector<float> plus(n, huge);
            std::vector<float> minus(n, -huge);
            CHECK(table->l2_f32(plus.data(), minus.data(), n) == std::numeric_limits<float>::infinity());
            CHECK(table->l2_f32(plus.data(), plus.data(), n) == 0.0F);
            CHECK(table->dot_f32(plus.data(), plus.data(), n) == std::numeric_limits<float>::infinity());
            CHECK(table->dot_f32(plus.data(), minus.data(), n) == -std::numeric_limits<float>::infinity());
            CHECK(table->dot_f32(plus.data(), ones.data(), n) > 0.9F * huge * (n > 3 ? 3.0F : static_cast<float>(n)));
        }
    }
}

TEST_CASE("a list of float rows is scored like its rows one by one", "[kernel]") {
    std::mt19937 random(3);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t count = 0; count <= 70; ++count) {
            const std::size_t n = (count * 37) % 203;
            const std::size_t stride = n * 4 + (count % 3) * 4;
            INFO("count " << count << ", dimension " << n << ", stride " << stride);
            constexpr std::size_t row_count = 50;
            Rows rows(row_count, n, stride, random);
            Guarded<float> query(n);
            fill(query, random);
            Guarded<RowId> ids(count);
            for (RowId& id : ids) id = RowId{static_cast<std::uint32_t>(random() % row_count)};
            if (count > 0) ids[count - 1] = RowId{row_count - 1};  // the row that ends at the unreadable page
            Guarded<float> l2(count);
            Guarded<float> dot(count);
            table->l2_f32_rows(query.data(), n, rows.bytes.data(), stride, ids.data(), count, l2.data());
            table->dot_f32_rows(query.data(), n, rows.bytes.data(), stride, ids.data(), count, dot.data());
            bool agree = true;
            for (std::size_t i = 0; i < count; ++i) {
                const float* row = rows.row(sextant::to_index(ids[i]));
                agree = agree && l2_agrees(l2[i], query.data(), row, n) && dot_agrees(dot[i], query.data(), row, n);
            }
            CHECK(agree);
        }
    }
}

TEST_CASE("a float row of a list has the same sum whatever rows stand beside it", "[kernel]") {
    std::mt19937 random(9);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t n : {1U, 7U, 16U, 33U, 100U, 784U}) {
            INFO("dimension " << n);
            constexpr std::size_t row_count = 11;
            Rows rows(row_count, n, n * 4, random);
            Guarded<float> query(n);
            fill(query, random);
            Guarded<RowId> ids(row_count);
            for (std::size_t i = 0; i < row_count; ++i) ids[i] = RowId{static_cast<std::uint32_t>(i)};
            Guarded<float> l2(row_count);
            Guarded<float> dot(row_count);
            table->l2_f32_rows(query.data(), n, rows.bytes.data(), n * 4, ids.data(), row_count, l2.data());
            table->dot_f32_rows(query.data(), n, rows.bytes.data(), n * 4, ids.data(), row_count, dot.data());
            bool same = true;
            for (std::size_t first = 0; first < row_count; ++first) {
                for (std::size_t count = 1; count <= std::min<std::size_t>(5, row_count - first); ++count) {
                    float part[5] = {};
                    table->l2_f32_rows(query.data(), n, rows.bytes.data(), n * 4, ids.data() + first, count, part);
                    same = same && std::memcmp(part, l2.data() + first, count * sizeof(float)) == 0;
                    table->dot_f32_rows(query.data(), n, rows.bytes.data(), n * 4, ids.data() + first, count, part);
                    same = same && std::memcmp(part, dot.data() + first, count * sizeof(float)) == 0;
                }
            }
            CHECK(same);
        }
    }
}

TEST_CASE("lists of long float rows agree too", "[kernel]") {
    std::mt19937 random(4);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t n : {255U, 256U, 257U, 511U, 784U, 1024U, 1535U, 4096U}) {
            INFO("dimension " << n);
            const std::size_t row_count = 40;
            Rows rows(row_count, n, n * 4, random);
            Guarded<float> query(n);
            fill(query, random);
            std::vector<RowId> ids;
            for (std::uint32_t i = 0; i < row_count; ++i) ids.push_back(RowId{(i * 7U + 3U) % 40U});
            std::vector<float> out(row_count);
            table->l2_f32_rows(query.data(), n, rows.bytes.data(), n * 4, ids.data(), row_count, out.data());
            for (std::size_t i = 0; i < row_count; ++i) {
                CHECK(l2_agrees(out[i], query.data(), rows.row(sextant::to_index(ids[i])), n));
            }
            table->dot_f32_rows(query.data(), n, rows.bytes.data(), n * 4, ids.data(), row_count, out.data());
            for (std::size_t i = 0; i < row_count; ++i) {
                CHECK(dot_agrees(out[i], query.data(), rows.row(sextant::to_index(ids[i])), n));
            }
        }
    }
}

TEST_CASE("rows may lie more than 4 GiB from the base", "[kernel]") {
    // Row numbers are 32 bits, addresses are not: the product must be computed in 64 bits.
    constexpr std::size_t stride = 1U << 16U;
    constexpr std::size_t row_count = 1U << 17U;  // 8 GiB of address space, of which a few pages are touched
    void* memory =
        mmap(nullptr, stride * row_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    auto* base = static_cast<std::byte*>(memory);
    const std::vector<float> query(24, 2.0F);
    const std::vector<float> stored(24, 1.0F);
    const RowId last{row_count - 1};
    std::memcpy(base + (row_count - 1) * stride, stored.data(), 24 * sizeof(float));
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        float out = 0;
        table->l2_f32_rows(query.data(), 24, base, stride, &last, 1, &out);
        CHECK(out == 24.0F);
    }
    munmap(memory, stride * row_count);
}
