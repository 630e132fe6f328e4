#include "sextant/kernel/rotation_kernel_table.hpp"

#include <set>

#include "support/catch.hpp"

using sextant::KernelIsa;

TEST_CASE("every table of rotation kernels is complete, one for each instruction set", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::set<KernelIsa> sets;
    std::set<const sextant::RotationKernelTable*> distinct;
    for (std::size_t i = 0; i < list.count; ++i) {
        const sextant::RotationKernelTable& table = sextant::rotation_kernels(*list.tables[i]);
        INFO(list.tables[i]->name);
        sets.insert(list.tables[i]->isa);
        distinct.insert(&table);
        CHECK(std::string_view(table.name) == list.tables[i]->name);
        CHECK(table.rotate != nullptr);
        CHECK(table.rotate_back != nullptr);
    }
    CHECK(distinct.size() == sets.size());
    CHECK(&sextant::rotation_kernels() == &sextant::rotation_kernels(sextant::active_kernels()));
}

TEST_CASE("vectors are rotated in whole lines of 64", "[kernel]") {
    CHECK(sextant::rotated_dimension(1) == 64);
    CHECK(sextant::rotated_dimension(64) == 64);
    CHECK(sextant::rotated_dimension(65) == 128);
    CHECK(sextant::rotated_dimension(784) == 832);
}
