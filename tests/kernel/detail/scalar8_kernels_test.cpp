#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernel/guarded.hpp"
#include "sextant/kernel/kernel_table.hpp"
#include "support/catch.hpp"

namespace {

using sextant::I8Query;
using sextant::I8Trailer;
using sextant::KernelTable;
using sextant::RowId;
using sextant::test::Guarded;
using sextant::test::GuardedBytes;

std::vector<const KernelTable*> tables() {
    const sextant::KernelList list = sextant::runnable_kernels();
    return {list.tables, list.tables + list.count};
}

std::int64_t exact_l2(const std::int8_t* a, const std::int8_t* b, std::size_t n) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}
std::int64_t exact_dot(const std::int8_t* a, const std::int8_t* b, std::size_t n) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

enum class Values { random, lowest, highest, opposite };

std::int8_t value(Values kind, bool second, std::mt19937& random) {
    switch (kind) {
        case Values::lowest: return -128;
        case Values::highest: return 127;
        case Values::opposite: return second ? std::int8_t{127} : std::int8_t{-128};
        case Values::random: break;
    }
    return static_cast<std::int8_t>(static_cast<int>(random() % 256U) - 128);
}

/// A query as the kernels want it: biased, padded, 64-byte aligned, ending at an unreadable page.
struct Query {
    Query(std::size_t n, Values kind, std::mt19937& random) : plain(n), padded((n + 63) / 64 * 64) {
        for (std::size_t i = 0; i < n; ++i) {
            plain[i] = value(kind, false, random);
            padded.data()[i] = static_cast<std::byte>(plain[i] + 128);
            query.square_sum += static_cast<std::uint32_t>(plain[i] * plain[i]);
        }
        query.biased = reinterpret_cast<const std::uint8_t*>(padded.data());
        query.dimension = n;
        query.scale = 0.37F;
        query.offset = -1.25F;
    }
    std::vector<std::int8_t> plain;
    GuardedBytes padded;
    I8Query query;
};

/// Rows with trailers, the last one ending at an unreadable page; what lies between rows is garbage.
struct Rows {
    Rows(std::size_t count, std::size_t n, std::size_t gap, Values kind, std::mt19937& random)
        : stride(sextant::i8_row_size(n) + gap), bytes(count == 0 ? 0 : count * stride - gap) {
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes.data()[i] = static_cast<std::byte>(random() & 255U);
        for (std::size_t r = 0; r < count; ++r) {
            std::byte* row = bytes.data() + r * stride;
            std::memset(row, 0, sextant::i8_trailer_offset(n));
            I8Trailer trailer{};
            for (std::size_t i = 0; i < n; ++i) {
                const std::int8_t v = value(kind, true, random);
                std::memcpy(row + i, &v, 1);
                trailer.sum += v;
                trailer.square_sum += static_cast<std::uint32_t>(v * v);
            }
            std::memcpy(row + sextant::i8_trailer_offset(n), &trailer, sizeof trailer);
        }
    }
    const std::int8_t* row(std::size_t index) {
        return reinterpret_cast<const std::int8_t*>(bytes.data() + index * stride);
    }

    std::size_t stride;
    GuardedBytes bytes;
};

/// The promised arithmetic: one rounding of the integer, one multiplication, one addition.
float scaled(const I8Query& query, float exact) {
    volatile float product = query.scale * exact;
    return query.offset + product;
}
float want_l2(const Query& q, const std::int8_t* row) {
    return scaled(q.query, static_cast<float>(exact_l2(q.plain.data(), row, q.plain.size())));
}
float want_dot(const Query& q, const std::int8_t* row) {
    return scaled(q.query, static_cast<float>(exact_dot(q.plain.data(), row, q.plain.size())));
}

/// Scores a list and the same rows as a range, both with both kernels.
bool agrees(const KernelTable& table, std::size_t count, std::size_t n, std::size_t gap, Values kind,
            std::mt19937& random) {
    Query query(n, kind, random);
    const std::size_t row_count = count + 3;
    Rows rows(row_count, n, gap, kind, random);
    Guarded<RowId> ids(count);
    for (RowId& id : ids) id = RowId{static_cast<std::uint32_t>(random() % row_count)};
    if (count > 0) ids[count / 2] = RowId{static_cast<std::uint32_t>(row_count - 1)};
    Guarded<float> l2(count);
    Guarded<float> dot(count);
    Guarded<float> l2_range(row_count);
    Guarded<float> dot_range(row_count);
    table.l2_i8_rows(query.query, rows.bytes.data(), rows.stride, ids.data(), count, l2.data());
    table.dot_i8_rows(query.query, rows.bytes.data(), rows.stride, ids.data(), count, dot.data());
    table.l2_i8_range(query.query, rows.bytes.data(), rows.stride, row_count, l2_range.data());
    table.dot_i8_range(query.query, rows.bytes.data(), rows.stride, row_count, dot_range.data());
    for (std::size_t i = 0; i < count; ++i) {
        const std::int8_t* row = rows.row(sextant::to_index(ids[i]));
        if (l2[i] != want_l2(query, row) || dot[i] != want_dot(query, row)) return false;
    }
    for (std::size_t r = 0; r < row_count; ++r) {
        if (l2_range[r] != want_l2(query, rows.row(r)) || dot_range[r] != want_dot(query, rows.row(r))) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("byte pairs are exact at every length and never read past the end", "[kernel]") {
    std::mt19937 random(21);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        std::vector<std::size_t> lengths;
        for (std::size_t n = 0; n <= 200; ++n) lengths.push_back(n);
        for (const std::size_t n : {255U, 256U, 784U, 1000U, 4096U, 65535U, 65536U}) lengths.push_back(n);
        for (const std::size_t n : lengths) {
            INFO("dimension " << n);
            for (const Values kind : {Values::random, Values::lowest, Values::highest, Values::opposite}) {
                Guarded<std::int8_t> a(n);
                Guarded<std::int8_t> b(n);
                for (std::int8_t& v : a) v = value(kind, false, random);
                for (std::int8_t& v : b) v = value(kind, true, random);
                CHECK(table->l2_i8(a.data(), b.data(), n) == exact_l2(a.data(), b.data(), n));
                CHECK(table->dot_i8(a.data(), b.data(), n) == exact_dot(a.data(), b.data(), n));
            }
        }
    }
}

TEST_CASE("byte rows of every length give the exact integer in one rounding", "[kernel]") {
    std::mt19937 random(22);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t n = 0; n <= 330; ++n) {
            INFO("dimension " << n);
            CHECK(agrees(*table, 7, n, (n % 5) * 4, Values::random, random));
        }
        for (const std::size_t n : {511U, 512U, 784U, 1024U, 1537U, 4096U}) {
            INFO("dimension " << n);
            CHECK(agrees(*table, 9, n, 0, Values::random, random));
        }
    }
}

