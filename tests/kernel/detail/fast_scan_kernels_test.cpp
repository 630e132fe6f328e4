#include <cstdint>
#include <random>
#include <vector>

#include "kernel/guarded.hpp"
#include "sextant/kernel/product_kernel_table.hpp"
#include "support/catch.hpp"

namespace {

using sextant::fast_scan_rows;
using sextant::FastScanQuery;
using sextant::ProductKernelTable;
using sextant::test::Guarded;
using sextant::test::GuardedBytes;

std::vector<const ProductKernelTable*> tables() {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::vector<const ProductKernelTable*> all;
    for (std::size_t i = 0; i < list.count; ++i) all.push_back(&sextant::product_kernels(*list.tables[i]));
    return all;
}

/// `highest`: every sum is the largest there can be.
bool scan_agrees(const ProductKernelTable& table, std::size_t block_count, std::size_t subvectors, std::size_t gap,
                 bool highest, std::mt19937& random) {
    Guarded<std::uint8_t> entries(16 * subvectors);
    for (std::uint8_t& entry : entries) entry = static_cast<std::uint8_t>(highest ? 255U : random() & 255U);
    const FastScanQuery query{entries.data(), subvectors, 0.37F, -1.25F};
    const std::size_t stride = 16 * subvectors + gap;
    GuardedBytes blocks(block_count == 0 ? 0 : block_count * stride - gap);
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks.data()[i] = static_cast<std::byte>(random() & 255U);
    Guarded<float> out(block_count * fast_scan_rows);
    table.fast_scan(query, blocks.data(), stride, block_count, out.data());
    for (std::size_t b = 0; b < block_count; ++b) {
        for (std::size_t r = 0; r < fast_scan_rows; ++r) {
            std::uint32_t sum = 0;
            for (std::size_t s = 0; s < subvectors; ++s) {
                const auto both = static_cast<std::uint32_t>(blocks.data()[b * stride + 16 * s + r % 16]);
                sum += entries[16 * s + (r < 16 ? both & 15U : both >> 4U)];
            }
            volatile float product = query.scale * static_cast<float>(sum);
            if (out[b * fast_scan_rows + r] != query.offset + product) return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE("fast scans give exact sums for every number of sub-vectors and never read past the end", "[kernel]") {
    std::mt19937 random(41);
    for (const ProductKernelTable* table : tables()) {
        INFO(table->name);
        for (std::size_t subvectors = 1; subvectors <= 70; ++subvectors) {
            INFO("sub-vectors " << subvectors);
            CHECK(scan_agrees(*table, 1 + subvectors % 5, subvectors, subvectors % 3 * 16, false, random));
        }
        CHECK(scan_agrees(*table, 0, 8, 0, false, random));
        CHECK(scan_agrees(*table, 70, 16, 0, false, random));
    }
}

TEST_CASE("the largest sums of a fast scan do not overflow", "[kernel]") {
    std::mt19937 random(42);
    for (const ProductKernelTable* table : tables()) {
        INFO(table->name);
        for (const std::size_t subvectors : {1U, 255U, 256U, 257U, 258U, 259U, 260U, 511U, 512U, 513U, 1000U, 65536U}) {
            INFO("sub-vectors " << subvectors);
            CHECK(scan_agrees(*table, 1, subvectors, 0, true, random));
            CHECK(scan_agrees(*table, 1, subvectors, 0, false, random));
        }
    }
}
