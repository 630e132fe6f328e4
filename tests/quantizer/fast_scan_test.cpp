#include "sextant/quantizer/fast_scan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quantizer/product_support.hpp"

using namespace sextant;
using namespace test_support;

namespace {

using Options = ProductQuantizer::Options;

/// Distances by bytes differ from those by floats by no more than is stated, and that is not much.
template <class M>
void within_stated_error(const Options& options, std::size_t dimension) {
    const Vectors given = clustered_vectors(333, dimension, 9);
    const ProductQuantizer quantizer = trained(M::unit_length ? unit_vectors(given) : given, options);
    const ProductCodes<M> codes(quantizer, given);
    const FastScanBlocks blocks(codes.rows, given.size(), *options.subvectors);
    REQUIRE(blocks.block_count() == 11);
    QueryScratch scratch;
    for (std::size_t q = 0; q < 10; ++q) {
        std::vector<float> exact(given.size());
        quantizer.bind<M>(given[q], codes.rows, scratch).score_range(RowId{0}, exact);
        const FastScanTables tables = quantizer.fast_scan_tables<M>(given[q], scratch);
        std::vector<float> out(blocks.block_count() * fast_scan_rows);
        blocks.scan(tables, 0, blocks.block_count(), out);
        const auto [least, most] = std::minmax_element(exact.begin(), exact.end());
        CHECK(tables.error < 0.2F * (*most - *least));
        double error = 0.0;
        for (std::size_t r = 0; r < given.size(); ++r) {
            REQUIRE(std::fabs(out[r] - exact[r]) <= tables.error);
            error += std::fabs(double{out[r]} - double{exact[r]});
        }
        CHECK(error > 0.0);  // they are not the same tables
    }
}

}  // namespace

TEST_CASE("fast scans agree with float tables within the error they state", "[quantizer][kernel]") {
    const auto [dimension, options] =
        GENERATE(std::pair<std::size_t, Options>{32, {.subvectors = 16, .bits = 4}},
                 std::pair<std::size_t, Options>{33, {.subvectors = 11, .bits = 4}},
                 std::pair<std::size_t, Options>{6, {.subvectors = 3, .bits = 4}},
                 std::pair<std::size_t, Options>{24, {.subvectors = 13, .bits = 4, .rotation = ProductRotation::opq}});
    SECTION("squared Euclidean") { within_stated_error<SquaredL2>(options, dimension); }
    SECTION("inner product") { within_stated_error<InnerProduct>(options, dimension); }
    SECTION("cosine") { within_stated_error<Cosine>(options, dimension); }
}

TEST_CASE("the neighbours of a node as one block score like the same rows in sequence", "[quantizer][kernel]") {
    const Vectors vectors = clustered_vectors(200, 20, 4);
    const ProductQuantizer quantizer = trained(vectors, {.subvectors = 9, .bits = 4});
    const ProductCodes<SquaredL2> codes(quantizer, vectors);
    const FastScanBlocks blocks(codes.rows, vectors.size(), 9);
    QueryScratch scratch;
    const FastScanTables tables = quantizer.fast_scan_tables<SquaredL2>(vectors[3], scratch);
    std::vector<float> all(blocks.block_count() * fast_scan_rows);
    blocks.scan(tables, 0, blocks.block_count(), all);
    Random random(3);
    for (std::size_t count = 0; count <= fast_scan_rows; ++count) {
        std::vector<RowId> listed;
        for (std::size_t i = 0; i < count; ++i) listed.push_back(RowId{static_cast<std::uint32_t>(random.below(200))});
        std::vector<std::byte> block(fast_scan_block_size(9), std::byte{0xAA});
        pack_fast_scan_block(codes.rows, listed, 9, block);
        std::array<float, fast_scan_rows> out{};
        scan_fast_scan_block(tables, block, out);
        for (std::size_t i = 0; i < count; ++i) REQUIRE(out[i] == all[to_index(listed[i])]);
    }
}

