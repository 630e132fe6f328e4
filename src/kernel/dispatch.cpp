#include <cstdlib>
#include <cstring>

#include "kernel/tables.hpp"
#include "sextant/kernel/cpu_features.hpp"
#include "sextant/kernel/kernel_table.hpp"

namespace sextant::inline v1 {
namespace {

KernelList list_runnable() noexcept {
    KernelList list{};
    [[maybe_unused]] const CpuFeatures cpu = detect_cpu_features();
#if defined(__x86_64__)
    if (cpu.avx512_vnni) list.tables[list.count++] = &detail::avx512_vnni_kernels;
    if (cpu.avx512) list.tables[list.count++] = &detail::avx512_kernels;
    if (cpu.avx2_fma) list.tables[list.count++] = &detail::avx2_kernels;
#elif defined(__aarch64__)
    if (cpu.neon_dotprod) list.tables[list.count++] = &detail::neon_dot_kernels;
    if (cpu.neon) list.tables[list.count++] = &detail::neon_kernels;
#endif
    list.tables[list.count++] = &detail::baseline_kernels;
    return list;
}

/// What the process runs with: decided by the first caller, from then on immutable.
struct Choice {
    KernelList runnable = list_runnable();
    const KernelTable* active = runnable.tables[0];
    char error[192] = {};

    Choice() noexcept {
        const char* wanted = std::getenv("SEXTANT_KERNEL");
        if (wanted == nullptr || *wanted == '\0') return;
        for (std::size_t i = 0; i < runnable.count; ++i) {
            if (std::strcmp(wanted, runnable.tables[i]->name) == 0) {
                active = runnable.tables[i];
                return;
            }
        }
        describe_error(wanted);
    }

private:
    void append(const char* text) noexcept {
        const std::size_t used = std::strlen(error);
        std::strncat(error, text, sizeof error - used - 1);
    }
    void describe_error(const char* wanted) noexcept {
        char shown[33] = {};
        std::strncpy(shown, wanted, sizeof shown - 1);
        append("SEXTANT_KERNEL: got '");
        append(shown);
        append("', expected one this CPU can run:");
        for (std::size_t i = 0; i < runnable.count; ++i) {
            if (i > 0 && std::strcmp(runnable.tables[i]->name, runnable.tables[i - 1]->name) == 0) continue;
            append(" ");
            append(runnable.tables[i]->name);
        }
    }
};

const Choice& choice() noexcept {
    static const Choice instance;
    return instance;
}

}  // namespace

const KernelTable& active_kernels() noexcept { return *choice().active; }

const char* kernel_override_error() noexcept { return choice().error[0] == '\0' ? nullptr : choice().error; }

KernelList runnable_kernels() noexcept { return choice().runnable; }

}  // namespace sextant::inline v1
