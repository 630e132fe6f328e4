#include "sextant/kernel/half_kernel_table.hpp"

#include <set>
#include <string>

#include "support/catch.hpp"

TEST_CASE("every table of kernels over halves is complete, one for each instruction set", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::set<sextant::KernelIsa> sets;
    std::set<const sextant::HalfKernelTable*> distinct;
    for (std::size_t i = 0; i < list.count; ++i) {
        const sextant::HalfKernelTable& table = sextant::half_kernels(*list.tables[i]);
        INFO(list.tables[i]->name);
        sets.insert(list.tables[i]->isa);
        distinct.insert(&table);
        CHECK(std::string(table.name) == list.tables[i]->name);
        CHECK(table.l2_rows != nullptr);
        CHECK(table.dot_rows != nullptr);
        CHECK(table.l2_range != nullptr);
        CHECK(table.dot_range != nullptr);
        CHECK(table.widen != nullptr);
    }
    CHECK(distinct.size() == sets.size());
    CHECK(&sextant::half_kernels() == &sextant::half_kernels(sextant::active_kernels()));
}
