#include "sextant/kernel/product_kernel_table.hpp"

#include <set>

#include "support/catch.hpp"

using sextant::KernelIsa;

TEST_CASE("every table of product kernels is complete, one for each instruction set", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::set<KernelIsa> sets;
    std::set<const sextant::ProductKernelTable*> distinct;
    for (std::size_t i = 0; i < list.count; ++i) {
        const sextant::ProductKernelTable& table = sextant::product_kernels(*list.tables[i]);
        INFO(list.tables[i]->name);
        sets.insert(list.tables[i]->isa);
        distinct.insert(&table);
        CHECK(table.nearest_columns_f32 != nullptr);
        CHECK(table.l2_columns_f32 != nullptr);
        CHECK(table.multiply_f32 != nullptr);
        CHECK(table.dot16_f32 != nullptr);
        CHECK(table.product_rows != nullptr);
        CHECK(table.product_range != nullptr);
        CHECK(table.fast_scan != nullptr);
    }
    CHECK(distinct.size() == sets.size());
    CHECK(&sextant::product_kernels() == &sextant::product_kernels(sextant::active_kernels()));
}
