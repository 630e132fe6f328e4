#include "sextant/kernel/cpu_features.hpp"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace sextant::inline v1 {

#if defined(__x86_64__)
namespace {

constexpr bool bit(std::uint32_t word, unsigned index) noexcept { return ((word >> index) & 1U) != 0; }

/// Which register states the operating system saves (XCR0).
std::uint32_t saved_states() noexcept {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

}  // namespace

CpuFeatures detect_cpu_features() noexcept {
    CpuFeatures features;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    std::uint32_t c = 0;
    std::uint32_t d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0) return features;
    const bool fma = bit(c, 12);
    const bool system_uses_xsave = bit(c, 27);
    const bool avx = bit(c, 28);
    const bool f16c = bit(c, 29);
    if (!avx || !system_uses_xsave) return features;
    const std::uint32_t saved = saved_states();
    const bool saves_ymm = (saved & 0x06U) == 0x06U;
    const bool saves_zmm = (saved & 0xE6U) == 0xE6U;

    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return features;
    features.avx2_fma = saves_ymm && fma && f16c && bit(b, 5) && bit(b, 3) && bit(b, 8);
    features.avx512 = features.avx2_fma && saves_zmm && bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31);
    features.avx512_vnni = features.avx512 && bit(c, 11);
    features.avx512_vpopcntdq = features.avx512 && bit(c, 14);
    return features;
}

#elif defined(__aarch64__)

CpuFeatures detect_cpu_features() noexcept {
    CpuFeatures features;
    features.neon = true;
#if defined(__linux__)
    constexpr unsigned long asimddp = 1UL << 20U;  // HWCAP_ASIMDDP
    features.neon_dotprod = (getauxval(AT_HWCAP) & asimddp) != 0;
#elif defined(__ARM_FEATURE_DOTPROD)
    features.neon_dotprod = true;
#endif
    return features;
}

#else

CpuFeatures detect_cpu_features() noexcept { return {}; }

#endif

}  // namespace sextant::inline v1