TEST_CASE("a part of the blocks scans as the whole", "[quantizer][kernel]") {
    const Vectors vectors = clustered_vectors(300, 16, 4);
    const ProductQuantizer quantizer = trained(vectors, {.subvectors = 8, .bits = 4});
    const ProductCodes<SquaredL2> codes(quantizer, vectors);
    const FastScanBlocks blocks(codes.rows, vectors.size(), 8);
    QueryScratch scratch;
    const FastScanTables tables = quantizer.fast_scan_tables<SquaredL2>(vectors[3], scratch);
    std::vector<float> all(blocks.block_count() * fast_scan_rows);
    blocks.scan(tables, 0, blocks.block_count(), all);
    std::vector<float> part(3 * fast_scan_rows);
    blocks.scan(tables, 4, 3, part);
    CHECK(std::equal(part.begin(), part.end(), all.begin() + 4 * fast_scan_rows));
    CHECK(FastScanBlocks(codes.rows, 0, 8).block_count() == 0);
}

TEST_CASE("fast scans rank nearly as well as float tables", "[quantizer][kernel]") {
    const Vectors rows = clustered_vectors(3000, 32, 21);
    const Vectors queries = clustered_vectors(40, 32, 22);
    const ProductQuantizer quantizer = trained(rows, {.subvectors = 32, .bits = 4});
    const ProductCodes<SquaredL2> codes(quantizer, rows);
    const FastScanBlocks blocks(codes.rows, rows.size(), 32);
    QueryScratch scratch;
    const double by_floats = recall(rows, queries, 10, [&](VectorView query) {
        std::vector<float> out(rows.size());
        quantizer.bind<SquaredL2>(query, codes.rows, scratch).score_range(RowId{0}, out);
        return out;
    });
    const double by_bytes = recall(rows, queries, 10, [&](VectorView query) {
        std::vector<float> out(blocks.block_count() * fast_scan_rows);
        blocks.scan(quantizer.fast_scan_tables<SquaredL2>(query, scratch), 0, blocks.block_count(), out);
        return out;
    });
    CAPTURE(by_floats, by_bytes);
    CHECK(by_floats > 0.6);
    CHECK(by_bytes > by_floats - 0.05);
}

TEST_CASE("tables that are all alike, huge or tiny become bytes", "[quantizer][kernel]") {
    const float size = GENERATE(0.0F, 1e-44F, 1.0F, 1e30F, 0x1.0p118F);
    QueryScratch scratch;
    std::vector<float> floats(64, size);
    SECTION("alike") {
        const FastScanTables tables = FastScanTables::make(floats, 4, 1.0F, 0.5F, SIZE_MAX, scratch);
        CHECK(std::isfinite(tables.query.scale));
        CHECK(tables.query.offset == Approx(0.5F + 4.0F * size));
        for (std::size_t i = 0; i < 64; ++i) REQUIRE(tables.query.tables[i] == 0);
    }
    SECTION("not alike") {
        for (std::size_t i = 0; i < 64; ++i) floats[i] = size * (static_cast<float>(i % 16) / 15.0F);
        const FastScanTables tables = FastScanTables::make(floats, 4, 1.0F, 0.0F, SIZE_MAX, scratch);
        for (std::size_t s = 0; s < 4; ++s) {
            const float top = tables.query.scale * static_cast<float>(tables.query.tables[16 * s + 15]);
            REQUIRE(std::fabs(top - size) <= tables.error);
        }
    }
}

TEST_CASE("an entry that is spared does not widen the step", "[quantizer]") {
    QueryScratch scratch;
    std::vector<float> floats(32);
    for (std::size_t i = 0; i < 32; ++i) floats[i] = static_cast<float>(i % 16);
    const float step = FastScanTables::make(floats, 2, 1.0F, 0.0F, SIZE_MAX, scratch).query.scale;
    floats[15] = 1e9F;
    const FastScanTables spared = FastScanTables::make(floats, 2, 1.0F, 0.0F, 15, scratch);
    CHECK(spared.query.scale == step);
    CHECK(spared.query.tables[15] == 255);
    CHECK(FastScanTables::make(floats, 2, 1.0F, 0.0F, SIZE_MAX, scratch).query.scale > 1000.0F * step);
}
