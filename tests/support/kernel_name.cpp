// Prints the kernel table the library chose, honouring SEXTANT_KERNEL. Exit status 1: that name is not runnable here.
#include <cstdio>

#include "sextant/kernel/kernel_table.hpp"

int main() {
    if (const char* error = sextant::kernel_override_error()) {
        std::printf("%s\n", error);
        return 1;
    }
    std::printf("%s\n", sextant::active_kernels().name);
    return 0;
}
