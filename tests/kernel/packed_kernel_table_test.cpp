#include "sextant/kernel/packed_kernel_table.hpp"

#include <set>
#include <string_view>

#include "sextant/kernel/cpu_features.hpp"
#include "support/catch.hpp"

using sextant::PackedKernelTable;

TEST_CASE("every table of packed kernels is complete, at least one for each instruction set", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    std::set<sextant::KernelIsa> sets;
    std::set<const PackedKernelTable*> distinct;
    for (std::size_t i = 0; i < list.count; ++i) {
        const PackedKernelTable& table = sextant::packed_kernels(*list.tables[i]);
        INFO(list.tables[i]->name);
        sets.insert(list.tables[i]->isa);
        distinct.insert(&table);
        CHECK(std::string_view(table.name).substr(0, 4) == std::string_view(list.tables[i]->name).substr(0, 4));
        for (std::size_t bits = 1; bits <= 8; ++bits) {
            CHECK(table.rows[bits - 1] != nullptr);
            CHECK(table.range[bits - 1] != nullptr);
        }
        CHECK(table.centre != nullptr);
        CHECK(table.residual != nullptr);
        CHECK(table.encode != nullptr);
        CHECK(table.decode != nullptr);
        CHECK(table.encode_planes != nullptr);
    }
    CHECK(distinct.size() >= sets.size());
    CHECK(&sextant::packed_kernels() == &sextant::packed_kernels(sextant::active_kernels()));
}

TEST_CASE("bits are counted in hardware where the CPU can", "[kernel]") {
    const sextant::KernelList list = sextant::runnable_kernels();
    const sextant::CpuFeatures cpu = sextant::detect_cpu_features();
    bool counts = false;
    for (std::size_t i = 0; i < list.count; ++i) {
        counts = counts || std::string_view(sextant::packed_kernels(*list.tables[i]).name) == "avx512_popcnt";
    }
    CHECK(counts == (cpu.avx512_vpopcntdq && cpu.avx512_vnni));
}

TEST_CASE("packed rows have bits / 8 bytes a dimension and a trailer", "[kernel]") {
    CHECK(sextant::packed_row_size(64, 1) == 8 + 12);
    CHECK(sextant::packed_row_size(832, 4) == 416 + 12);
    CHECK(sextant::packed_trailer_offset(128, 3) == 48);
    const sextant::PackedTrailer trailer{0.0F, 0.0F, __builtin_bit_cast(float, 0x3F800007U)};
    CHECK(trailer.group() == 7);
}
