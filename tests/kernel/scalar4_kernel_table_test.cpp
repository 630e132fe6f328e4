#include "sextant/kernel/scalar4_kernel_table.hpp"

#include <set>
#include <string>

#include "support/catch.hpp"

TEST_CASE("every table of kernels for 4-bit codes is complete, one for each table of kernels", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::set<const sextant::Scalar4KernelTable*> distinct;
    for (std::size_t i = 0; i < list.count; ++i) {
        const sextant::Scalar4KernelTable& table = sextant::scalar4_kernels(*list.tables[i]);
        INFO(list.tables[i]->name);
        distinct.insert(&table);
        CHECK(std::string(table.name) == list.tables[i]->name);
        CHECK(table.rows != nullptr);
        CHECK(table.range != nullptr);
    }
    CHECK(distinct.size() == list.count);
    CHECK(&sextant::scalar4_kernels() == &sextant::scalar4_kernels(sextant::active_kernels()));
}

TEST_CASE("rows of 4-bit codes have half a byte for a dimension, whole words and a trailer", "[kernel]") {
    for (std::size_t n = 0; n <= 1000; ++n) {
        INFO("dimension " << n);
        const std::size_t size = sextant::i4_trailer_offset(n);
        CHECK(size % 4 == 0);
        CHECK(size * 2 >= n);
        CHECK(size * 2 <= n + 7);
        CHECK(sextant::i4_row_size(n) == size + 8);
        CHECK(sextant::i4_query_size(n) >= n);
        CHECK(sextant::i4_query_size(n) % 128 == 0);
    }
    CHECK(sextant::i4_block_size(100) == 52);
    CHECK(sextant::i4_trailer_offset(784) == 392);
}
