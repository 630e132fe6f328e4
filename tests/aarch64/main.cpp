/// Runs every kernel test of the target; the arguments are the names the runnable tables must have, best first.
#include <cstdio>
#include <cstring>

#include "sextant/kernel/kernel_table.hpp"
#include "support/catch.hpp"

int main(int argc, char** argv) {
    const sextant::KernelList list = sextant::runnable_kernels();
    bool as_expected = list.count == static_cast<std::size_t>(argc - 1);
    std::printf("runnable:");
    for (std::size_t i = 0; i < list.count; ++i) {
        std::printf(" %s", list.tables[i]->name);
        as_expected = as_expected && std::strcmp(list.tables[i]->name, argv[i + 1]) == 0;
    }
    std::printf("; active: %s\n", sextant::active_kernels().name);
    if (!as_expected || &sextant::active_kernels() != list.tables[0]) {
        std::printf("FAILED: these are not the tables expected\n");
        return 1;
    }
    sextant::test::Run& run = sextant::test::Run::current();
    for (const sextant::test::Case& test : sextant::test::Case::all()) {
        try {
            test.run();
        } catch (const sextant::test::Abort&) {
            std::printf("    in: %s\n", test.name);
        }
    }
    std::printf("%zu cases, %zu checks, %zu failed\n", sextant::test::Case::all().size(), run.checks, run.failures);
    return run.failures == 0 && run.checks > 0 ? 0 : 1;
}