TEST_CASE("byte lists of every count agree", "[kernel]") {
    std::mt19937 random(23);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t count = 0; count <= 70; ++count) {
            INFO("count " << count);
            CHECK(agrees(*table, count, 100, 20, Values::random, random));
            CHECK(agrees(*table, count, (count * 53) % 400, 4, Values::random, random));
        }
    }
}

TEST_CASE("extreme byte values do not overflow up to dimension 65,536", "[kernel]") {
    std::mt19937 random(24);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (const Values kind : {Values::lowest, Values::highest, Values::opposite}) {
            for (const std::size_t n : {1U, 63U, 64U, 65U, 256U, 257U, 65535U, 65536U}) {
                INFO("dimension " << n);
                CHECK(agrees(*table, 5, n, 0, kind, random));
            }
        }
    }
}

TEST_CASE("byte rows need no alignment of base or stride beyond four bytes", "[kernel]") {
    std::mt19937 random(25);
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t gap = 0; gap < 80; gap += 4) CHECK(agrees(*table, 6, 96, gap, Values::random, random));
    }
}

TEST_CASE("every table gives the same bits", "[kernel]") {
    std::mt19937 random(26);
    const KernelTable& reference = *tables().back();
    REQUIRE(std::string(reference.name) == "baseline");
    for (const std::size_t n : {1U, 17U, 100U, 128U, 200U, 784U, 3000U}) {
        INFO("dimension " << n);
        Query query(n, Values::random, random);
        query.query.scale = 1.0F / 3.0F;  // rounds, so that a fused multiply-add would show
        query.query.offset = 0.1F;
        Rows rows(64, n, 0, Values::random, random);
        std::vector<float> want(64);
        std::vector<float> got(64);
        for (const KernelTable* table : tables()) {
            INFO(table->name);
            reference.l2_i8_range(query.query, rows.bytes.data(), rows.stride, 64, want.data());
            table->l2_i8_range(query.query, rows.bytes.data(), rows.stride, 64, got.data());
            CHECK(std::memcmp(want.data(), got.data(), 64 * sizeof(float)) == 0);
            reference.dot_i8_range(query.query, rows.bytes.data(), rows.stride, 64, want.data());
            table->dot_i8_range(query.query, rows.bytes.data(), rows.stride, 64, got.data());
            CHECK(std::memcmp(want.data(), got.data(), 64 * sizeof(float)) == 0);
        }
    }
}

TEST_CASE("encoding rounds to nearest even, clamps, and gives the same bytes in every table", "[kernel]") {
    std::mt19937 random(27);
    std::uniform_real_distribution<float> uniform(-150.0F, 150.0F);
    const std::vector<float> special = {0.5F,
                                        -0.5F,
                                        1.5F,
                                        -1.5F,
                                        2.5F,
                                        -2.5F,
                                        126.5F,
                                        127.5F,
                                        127.49F,
                                        -127.5F,
                                        -128.5F,
                                        1e38F,
                                        -1e38F,
                                        1e-40F,
                                        -0.0F,
                                        std::numeric_limits<float>::infinity(),
                                        -std::numeric_limits<float>::infinity()};
    for (const KernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t n = 0; n <= 200; ++n) {
            INFO("dimension " << n);
            Guarded<float> v(n);
            Guarded<float> offset(n);
            Guarded<std::int8_t> out(n);
            for (std::size_t i = 0; i < n; ++i) {
                const bool is_special = random() % 4 == 0;
                v[i] = is_special ? special[random() % special.size()] : uniform(random);
                offset[i] = is_special ? 0.0F : uniform(random) * 0.1F;
            }
            const float inverse_step = n % 2 == 0 ? 1.0F : 0.77F;
            table->encode_i8(v.data(), offset.data(), inverse_step, n, out.data());
            bool agree = true;
            for (std::size_t i = 0; i < n; ++i) {
                volatile float difference = v[i] - offset[i];
                volatile float step = difference * inverse_step;
                const float clamped = std::fmin(std::fmax(std::nearbyint(step), -128.0F), 127.0F);
                agree = agree && out[i] == static_cast<std::int8_t>(clamped);
            }
            CHECK(agree);
        }
        const float nan = std::numeric_limits<float>::quiet_NaN();
        const std::vector<float> v(40, nan);
        const std::vector<float> offset(40, 0.0F);
        std::vector<std::int8_t> out(40, 1);
        table->encode_i8(v.data(), offset.data(), 1.0F, 40, out.data());
        CHECK(out == std::vector<std::int8_t>(40, -128));
    }
}
