#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernel/guarded.hpp"
#include "sextant/kernel/scalar4_kernel_table.hpp"
#include "support/catch.hpp"

namespace {

using sextant::I4Query;
using sextant::I8Trailer;
using sextant::RowId;
using sextant::Scalar4KernelTable;
using sextant::test::Guarded;
using sextant::test::GuardedBytes;

std::vector<const Scalar4KernelTable*> tables() {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::vector<const Scalar4KernelTable*> all;
    for (std::size_t i = 0; i < list.count; ++i) all.push_back(&sextant::scalar4_kernels(*list.tables[i]));
    return all;
}

enum class Values { random, lowest, highest, opposite };

unsigned value(Values kind, bool second, unsigned most, std::mt19937& random) {
    switch (kind) {
        case Values::lowest: return 0;
        case Values::highest: return most;
        case Values::opposite: return second ? most : 0;
        case Values::random: break;
    }
    return static_cast<unsigned>(random() % (most + 1));
}

/// Where dimension `i` of `n` lies, in halves of a row (byte * 2 + high) and in bytes of a query: written from the page,
/// not from the kernels.
struct Place {
    std::size_t byte;
    bool high;
    std::size_t in_query;
};
Place place_of(std::size_t i, std::size_t n) {
    const std::size_t block = i / 128;
    const std::size_t dimensions = n - block * 128 < 128 ? n - block * 128 : 128;
    std::size_t size = (dimensions + 1) / 2;
    while (size % 4 != 0) ++size;
    const std::size_t j = i % 128;
    if (j < size) return {block * 64 + j, false, block * 128 + j};
    return {block * 64 + j - size, true, block * 128 + 64 + j - size};
}

/// A query as the kernels want it, ending at an unreadable page.
struct Query {
    Query(std::size_t n, bool dot, Values kind, std::mt19937& random) : plain(n), padded(sextant::i4_query_size(n)) {
        std::uint64_t squares = 0;
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
            plain[i] = value(kind, false, 255, random);
            padded.data()[place_of(i, n).in_query] = static_cast<std::byte>(plain[i]);
            squares += plain[i] * plain[i];
            sum += static_cast<int>(plain[i]) - 128;
        }
        query.bytes = reinterpret_cast<const std::uint8_t*>(padded.data());
        query.dimension = n;
        query.constant = dot ? static_cast<std::uint32_t>(-8 * sum) : static_cast<std::uint32_t>(squares);
        query.scale = 0.37F;
        query.offset = -1.25F;
        query.dot = dot;
    }
    std::vector<unsigned> plain;
    GuardedBytes padded;
    I4Query query;
};

/// Rows with trailers, the last one ending at an unreadable page; what lies between rows is garbage.
struct Rows {
    Rows(std::size_t count, std::size_t n, std::size_t gap, Values kind, std::mt19937& random)
        : stride(sextant::i4_row_size(n) + gap), bytes(count == 0 ? 0 : count * stride - gap), plain(count) {
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes.data()[i] = static_cast<std::byte>(random() & 255U);
        for (std::size_t r = 0; r < count; ++r) {
            std::byte* row = bytes.data() + r * stride;
            std::memset(row, 0, sextant::i4_trailer_offset(n));
            I8Trailer trailer{};
            for (std::size_t i = 0; i < n; ++i) {
                const unsigned c = value(kind, true, 15, random);
                const Place place = place_of(i, n);
                row[place.byte] |= static_cast<std::byte>(place.high ? c << 4U : c);
                trailer.sum += static_cast<std::int32_t>(c);
                trailer.square_sum += 256U * c * c;
                plain[r].push_back(c);
            }
            std::memcpy(row + sextant::i4_trailer_offset(n), &trailer, sizeof trailer);
        }
    }
    std::size_t stride;
    GuardedBytes bytes;
    std::vector<std::vector<unsigned>> plain;
};

/// The promised arithmetic: one rounding of the exact integer, one multiplication, one addition.
float want(const Query& q, const std::vector<unsigned>& row) {
    std::int64_t exact = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const std::int64_t a = q.plain[i];
        const std::int64_t c = row[i];
        exact += q.query.dot ? (a - 128) * (c - 8) : (a - 16 * c) * (a - 16 * c);
    }
    volatile float product = q.query.scale * static_cast<float>(exact);
    return q.query.offset + product;
}

/// Scores a list, and all rows as a range, by both distances.
bool agrees(const Scalar4KernelTable& table, std::size_t count, std::size_t n, std::size_t gap, Values kind,
            std::mt19937& random) {
    const std::size_t row_count = count + 3;
    Rows rows(row_count, n, gap, kind, random);
    Guarded<RowId> ids(count);
    for (RowId& id : ids) id = RowId{static_cast<std::uint32_t>(random() % row_count)};
    if (count > 0) ids[count / 2] = RowId{static_cast<std::uint32_t>(row_count - 1)};
    for (const bool dot : {false, true}) {
        Query query(n, dot, kind, random);
        Guarded<float> list(count);
        Guarded<float> range(row_count);
        table.rows(query.query, rows.bytes.data(), rows.stride, ids.data(), count, list.data());
        table.range(query.query, rows.bytes.data(), rows.stride, row_count, range.data());
        for (std::size_t i = 0; i < count; ++i) {
            if (list[i] != want(query, rows.plain[sextant::to_index(ids[i])])) return false;
        }
        for (std::size_t r = 0; r < row_count; ++r) {
            if (range[r] != want(query, rows.plain[r])) return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE("rows of 4-bit codes of every length give the exact integer in one rounding", "[kernel]") {
    std::mt19937 random(31);
    for (const Scalar4KernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t n = 0; n <= 400; ++n) {
            INFO("dimension " << n);
            CHECK(agrees(*table, 7, n, (n % 5) * 4, Values::random, random));
        }
        for (const std::size_t n : {511U, 512U, 784U, 1024U, 1537U, 2176U, 4096U}) {
            INFO("dimension " << n);
            CHECK(agrees(*table, 9, n, 0, Values::random, random));
        }
    }
}

TEST_CASE("lists of 4-bit codes of every count agree", "[kernel]") {
    std::mt19937 random(32);
    for (const Scalar4KernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t count = 0; count <= 70; ++count) {
            INFO("count " << count);
            CHECK(agrees(*table, count, 100, 20, Values::random, random));
            CHECK(agrees(*table, count, (count * 53) % 400, 4, Values::random, random));
        }
        CHECK(agrees(*table, 500, 100, 0, Values::random, random));
        CHECK(agrees(*table, 100, 2000, 0, Values::random, random));  // long rows are fetched line by line
    }
}

TEST_CASE("extreme 4-bit codes do not overflow up to dimension 65,536", "[kernel]") {
    std::mt19937 random(33);
    for (const Scalar4KernelTable* table : tables()) {
        INFO(table->name);
        for (const Values kind : {Values::lowest, Values::highest, Values::opposite}) {
            for (const std::size_t n : {1U, 63U, 64U, 65U, 127U, 128U, 129U, 65535U, 65536U}) {
                INFO("dimension " << n);
                CHECK(agrees(*table, 5, n, 0, kind, random));
            }
        }
    }
}

TEST_CASE("rows of 4-bit codes need no alignment of base or stride beyond four bytes", "[kernel]") {
    std::mt19937 random(34);
    for (const Scalar4KernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t gap = 0; gap < 80; gap += 4) CHECK(agrees(*table, 6, 96, gap, Values::random, random));
    }
}

TEST_CASE("every table of kernels for 4-bit codes gives the same bits", "[kernel]") {
    std::mt19937 random(35);
    const Scalar4KernelTable& reference = *tables().back();
    REQUIRE(std::string(reference.name) == "baseline");
    for (const std::size_t n : {1U, 17U, 100U, 128U, 200U, 784U, 3000U}) {
        INFO("dimension " << n);
        Rows rows(64, n, 0, Values::random, random);
        for (const bool dot : {false, true}) {
            Query query(n, dot, Values::random, random);
            query.query.scale = 1.0F / 3.0F;  // rounds, so that a fused multiply-add would show
            query.query.offset = 0.1F;
            std::vector<float> wanted(64);
            std::vector<float> got(64);
            reference.range(query.query, rows.bytes.data(), rows.stride, 64, wanted.data());
            for (const Scalar4KernelTable* table : tables()) {
                INFO(table->name);
                table->range(query.query, rows.bytes.data(), rows.stride, 64, got.data());
                CHECK(std::memcmp(wanted.data(), got.data(), 64 * sizeof(float)) == 0);
            }
        }
    }
}
